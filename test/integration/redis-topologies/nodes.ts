import { KafkaFixture } from '../../platform/kafka-fixture.js';
import { readMetric, writeConfigFile } from '../../platform/node-fixture.js';
import { SelvageNode } from '../../platform/selvage-node.js';
import { sharedKafka } from '../../platform/shared-services.js';
import { waitFor } from '../../platform/wait-for.js';
import { EdgeStream } from '../edge/edge-client.js';
import { edgeEnv, tokenOf } from '../edge/edge-nodes.js';

export const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] as const;
export const userStreamsMax = 2;

/** Two nodes of one deployment, and more, over some form of Redis, with a topic whose channels are `<topic>.<key>`. `close` it. */
export class Deployment {
  readonly nodes: SelvageNode[] = [];
  readonly #kafka: KafkaFixture;
  readonly #topic: string;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(kafka: KafkaFixture, topic: string, env: Readonly<Record<string, string>>) {
    this.#kafka = kafka;
    this.#topic = topic;
    this.#env = env;
  }

  static async start(redisUrl: string, env: Readonly<Record<string, string>> = {}): Promise<Deployment> {
    const kafka = await KafkaFixture.connect(sharedKafka().brokers);
    const topic = await kafka.makeTopic(3);
    const routes = [{ topic, channels: [`${topic}.{key}`], keyed: 'murmur2' }];
    const more = { SELVAGE_CONFIG: writeConfigFile({ routes }), SELVAGE_MAX_CONNECTIONS_PER_USER: String(userStreamsMax), ...env };
    const deployment = new Deployment(kafka, topic, edgeEnv({ redisUrl, env: more }));
    try {
      await Promise.all([deployment.addNode(), deployment.addNode()]);
    } catch (error) {
      await deployment.close();
      throw error;
    }
    return deployment;
  }

  /** One more node, with nothing in memory. */
  async addNode(): Promise<SelvageNode> {
    const node = await SelvageNode.start({ env: this.#env });
    this.nodes.push(node);
    return node;
  }

  /** Writes numbers from `from` up to before `to`, each to every key. */
  async write(from: number, to: number): Promise<void> {
    for (let n = from; n < to; n++) {
      await this.#kafka.send(
        this.#topic,
        keys.map((key) => ({ key, value: String(n) })),
      );
    }
  }

  /** A stream of one key that has begun, of a user of its own. */
  async open(node: SelvageNode, key: string, subject: string, lastEventId?: string): Promise<EdgeStream> {
    const token = await tokenOf(subject);
    return EdgeStream.begin(node, [`${this.#topic}.${key}`], { token, ...(lastEventId === undefined ? {} : { lastEventId }) });
  }

  /** The status of one more stream of this user, which is closed at once. */
  async statusOfOneMore(node: SelvageNode, subject: string): Promise<number> {
    const url = `${node.url}/v1/events?format=json&wait=0&channel=${this.#topic}.a`;
    const answer = await fetch(url, { headers: { authorization: `Bearer ${await tokenOf(subject)}` } });
    await answer.body?.cancel();
    return answer.status;
  }

  /** Everything that was written is in the window, and every node may use it. */
  async waitUntilIndexed(): Promise<void> {
    const isIndexed = async (): Promise<boolean> => {
      const usable = await Promise.all(this.nodes.map((node) => readMetric(node, 'selvage_window_usable')));
      const ends = await Promise.all([0, 1, 2].map((partition) => this.#kafka.endOf(this.#topic, partition)));
      const highs = await Promise.all(ends.map(async (_, partition) => this.#highOf(partition)));
      return usable.every((is) => is === 1) && ends.every((end, partition) => end === 0 || (highs[partition] ?? -1) >= end - 1);
    };
    await waitFor(isIndexed, { timeoutMs: 40_000, everyMs: 200, what: 'the window to have everything' });
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()));
    await this.#kafka.close();
  }

  /** The one that indexes the partition says so; the others have no sample of it, or an older one. */
  async #highOf(partition: number): Promise<number> {
    const labels = { topic: this.#topic, partition: String(partition) };
    return Math.max(...(await Promise.all(this.nodes.map((node) => readMetric(node, 'selvage_window_high_offset', labels)))));
  }
}

/** `0` up to before `count`, as they come to a reader. */
export const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => String(from + i));
