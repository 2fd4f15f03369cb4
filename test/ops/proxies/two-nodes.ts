import { KafkaFixture } from '../../platform/kafka-fixture.js';
import { readMetric, startNode } from '../../platform/node-fixture.js';
import type { SelvageNode } from '../../platform/selvage-node.js';
import { sharedKafka, sharedRedis } from '../../platform/shared-services.js';
import { uniqueName } from '../../platform/unique-name.js';

/** How long a node of the tests goes on taking requests after SIGTERM. */
export const balancerWaitSeconds = 4;
/** Something is sent at least so often. */
export const keepAliveMs = 500;

/** Two nodes of one group, and a topic whose keys are channels. `close` it. */
export class TwoNodes {
  readonly nodes: readonly [SelvageNode, SelvageNode];
  readonly #kafka: KafkaFixture;
  readonly #topic: string;

  private constructor(nodes: readonly [SelvageNode, SelvageNode], kafka: KafkaFixture, topic: string) {
    this.nodes = nodes;
    this.#kafka = kafka;
    this.#topic = topic;
  }

  static async start(env: Readonly<Record<string, string>> = {}): Promise<TwoNodes> {
    const { brokers } = sharedKafka();
    const kafka = await KafkaFixture.connect(brokers);
    const topic = await kafka.makeTopic(1);
    const group = uniqueName('proxied');
    const start = (): Promise<SelvageNode> =>
      startNode({
        brokers,
        redisUrl: sharedRedis().url,
        routes: [{ topic, channels: ['{key|raw}'], publish: true }],
        env: {
          SELVAGE_GROUP: group,
          SELVAGE_STREAM_KEEP_ALIVE_MS: String(keepAliveMs),
          SELVAGE_STREAM_RETRY_MS: '100',
          SELVAGE_DRAIN_BALANCER_WAIT_SECONDS: String(balancerWaitSeconds),
          SELVAGE_DRAIN_WINDOW_SECONDS: '2',
          // The proxy's own address in these tests; clients have others.
          SELVAGE_LIMITS_TRUSTED_PROXIES: '127.0.0.1',
          ...env,
        },
      });
    return new TwoNodes(await Promise.all([start(), start()]), kafka, topic);
  }

  /** Sends values to a channel, one record each, in order. */
  send(channel: string, values: readonly string[]): Promise<void> {
    return this.#kafka.send(
      this.#topic,
      values.map((value) => ({ key: channel, value })),
    );
  }

  /** Open streams of each node. */
  streamCounts(): Promise<readonly number[]> {
    return Promise.all(this.nodes.map((node) => readMetric(node, 'selvage_connections')));
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()));
    await this.#kafka.close();
  }
}

/** Sends 0, 1, 2, … to a channel until told to stop. */
export class Counter {
  sent = 0;
  readonly #running: Promise<void>;
  #isStopped = false;

  constructor(nodes: TwoNodes, channel: string, everyMs = 20) {
    this.#running = (async () => {
      while (!this.#isStopped) {
        await nodes.send(channel, [String(this.sent)]);
        this.sent++;
        await new Promise((resolve) => setTimeout(resolve, everyMs));
      }
    })();
  }

  /** All that must have been read: 0 to what was sent last. */
  async stop(): Promise<readonly string[]> {
    this.#isStopped = true;
    await this.#running;
    return Array.from({ length: this.sent }, (_, at) => String(at));
  }
}
