import kafkajs from 'kafkajs';
import type { Admin, Kafka, Producer } from 'kafkajs';
import { createTopic } from './create-topic.js';
import { uniqueName } from './unique-name.js';
import { waitFor } from './wait-for.js';

export interface FixtureRecord {
  readonly key?: string | null;
  readonly value: string | Buffer | null;
  readonly partition?: number;
  readonly headers?: Readonly<Record<string, string | Buffer>>;
  readonly timestamp?: string;
}

/** A plain client of the brokers for what tests do beside the program. `close` it. */
export class KafkaFixture {
  readonly kafka: Kafka;
  readonly admin: Admin;
  readonly #producer: Producer;

  private constructor(brokers: string) {
    this.kafka = new kafkajs.Kafka({
      brokers: brokers.split(','),
      logLevel: kafkajs.logLevel.NOTHING,
      retry: { retries: 20, maxRetryTime: 1_000 },
    });
    this.admin = this.kafka.admin();
    this.#producer = this.kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  }

  static async connect(brokers: string): Promise<KafkaFixture> {
    const fixture = new KafkaFixture(brokers);
    await Promise.all([fixture.admin.connect(), fixture.#producer.connect()]);
    return fixture;
  }

  /** Makes a topic of a unique name; returned when its partitions have leaders. */
  async makeTopic(partitionCount = 1, config: Readonly<Record<string, string>> = {}, stem = 'topic'): Promise<string> {
    const topic = uniqueName(stem);
    await createTopic(this.admin, topic, partitionCount, config);
    return topic;
  }

  async send(topic: string, records: readonly FixtureRecord[]): Promise<void> {
    await this.#producer.send({ topic, messages: records.map((record) => ({ key: null, ...record, headers: { ...record.headers } })) });
  }

  /** Deletes what is below `low`, as retention does. */
  async trim(topic: string, partition: number, low: number): Promise<void> {
    await this.admin.fetchTopicOffsets(topic); // kafkajs asks for the leader before it knows one
    await this.admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(low) }] });
  }

  async endOf(topic: string, partition = 0): Promise<number> {
    const offsets = await this.admin.fetchTopicOffsets(topic);
    return Number(offsets.find((one) => one.partition === partition)?.high);
  }

  /** All records that the topic has now, partition by partition. */
  async readAll(
    topic: string,
  ): Promise<readonly { partition: number; offset: string; value: string | null; headers: Record<string, string> }[]> {
    const ends = await this.admin.fetchTopicOffsets(topic);
    const wanted = ends.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
    const found: { partition: number; offset: string; value: string | null; headers: Record<string, string> }[] = [];
    if (wanted === 0) return found;
    const consumer = this.kafka.consumer({ groupId: uniqueName('fixture-reader') });
    await consumer.connect();
    try {
      await consumer.subscribe({ topic, fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachMessage: async ({ partition, message: { offset, value, headers = {} } }) => {
          const text = Object.entries(headers).map(([name, header]) => [name, String(header)]);
          found.push({ partition, offset, value: value?.toString() ?? null, headers: Object.fromEntries(text) as Record<string, string> });
        },
      });
      await waitFor(() => found.length >= wanted, { what: `${wanted} records of ${topic}` });
    } finally {
      await consumer.disconnect();
    }
    return found;
  }

  async close(): Promise<void> {
    await Promise.all([this.admin.disconnect(), this.#producer.disconnect()]);
  }
}
