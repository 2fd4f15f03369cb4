import kafkajs from 'kafkajs';
import type { Admin, Kafka } from 'kafkajs';
import type { Environment, Timers } from '../../std/clock.js';
import type { Logger } from '../../telemetry/logger.js';
import type { PartitionOffsets } from '../event-log.js';
import { KafkaAdmin } from './kafka-admin.js';
import { kafkaClientOpener } from './kafka-client.js';
import type { KafkaConnectionOptions } from './kafka-connection.js';
import { isForbidden, isUnknownTopic, toLogError } from './kafka-error.js';
import { openKafkajsCluster } from './kafkajs-cluster.js';
import { quietRequestQueue } from './quiet-request-queue.js';

export interface BrokerAddress {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

export interface SurveyedPartition {
  readonly partition: number;
  /** -1: there is none. */
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly inSync: readonly number[];
}

export interface SurveyedTopic {
  readonly partitions: readonly SurveyedPartition[];
  /** Effective settings by Kafka's names; null: they may not be read (`DescribeConfigs`). */
  readonly settings: ReadonlyMap<string, string> | null;
}

export interface WantedTopic {
  readonly topic: string;
  readonly partitionCount: number;
  /** -1: the brokers' default. */
  readonly replicationFactor: number;
  readonly settings: Readonly<Record<string, string>>;
}

/** `off`: the brokers ask nobody for permission. `hidden`: this user may not see the rules. */
export type AclSurvey = { readonly kind: 'off' } | { readonly kind: 'hidden' } | { readonly kind: 'rules'; readonly count: number };

/** How often, and how far apart, brokers are asked whether they know a new topic. */
const hearsay = { attemptsMax: 40, pauseMs: 250 };

export type CreateOutcome = 'created' | 'exists' | 'forbidden';

/**
 * Questions of operators to a cluster, and the topics that they let be made. Nothing here is on the path of events. Every method rejects with a
 * `LogError` when Kafka does not answer.
 */
export class KafkaSurvey {
  readonly #kafka: Kafka;
  readonly #asked: KafkaAdmin;
  readonly #timers: Timers;
  #admin: Promise<Admin> | null = null;

  constructor(connection: KafkaConnectionOptions, environment: Environment, logger: Logger) {
    quietRequestQueue();
    const openClient = kafkaClientOpener(connection, environment, logger);
    this.#kafka = openClient('survey');
    this.#asked = new KafkaAdmin(this.#kafka, logger);
    this.#timers = environment.timers;
  }

  clusterId(): Promise<string> {
    return this.#asked.clusterId();
  }

  /** Low and end of every partition; null: there is no such topic. */
  offsets(topic: string): Promise<readonly PartitionOffsets[] | null> {
    return this.#asked.offsets(topic);
  }

  offsetsAtTime(topic: string, timestampMs: number): Promise<ReadonlyMap<number, number>> {
    return this.#asked.offsetsAtTime(topic, timestampMs);
  }

  /** `partition/topic` → what the group has committed; null: nothing. */
  committed(groupId: string, topics: readonly string[]): Promise<ReadonlyMap<string, number | null>> {
    return this.#asked.committed(groupId, topics);
  }

