import kafkajs from 'kafkajs';
import type { Admin, Kafka } from 'kafkajs';
import { KafkaEventLog } from '../../../src/log/kafka/kafka-event-log.js';
import type { KafkaEventLogOptions } from '../../../src/log/kafka/kafka-event-log.js';
import { systemEnvironment } from '../../../src/std/system-environment.js';
import { TailRecorder, until } from '../../contract/event-log-contract.js';
import { createTopic } from '../../platform/create-topic.js';
import { uniqueName } from '../../platform/unique-name.js';
import { silentLogger } from '../../contract/event-log-silent-logger.js';

/** A log of ours beside a plain client of the same brokers. */
export class KafkaLogHarness {
  readonly brokers: string[];
  readonly kafka: Kafka;
  readonly admin: Admin;
  readonly #logs: KafkaEventLog[] = [];

  constructor(brokers: string) {
    this.brokers = brokers.split(',');
    this.kafka = new kafkajs.Kafka({
      brokers: this.brokers,
      logLevel: kafkajs.logLevel.NOTHING,
      retry: { retries: 20, maxRetryTime: 1_000 },
    });
    this.admin = this.kafka.admin();
  }

  makeLog(options: Partial<KafkaEventLogOptions> = {}): KafkaEventLog {
    const connection = { brokers: this.brokers };
    const log = new KafkaEventLog(
      { connection, node: uniqueName('node'), tail: { lookMs: 500 }, ...options },
      systemEnvironment,
      silentLogger,
    );
    this.#logs.push(log);
    return log;
  }

  async openLog(options: Partial<KafkaEventLogOptions> = {}): Promise<KafkaEventLog> {
    const log = this.makeLog(options);
    await log.connect();
    return log;
  }

  async makeTopic(numPartitions = 1, stem = 'log'): Promise<string> {
    const topic = uniqueName(stem);
    await createTopic(this.admin, topic, numPartitions);
    return topic;
  }

  /** kafkajs looks for the leader before it asks who leads. */
  async trim(topic: string, partition: number, low: number): Promise<void> {
    await this.admin.fetchTopicOffsets(topic);
    await this.admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(low) }] });
  }

  async close(): Promise<void> {
    await Promise.all(this.#logs.map((log) => log.close()));
    await this.admin.disconnect();
  }
}

/** A tail that has begun to deliver. */
export async function startTail(log: KafkaEventLog, topics: string[], recorder = new TailRecorder()) {
  const tail = log.tail(topics, recorder);
  const hasBegun = (): boolean => topics.every((topic) => recorder.partitions.has(topic)) && recorder.health.at(-1)?.delivering === true;
  await until(hasBegun, 'the tail to deliver', 30_000);
  return { tail, recorder };
}
