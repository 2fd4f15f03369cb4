import { LogError } from '../event-log.js';
import { isUnknownTopic } from './kafka-error.js';
import type { KafkaLogContext } from './kafka-log-context.js';
import { openKafkajsCluster } from './kafkajs-cluster.js';
import type { KafkajsBroker, KafkajsCluster } from './kafkajs-cluster.js';

const metadataMaxAgeMs = 30_000;
/** How long may take what comes before a request. */
const stepMsMax = 4_000;
/** Means nothing for a producer without transactions, but the request has it. */
const transactionTimeoutMs = 60_000;

/**
 * Connections to the brokers and one producer id. A broker answers the requests of one connection one after another, so that a link carries
 * one request to a leader at a time in effect; several links carry several.
 */
export class AppendLink {
  readonly #context: KafkaLogContext;
  #cluster: KafkajsCluster;
  #producerId: string | null = null;
  #isClosed = false;

  constructor(context: KafkaLogContext) {
    this.#context = context;
    this.#cluster = this.#open();
  }

  /** How many partitions the topic has, asked now. Rejects when there is no such topic. */
  askPartitionCount(topic: string): Promise<number> {
    return this.#bounded(async (cluster) => {
      await this.#know(cluster, topic);
      await this.#refresh(cluster);
      const count = cluster.findTopicPartitionMetadata(topic).length;
      if (count === 0) throw new LogError(`the metadata lack topic "${topic}"`, true);
      return count;
    });
  }

  /** The leader of the partition, connected, and the producer id. */
  leaderOf(topic: string, partition: number): Promise<{ readonly leader: KafkajsBroker; readonly producerId: string }> {
    return this.#bounded(async (cluster) => {
      await this.#know(cluster, topic);
      await cluster.refreshMetadataIfNecessary();
      const nodeId = cluster.findTopicPartitionMetadata(topic).find(({ partitionId }) => partitionId === partition)?.leader;
      if (nodeId === undefined || nodeId < 0) {
        await this.#refresh(cluster);
        throw new LogError(`partition ${partition} of "${topic}" has no leader now`, true);
      }
      const leader = await cluster.findBroker({ nodeId: String(nodeId) });
      return { leader, producerId: await this.#knowProducerId(leader) };
    });
  }

  /** After a failed request: connections that died are forgotten, and who leads is asked anew. Never rejects. */
  async recover(error: unknown): Promise<void> {
    const { name, host, port } = error as { name?: string; host?: string; port?: number };
    if (name === 'KafkaJSConnectionClosedError' && host !== undefined && port !== undefined) this.#cluster.removeBroker({ host, port });
    // kafkajs asks for all topics at once, and for a deleted one would fail for every other.
    if (isUnknownTopic(error)) this.#cluster.targetTopics.clear();
    else await this.#bounded((cluster) => this.#refresh(cluster)).catch(() => undefined);
  }

  /** Gives the connections up for fresh ones, keeping the producer id: requests under way fail, and are sent again as they were. */
  reset(): void {
    const old = this.#cluster;
    this.#cluster = this.#open();
    void old.disconnect().catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#cluster.disconnect();
  }

  #open(): KafkajsCluster {
    return openKafkajsCluster(this.#context.openClient('append'), metadataMaxAgeMs);
  }

  /** Some waits of kafkajs have no end, such as one for a broker that took the connection and stands still: then others are tried, on fresh connections. */
  async #bounded<T>(work: (cluster: KafkajsCluster) => Promise<T>): Promise<T> {
    const cluster = this.#cluster;
    const { timers } = this.#context.environment;
    return new Promise<T>((resolve, reject) => {
      const timer = timers.after(stepMsMax, () => {
        if (this.#cluster === cluster && !this.#isClosed) this.reset();
        reject(new LogError(`Kafka did not answer within ${stepMsMax} ms`, true));
      });
      const done = this.#connected(cluster).then(() => work(cluster));
      done.then(resolve, reject).finally(() => timer.cancel());
    });
  }

  async #connected(cluster: KafkajsCluster): Promise<void> {
    if (this.#isClosed) throw new LogError('the log is closed', false);
    if (!cluster.isConnected()) await cluster.connect();
  }

  async #know(cluster: KafkajsCluster, topic: string): Promise<void> {
    if (!cluster.targetTopics.has(topic)) await cluster.addMultipleTargetTopics([topic]);
  }

  /** The same id for ever, since what a broker knows of a partition's numbers is kept by id. Any broker gives one. */
  async #knowProducerId(broker: KafkajsBroker): Promise<string> {
    if (this.#producerId === null) {
      const { producerId } = await broker.initProducerId({ transactionTimeout: transactionTimeoutMs });
      // Another may have asked meanwhile: the first answer stands.
      this.#producerId ??= producerId;
    }
    return this.#producerId;
  }

  async #refresh(cluster: KafkajsCluster): Promise<void> {
    if (this.#isClosed) return;
    try {
      await cluster.refreshMetadata();
    } catch (error) {
      if (isUnknownTopic(error)) cluster.targetTopics.clear();
      throw error;
    }
  }
}
