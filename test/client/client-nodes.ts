import { SelvageNode } from '../platform/selvage-node.js';
import { sharedKafka, sharedRedis } from '../platform/shared-services.js';
import { uniqueName } from '../platform/unique-name.js';
import { publishEvents } from './publish-events.js';
import type { PublishedEvent } from './publish-events.js';

const keepAliveMs = 200;

/** The nodes that one client is tried with: two that are alike, and one that ends every stream within a second. */
export class ClientNodes {
  readonly first: SelvageNode;
  readonly second: SelvageNode;
  readonly hasty: SelvageNode;

  private constructor(first: SelvageNode, second: SelvageNode, hasty: SelvageNode) {
    this.first = first;
    this.second = second;
    this.hasty = hasty;
  }

  static async start(origin?: string): Promise<ClientNodes> {
    const env: Record<string, string> = {
      HOST: '127.0.0.1',
      KAFKA_BROKERS: sharedKafka().brokers,
      REDIS_URL: sharedRedis().url,
      SELVAGE_GROUP: uniqueName('client'),
      SELVAGE_STREAM_KEEP_ALIVE_MS: String(keepAliveMs),
      SELVAGE_STREAM_RETRY_MS: '200',
      ...(origin === undefined ? {} : { SELVAGE_CORS_ORIGINS: origin }),
    };
    const environments = [env, env, { ...env, SELVAGE_ROLES: 'edge', SELVAGE_STREAM_MAX_AGE_SECONDS: '1' }];
    const starts = await Promise.allSettled(environments.map((nodeEnv) => SelvageNode.start({ env: nodeEnv })));
    const nodes = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
    const failed = starts.find((start) => start.status === 'rejected');
    if (failed !== undefined) {
      await Promise.all(nodes.map((node) => node.close()));
      throw failed.reason;
    }
    return new ClientNodes(nodes[0]!, nodes[1]!, nodes[2]!);
  }

  /** Publishes through the second node, the one that no test kills; returns the position of each event. */
  publish(...events: PublishedEvent[]): Promise<readonly string[]> {
    return publishEvents(this.second.url, events);
  }

  async close(): Promise<void> {
    await Promise.all([this.first.close(), this.second.close(), this.hasty.close()]);
  }
}