  /** How many members a group has now; 0 for one that does not exist. */
  memberCount(groupId: string): Promise<number> {
    return this.#ask(`describe group "${groupId}"`, async (admin) => {
      const { groups } = await admin.describeGroups([groupId]);
      return groups[0]?.members.length ?? 0;
    });
  }

  brokers(): Promise<readonly BrokerAddress[]> {
    return this.#ask('list the brokers', async (admin) => (await admin.describeCluster()).brokers);
  }

  /** Highest version of each API that a broker answers, by number; null when kafkajs does not tell. */
  async apiVersions(): Promise<ReadonlyMap<number, number> | null> {
    const cluster = openKafkajsCluster(this.#kafka, 60_000);
    try {
      await cluster.connect();
      const { versions } = (cluster as unknown as { readonly brokerPool: { readonly versions: unknown } }).brokerPool;
      if (typeof versions !== 'object' || versions === null) return null;
      return new Map(
        Object.entries(versions as Record<string, { maxVersion: number }>).map(([key, { maxVersion }]) => [Number(key), maxVersion]),
      );
    } catch (error) {
      throw toLogError('ask for the versions of the API', error);
    } finally {
      await cluster.disconnect().catch(() => undefined);
    }
  }

  /** null: there is no such topic. */
  async topic(topic: string): Promise<SurveyedTopic | null> {
    const partitions = await this.#ask(`describe topic "${topic}"`, async (admin) => {
      try {
        const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
        return topics[0]?.partitions ?? [];
      } catch (error) {
        if (isUnknownTopic(error)) return null;
        throw error;
      }
    });
    if (partitions === null || partitions.length === 0) return null;
    const surveyed = partitions.map(({ partitionId, leader, replicas, isr }) => ({
      partition: partitionId,
      leader,
      replicas,
      inSync: isr,
    }));
    return {
      partitions: surveyed.sort((a, b) => a.partition - b.partition),
      settings: await this.#settings(kafkajs.ConfigResourceTypes.TOPIC, topic),
    };
  }

  /** Effective settings of a broker; null: they may not be read. */
  brokerSettings(nodeId: number): Promise<ReadonlyMap<string, string> | null> {
    return this.#settings(kafkajs.ConfigResourceTypes.BROKER, String(nodeId));
  }

  /** Whether brokers ask for permission, as far as this user may know. */
  acls(): Promise<AclSurvey> {
    const filter = {
      resourceType: kafkajs.AclResourceTypes.ANY,
      resourcePatternType: kafkajs.ResourcePatternTypes.ANY,
      operation: kafkajs.AclOperationTypes.ANY,
      permissionType: kafkajs.AclPermissionTypes.ANY,
    };
    return this.#ask('ask for the rules of permission', async (admin): Promise<AclSurvey> => {
      try {
        return { kind: 'rules', count: (await admin.describeAcls(filter)).resources.length };
      } catch (error) {
        if ((error as { type?: unknown }).type === 'SECURITY_DISABLED') return { kind: 'off' };
        if (isForbidden(error)) return { kind: 'hidden' };
        throw error;
      }
    });
  }

  /** Makes the topic; waits until its partitions have leaders. Never changes one that exists. Rejects for settings that the brokers refuse. */
  createTopic({ topic, partitionCount, replicationFactor, settings }: WantedTopic): Promise<CreateOutcome> {
    const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
    const wanted = { topic, numPartitions: partitionCount, replicationFactor, configEntries };
    return this.#ask(`create topic "${topic}"`, async (admin): Promise<CreateOutcome> => {
      try {
        return (await admin.createTopics({ topics: [wanted], waitForLeaders: true })) ? 'created' : 'exists';
      } catch (error) {
        if (isForbidden(error)) return 'forbidden';
        // Made, but the broker that was asked for its leaders had not heard of it yet.
        if (!isUnknownTopic(error)) throw error;
        await this.#untilHeardOf(admin, topic);
        return 'created';
      }
    });
  }

  async close(): Promise<void> {
    const admin = this.#admin;
    this.#admin = null;
    await Promise.all([this.#asked.close(), admin?.then((open) => open.disconnect()).catch(() => undefined)]);
  }

  async #untilHeardOf(admin: Admin, topic: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await admin.fetchTopicMetadata({ topics: [topic] });
        return;
      } catch (error) {
        if (!isUnknownTopic(error) || attempt === hearsay.attemptsMax) throw error;
        await new Promise<void>((resolve) => void this.#timers.after(hearsay.pauseMs, resolve));
      }
    }
  }

  async #settings(type: kafkajs.ConfigResourceTypes, name: string): Promise<ReadonlyMap<string, string> | null> {
    return this.#ask(`read the settings of "${name}"`, async (admin) => {
      try {
        const { resources } = await admin.describeConfigs({ resources: [{ type, name }], includeSynonyms: false });
        return new Map((resources[0]?.configEntries ?? []).map(({ configName, configValue }) => [configName, configValue ?? '']));
      } catch (error) {
        if (isForbidden(error)) return null;
        throw error;
      }
    });
  }

  async #ask<T>(what: string, question: (admin: Admin) => Promise<T>): Promise<T> {
    this.#admin ??= this.#open();
    try {
      return await question(await this.#admin);
    } catch (error) {
      throw toLogError(what, error);
    }
  }

  async #open(): Promise<Admin> {
    const admin = this.#kafka.admin({ retry: { retries: 2, initialRetryTime: 50, maxRetryTime: 500 } });
    await admin.connect();
    return admin;
  }
}
