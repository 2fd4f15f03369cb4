import { draftForKey, draftKeyed, draftUnkeyed, keyedMarks, partitionOf, Sequences, unkeyedMarks } from '../../chaos/traffic.js';
import type { SeededRandom } from '../../chaos/random.js';
import { readTruth } from '../../chaos/read-truth.js';
import type { TrueRecord } from '../../chaos/records.js';
import { SteadyProducer } from '../../chaos/steady-producer.js';
import type { Draft } from '../../chaos/steady-producer.js';
import { createTopic } from '../../platform/create-topic.js';
import { KafkaCluster } from '../../platform/kafka-cluster.js';
import { KafkaFixture } from '../../platform/kafka-fixture.js';
import { writeConfigFile } from '../../platform/node-fixture.js';
import { RedisServer } from '../../platform/redis-server.js';
import { SelvageNode } from '../../platform/selvage-node.js';
import type { PreviousBuild } from './previous-build.js';

/** A build with its configuration. */
export type Release = 'old' | 'new';

/** A place in the deployment; what runs there changes, its ports do not. */
export interface Slot {
  readonly name: string;
  readonly role: 'edge' | 'indexer';
  readonly port: number;
  readonly adminPort: number;
  release: Release;
  node: SelvageNode;
}

const partitionCount = 4;
const draftsEveryTick = 4;
const keysEach = 4;

export const topics = ['keyed', 'unkeyed', 'added', 'removed', 'renamed'] as const;
/** Keys of the topics whose routes change; the judge calls their channels `r.<key>`. */
export const changingKeys = (topic: 'added' | 'removed' | 'renamed'): readonly string[] =>
  Array.from({ length: keysEach }, (_, i) => `r${topic}${i}`);

const route = (topic: string, channel: string): object => ({ topic, channels: [channel], type: '{json:/kind}', keyed: 'murmur2' });
const unchanged = [
  { ...route('keyed', 'k.{key}'), attributes: { session: '{json:/session}' } },
  {
    topic: 'unkeyed',
    channels: ['stage.{json:/stage}', 'project.{json:/project}'],
    type: '{json:/kind}',
    attributes: { session: '{json:/session}' },
  },
];
/** One route goes, one comes, one gives its channel another name. */
const routes = {
  old: [...unchanged, route('removed', 'gone.{key}'), route('renamed', 'before.{key}')],
  new: [...unchanged, route('added', 'fresh.{key}'), route('renamed', 'after.{key}')],
};

/** A broker, Redis, two edges and two indexers, each of the one build or the other, and producers that never stop. Always `close` it. */
export class UpgradeWorld {
  readonly kafka: KafkaCluster;
  readonly redis: RedisServer;
  readonly slots: Slot[] = [];
  readonly #previous: PreviousBuild;
  readonly #config = { old: writeConfigFile({ routes: routes.old }), new: writeConfigFile({ routes: routes.new }) };
  readonly #sequences = new Sequences();
  readonly #producers: ReadonlyMap<string, SteadyProducer>;
  #recordCount = 0;

  private constructor(kafka: KafkaCluster, redis: RedisServer, previous: PreviousBuild, random: SeededRandom) {
    this.kafka = kafka;
    this.redis = redis;
    this.#previous = previous;
    this.#producers = new Map(topics.map((topic) => [topic, this.#producer(topic, random.fork())]));
  }

