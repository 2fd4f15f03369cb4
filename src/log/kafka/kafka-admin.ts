import kafkajs from 'kafkajs';
import type { Admin, Kafka } from 'kafkajs';
import type { Logger } from '../../telemetry/logger.js';
import { LogError } from '../event-log.js';
import type { PartitionOffsets, TopicDescription } from '../event-log.js';
import { isForbidden, isUnknownTopic, toLogError } from './kafka-error.js';

/**
 * Questions to the cluster. One connection serves them; after any error it is replaced and the question asked once more, because kafkajs'
 * admin goes on asking for a topic that was deleted meanwhile and then fails for every other. Only the second answer counts.
 */
export class KafkaAdmin {
  private readonly kafka: Kafka;
  private readonly logger: Logger;
  private current: Promise<Admin> | null = null;
  private isClosed = false;
  private readonly undescribed = new Set<string>();

  constructor(kafka: Kafka, logger: Logger) {
    this.kafka = kafka;
    this.logger = logger;
  }

  /** Asks for the cluster's id: the first sign that Kafka answers. */
  async clusterId(): Promise<string> {
    return this.ask('ask for the cluster id', async (admin) => (await admin.describeCluster()).clusterId);
  }

  /**
   * Low and end of every partition; null when there is no such topic. kafkajs asks as a reader of committed records: while a transaction is open,
   * the end is where it begins, so that a tail starting there misses nothing of it.
   */
  async offsets(topic: string): Promise<readonly PartitionOffsets[] | null> {
    const what = `ask the offsets of topic "${topic}"`;
    const read = (admin: Admin) => admin.fetchTopicOffsets(topic);
    const offsets = await this.ask(what, read).catch((error: unknown) => {
      if (isUnknownTopic(error)) return null;
      throw error;
    });
    if (offsets === null) return null;
    const partitions = offsets.map(({ partition, low, high }) => ({ partition, low: Number(low), end: Number(high) }));
    return partitions.sort((a, b) => a.partition - b.partition);
  }

  async offsetsAtTime(topic: string, timestampMs: number): Promise<ReadonlyMap<number, number>> {
    const offsets = await this.ask(`ask the offsets of topic "${topic}" by time`, (admin) =>
      admin.fetchTopicOffsetsByTimestamp(topic, timestampMs),
    );
    return new Map(offsets.map(({ partition, offset }) => [partition, Number(offset)]));
  }

  /** What a group has committed; null where it has nothing. */
  async committed(groupId: string, topics: readonly string[]): Promise<ReadonlyMap<string, number | null>> {
    const answer = await this.ask(`ask what group "${groupId}" committed`, (admin) => admin.fetchOffsets({ groupId, topics: [...topics] }));
    const entries = answer.flatMap(({ topic, partitions }) =>
      // -1 is "nothing"; -2 is what kafkajs commits when it goes to the low end.
      partitions.map(({ partition, offset }) => [`${partition}/${topic}`, Number(offset) < 0 ? null : Number(offset)] as const),
    );
    return new Map(entries);
  }

  async describe(topics: readonly string[]): Promise<ReadonlyMap<string, TopicDescription>> {
    const described = new Map<string, TopicDescription>();
    for (const topic of new Set(topics)) {
      const partitions = await this.offsets(topic);
      if (partitions === null) continue;
      described.set(topic, { topic, partitionCount: partitions.length, ...(await this.configuration(topic)) });
    }
    return described;
  }

  /** True when the topic exists after this; false when it may not be created. */
  async ensureTopic(topic: string, partitionCount: number): Promise<boolean> {
    try {
      await this.ask(`create topic "${topic}"`, (admin) =>
        admin.createTopics({ topics: [{ topic, numPartitions: partitionCount }], waitForLeaders: true }),
      );
      return true;
    } catch (error) {
      if (!isForbidden(error)) throw error;
      const isThere = (await this.offsets(topic).catch(() => null)) !== null;
      if (!isThere) this.logger.warn('Kafka does not allow this user to create a topic', { topic });
      return isThere;
    }
  }

  /** Ends the connection. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.discard();
  }

  private async configuration(topic: string): Promise<Pick<TopicDescription, 'compacted' | 'retentionMs'>> {
    const names = ['cleanup.policy', 'retention.ms'];
    const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: names };
    try {
      const answer = await this.ask(`describe topic "${topic}"`, (admin) =>
        admin.describeConfigs({ resources: [resource], includeSynonyms: false }),
      );
      const [policy, retention] = names.map(
        (name) => answer.resources[0]?.configEntries.find((entry) => entry.configName === name)?.configValue,
      );
      const retentionMs = Number(retention ?? -1);
      return { compacted: policy?.includes('compact') ?? false, retentionMs: retentionMs < 0 ? null : retentionMs };
    } catch (error) {
      if (!isForbidden(error)) throw error;
      if (!this.undescribed.has(topic))
        this.logger.warn(
          'Kafka does not show the settings of a topic: grant DescribeConfigs. Until then it is taken for compacted, and its past proves nothing',
          { topic },
        );
      this.undescribed.add(topic);
      return { compacted: true, retentionMs: null };
    }
  }

  private async ask<T>(what: string, question: (admin: Admin) => Promise<T>): Promise<T> {
    let lastError: unknown;
    for (let attempt = 0; attempt < 2; attempt++) {
      if (this.isClosed) throw new LogError(`could not ${what}: the log is closed`, false);
      this.current ??= this.open();
      const used = this.current;
      try {
        return await question(await used);
      } catch (error) {
        lastError = error;
        if (this.current === used) await this.discard();
        if (isForbidden(error)) break;
      }
    }
    throw toLogError(what, lastError);
  }

  private async open(): Promise<Admin> {
    const admin = this.kafka.admin({ retry: { retries: 2, initialRetryTime: 50, maxRetryTime: 500 } });
    await admin.connect();
    return admin;
  }

  private async discard(): Promise<void> {
    const used = this.current;
    this.current = null;
    await used?.then((admin) => admin.disconnect()).catch(() => undefined);
  }
}
