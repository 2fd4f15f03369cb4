import { LogError } from '../event-log.js';
import { isUnknownTopic } from './kafka-error.js';
import type { KafkaLogContext } from './kafka-log-context.js';
import { openKafkajsCluster } from './kafkajs-cluster.js';
import type { KafkajsBroker, KafkajsCluster } from './kafkajs-cluster.js';

const metadataMaxAgeMs = 30_000;
/** Means nothing for a producer without transactions, but the request has it. */
const transactionTimeoutMs = 60_000;

/**
 * Connections to the brokers and one producer id. A broker answers the requests of one connection one after another, so that a link carries
 * one request to a leader at a time in effect; several links carry several.
 */
export class AppendLink {
  readonly #context: KafkaLogContext;
  #cluster: KafkajsCluster;
  #producerId: Promise<string> | null = null;
  #isClosed = false;

  constructor(context: KafkaLogContext) {
    this.#context = context;
    this.#cluster = this.#open();
  }

  /** A producer id of this link's own; the same one for ever, since what a broker knows of a partition's numbers is kept by id. Any broker gives one. */
  producerId(broker: KafkajsBroker): Promise<string> {
    this.#producerId ??= broker.initProducerId({ transactionTimeout: transactionTimeoutMs }).then(
      ({ producerId }) => producerId,
      (error: unknown) => {
        this.#producerId = null;
        throw error;
      },
    );
    return this.#producerId;
  }

  /** How many partitions the topic has, asked now. Rejects when there is no such topic. */
  async askPartitionCount(topic: string): Promise<number> {
    const cluster = await this.#know(topic);
    await this.#refresh(cluster);
    const count = cluster.findTopicPartitionMetadata(topic).length;
    if (count === 0) throw new LogError(`the metadata lack topic "${topic}"`, true);
    return count;
  }

  /** The leader of the partition, connected. */
  async leaderOf(topic: string, partition: number): Promise<KafkajsBroker> {
    const cluster = await this.#know(topic);
    await cluster.refreshMetadataIfNecessary();
    const leader = cluster.findTopicPartitionMetadata(topic).find(({ partitionId }) => partitionId === partition)?.leader;
    if (leader === undefined || leader < 0) {
      await this.#refresh(cluster);
      throw new LogError(`partition ${partition} of "${topic}" has no leader now`, true);
    }
    return cluster.findBroker({ nodeId: String(leader) });
  }

  /** After a failed request: connections that died are forgotten, and who leads is asked anew. Never rejects. */
  async recover(error: unknown): Promise<void> {
    const cluster = this.#cluster;
    const { name, host, port } = error as { name?: string; host?: string; port?: number };
    if (name === 'KafkaJSConnectionClosedError' && host !== undefined && port !== undefined) cluster.removeBroker({ host, port });
    // kafkajs asks for all topics at once, and for a deleted one would fail for every other.
    if (isUnknownTopic(error)) cluster.targetTopics.clear();
    else await this.#refresh(cluster).catch(() => undefined);
  }

  /** Gives the connections up for fresh ones, keeping the producer id. */
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

  async #know(topic: string): Promise<KafkajsCluster> {
    const cluster = await this.#connected();
    if (!cluster.targetTopics.has(topic)) await cluster.addMultipleTargetTopics([topic]);
    return cluster;
  }

  async #connected(): Promise<KafkajsCluster> {
    if (this.#isClosed) throw new LogError('the log is closed', false);
    const cluster = this.#cluster;
    if (!cluster.isConnected()) await cluster.connect();
    return cluster;
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