  static async start(previous: PreviousBuild, random: SeededRandom): Promise<UpgradeWorld> {
    const [kafka, redis] = await Promise.all([KafkaCluster.start(), RedisServer.start()]);
    const world = new UpgradeWorld(kafka, redis, previous, random);
    try {
      await world.#createTopics();
      for (const role of ['edge', 'edge', 'indexer', 'indexer'] as const) await world.#addSlot(role);
      for (const producer of world.#producers.values()) producer.start();
    } catch (error) {
      await world.close();
      throw error;
    }
    return world;
  }

  get edges(): readonly Slot[] {
    return this.slots.filter(({ role }) => role === 'edge');
  }

  /** Drains what runs there, and starts the other release on its ports. */
  async roll(slot: Slot, release: Release): Promise<void> {
    await slot.node.stop();
    await slot.node.close();
    slot.release = release;
    slot.node = await this.#start(slot.name, slot.role, release, { PORT: String(slot.port), ADMIN_PORT: String(slot.adminPort) });
  }

  /** Ends the traffic with a mark in every partition, and returns what Kafka holds. */
  async finish(): Promise<readonly TrueRecord[]> {
    for (const [topic, producer] of this.#producers) await producer.finish(this.#marks(topic));
    return (await Promise.all(topics.map((topic) => readTruth(this.kafka.brokers, topic)))).flat();
  }

  /** Acknowledged to the producer, yet not in Kafka where it said. */
  unwritten(records: readonly TrueRecord[]): readonly string[] {
    const places = new Set(records.map(({ topic, n, partition, offset }) => `${topic} ${n} ${partition}@${offset}`));
    return [...this.#producers].flatMap(([topic, { acknowledged }]) =>
      acknowledged.map(({ n, partition, offset }) => `${topic} ${n} ${partition}@${offset}`).filter((place) => !places.has(place)),
    );
  }

  logTails(lines: number): string {
    return this.slots.map(({ name, release, node }) => `--- ${name} (${release})\n${node.logTail(lines)}`).join('\n');
  }

  async close(): Promise<void> {
    for (const producer of this.#producers.values()) producer.abandon();
    await Promise.all(this.slots.map(({ node }) => node.close()));
    await Promise.all([this.kafka.close(), this.redis.close()]);
  }

  async #addSlot(role: Slot['role']): Promise<void> {
    const name = `${role}-${this.slots.length}`;
    const node = await this.#start(name, role, 'old', {});
    this.slots.push({ name, role, release: 'old', node, port: node.port, adminPort: node.adminPort });
  }

  #start(name: string, role: Slot['role'], release: Release, ports: Readonly<Record<string, string>>): Promise<SelvageNode> {
    const build = release === 'old' ? { mainPath: this.#previous.mainPath, isOpen: this.#previous.hasIdentity } : {};
    return SelvageNode.start({
      ...build,
      env: {
        ...ports,
        HOST: '127.0.0.1',
        KAFKA_BROKERS: this.kafka.brokers,
        REDIS_URL: this.redis.url,
        SELVAGE_CONFIG: this.#config[release],
        SELVAGE_ROLES: role,
        SELVAGE_NODE_ID: `${name}-${release}`,
        SELVAGE_GROUP: 'upgrade',
        SELVAGE_RECENT_AGE_SECONDS: '33',
        SELVAGE_WINDOW_AGE_SECONDS: '120',
        SELVAGE_STREAM_KEEP_ALIVE_MS: '500',
        SELVAGE_STREAM_MAX_AGE_SECONDS: '20',
        SELVAGE_STREAM_RETRY_MS: '200',
        SELVAGE_DRAIN_BALANCER_WAIT_SECONDS: '0',
        SELVAGE_DRAIN_WINDOW_SECONDS: '1',
      },
    });
  }

  async #createTopics(): Promise<void> {
    const fixture = await KafkaFixture.connect(this.kafka.brokers);
    try {
      for (const topic of topics) await createTopic(fixture.admin, topic, partitionCount);
    } finally {
      await fixture.close();
    }
  }

  #producer(topic: (typeof topics)[number], random: SeededRandom): SteadyProducer {
    const options = {
      brokers: this.kafka.brokers.split(','),
      topic,
      draft: this.#draft(topic, random),
      draftsEveryTick,
      nextNumber: () => ++this.#recordCount,
    };
    return new SteadyProducer(options, partitionCount);
  }

  #draft(topic: (typeof topics)[number], random: SeededRandom): (partitionCount: number) => Draft {
    if (topic === 'keyed') return draftKeyed(topic, random, this.#sequences);
    if (topic === 'unkeyed') return draftUnkeyed(random, this.#sequences);
    const keys = changingKeys(topic);
    return (partitions) => draftForKey(topic, random.pick(keys), partitions, random, this.#sequences);
  }

  #marks(topic: string): Draft[] {
    if (topic === 'keyed') return keyedMarks(topic, partitionCount, this.#sequences);
    if (topic === 'unkeyed') return unkeyedMarks(partitionCount, this.#sequences);
    return changingKeys(topic as 'added').map((key) => ({
      key,
      partition: partitionOf(topic, key, partitionCount),
      value: { seq: this.#sequences.next(key), kind: 'mark', session: 's0' },
    }));
  }
}
