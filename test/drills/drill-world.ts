import { SeededRandom } from '../chaos/random.js';
import { Reader } from '../chaos/reader.js';
import { SteadyProducer } from '../chaos/steady-producer.js';
import { draftKeyed, keyChannels, Sequences } from '../chaos/traffic.js';
import { createTopic } from '../platform/create-topic.js';
import { freePort } from '../platform/free-port.js';
import { KafkaCluster } from '../platform/kafka-cluster.js';
import { KafkaFixture } from '../platform/kafka-fixture.js';
import { writeConfigFile } from '../platform/node-fixture.js';
import { RedisServer } from '../platform/redis-server.js';
import { SelvageNode } from '../platform/selvage-node.js';
import { waitFor } from '../platform/wait-for.js';
import type { Target } from './alerting.js';
import { AppServer } from './app-server.js';
import { TcpGate } from './tcp-gate.js';
import { KeyServer } from './key-server.js';

export interface NamedNode {
  readonly name: string;
  readonly role: 'edge' | 'indexer';
  readonly node: SelvageNode;
  readonly port: number;
}

const group = 'drill';
const partitionCount = 4;
const readerCount = 30;
const draftsEveryTick = 8;
/** Small, so that a drill can come near it. */
export const connectionsMax = 300;
/** Of an edge; what the fat channel brings fills it. */
export const recentBytesMax = 8 * 1_048_576;

/** `tasks` has the steady traffic; the others have what drills write. */
const topics = [
  { topic: 'tasks', partitions: partitionCount, config: {} },
  { topic: 'promises', partitions: 2, config: {} },
  { topic: 'fat', partitions: 1, config: {} },
  { topic: 'reborn', partitions: 1, config: {} },
  { topic: 'gone', partitions: 1, config: {} },
  { topic: 'chaff', partitions: 1, config: {} },
  // Nothing that is written over HTTP gets into it.
  { topic: 'strict', partitions: 1, config: { 'max.message.bytes': '100' } },
] as const;

const routes = [
  { topic: 'tasks', channels: ['k.{key}'], type: '{json:/kind}', keyed: 'murmur2' },
  { topic: 'promises', channels: ['p.{key}'], keyed: 'murmur2' },
  { topic: 'fat', channels: ['fat'] },
  { topic: 'reborn', channels: ['reborn'] },
  { topic: 'gone', channels: ['gone'] },
  // Read by every node, and kept by none.
  { topic: 'chaff', channels: ['wheat'], when: { 'header:kind': 'wheat' } },
  { topic: 'strict', channels: ['s.{key}'], publish: true },
];

const longDraining = 'edge-2';
const names = [
  { name: 'edge-0', role: 'edge' },
  { name: 'edge-1', role: 'edge' },
  { name: 'edge-2', role: 'edge' },
  { name: 'indexer-0', role: 'indexer' },
  { name: 'indexer-1', role: 'indexer' },
] as const;

interface Parts {
  readonly kafka: KafkaCluster;
  readonly redis: RedisServer;
  readonly keys: KeyServer;
  readonly app: AppServer;
  readonly edgeGate: TcpGate;
  readonly indexerGate: TcpGate;
}

async function startParts(): Promise<Parts> {
  const ports = { EDGE: await freePort(), INDEXER: await freePort() };
  const [kafka, redis, keys, app, edgeGate, indexerGate] = await Promise.all([
    KafkaCluster.start({ listeners: { EDGE: 'PLAINTEXT', INDEXER: 'PLAINTEXT' }, advertisedPorts: ports }),
    RedisServer.start(),
    KeyServer.start(),
    AppServer.start(),
    TcpGate.start(ports.EDGE),
    TcpGate.start(ports.INDEXER),
  ]);
  edgeGate.leadTo(portOf(kafka.brokersOf('EDGE')));
  indexerGate.leadTo(portOf(kafka.brokersOf('INDEXER')));
  return { kafka, redis, keys, app, edgeGate, indexerGate };
}

const portOf = (address: string): number => Number(address.split(':')[1]);

/** A small deployment under steady traffic: a broker, Redis, an issuer, two edges, two indexers, a producer and readers. Always `close` it. */
export class DrillWorld {
  /** The topic of the steady traffic; keyed. */
  readonly topic = 'tasks';
  readonly controlTopic = `${group}.control`;
  readonly kafka: KafkaCluster;
  readonly redis: RedisServer;
  readonly keys: KeyServer;
  readonly app: AppServer;
  /** Between the first edge and Kafka. */
  readonly edgeGate: TcpGate;
  /** Between the indexers and Kafka. */
  readonly indexerGate: TcpGate;
  /** Positions from when the world was young, of `k.key0`, `k.key1`, … */
  firstIds: readonly string[] = [];
  bornAtMs = Date.now();
  readonly fixture: KafkaFixture;
  readonly nodes: NamedNode[] = [];
  readonly readers: Reader[];
  readonly #producer: SteadyProducer;
  #recordCount = 0;

  private constructor(parts: Parts, fixture: KafkaFixture) {
    this.kafka = parts.kafka;
    this.redis = parts.redis;
    this.keys = parts.keys;
    this.app = parts.app;
    this.edgeGate = parts.edgeGate;
    this.indexerGate = parts.indexerGate;
    this.fixture = fixture;
    const random = new SeededRandom(1);
    const options = {
      brokers: this.kafka.brokers.split(','),
      topic: this.topic,
      draft: draftKeyed(this.topic, random.fork(), new Sequences()),
      draftsEveryTick,
      nextNumber: () => ++this.#recordCount,
    };
    this.#producer = new SteadyProducer(options, partitionCount);
    this.readers = Array.from({ length: readerCount }, (_, i) => {
      const asked = { channels: [keyChannels[i % keyChannels.length] ?? 'k.key0'], kind: null, session: null, format: 'plain' } as const;
      const surroundings = { random: random.fork(), asked, nodes: () => this.edges, onDelay: () => undefined };
      return new Reader(`reader-${i}`, { name: 'steady', silenceMs: 10_000 }, surroundings);
    });
  }

  static async start(): Promise<DrillWorld> {
    const parts = await startParts();
    const world = new DrillWorld(parts, await KafkaFixture.connect(parts.kafka.brokers));
    try {
      await world.#begin();
    } catch (error) {
      await world.close();
      throw error;
    }
    return world;
  }

  get edges(): readonly NamedNode[] {
    return this.nodes.filter(({ role }) => role === 'edge');
  }

  get indexers(): readonly NamedNode[] {
    return this.nodes.filter(({ role }) => role === 'indexer');
  }

  /** The one whose drain is long. */
  get lastEdge(): NamedNode {
    return this.edges[this.edges.length - 1] as NamedNode;
  }

  /** What Prometheus scrapes. */
  get targets(): readonly Target[] {
    return this.nodes.map(({ name, node }) => ({ address: `127.0.0.1:${node.adminPort}`, labels: { node: name } }));
  }

  /** Everything runs, every node is ready, and every reader has had an event that was made after this call. */
  async waitUntilWell(timeoutMs: number): Promise<void> {
    const before = this.readers.map(({ eventCount }) => eventCount);
    const isWell = async (): Promise<boolean> => {
      const ready = await Promise.all(this.nodes.map(({ node }) => node.isReady()));
      return (
        ready.every((is) => is) && this.#producer.isUpToDate && this.readers.every(({ eventCount }, i) => eventCount > (before[i] ?? 0))
      );
    };
    await waitFor(isWell, { timeoutMs, everyMs: 200, what: 'a world that is well' });
  }

  /** Every edge has as many readers as the others again, wherever drills have sent them. */
  async spreadReaders(timeoutMs: number): Promise<void> {
    const { edges } = this;
    await this.waitUntilWell(timeoutMs);
    for (const [i, reader] of this.readers.entries()) {
      reader.onlyNode = edges[i % edges.length] ?? null;
      reader.reconnect();
    }
    await this.waitUntilWell(timeoutMs);
    for (const reader of this.readers) reader.onlyNode = null;
  }

  async makeTopic(topic: string, partitions: number, config: Readonly<Record<string, string>> = {}): Promise<void> {
    await createTopic(this.fixture.admin, topic, partitions, config);
  }

  async close(): Promise<void> {
    await Promise.all(this.readers.map((reader) => reader.stop()));
    // Not finished: what it holds need not be written any more, and the broker may be away.
    this.#producer.abandon();
    await Promise.all(this.nodes.map(({ node }) => node.close()));
    await this.fixture.close().catch(() => undefined);
    await Promise.all([this.kafka.close(), this.redis.close(), this.keys.goAway(), this.app.close()]);
    await Promise.all([this.edgeGate.close(), this.indexerGate.close()]);
  }

  async #begin(): Promise<void> {
    for (const { topic, partitions, config } of topics) await this.makeTopic(topic, partitions, config);
    const config = writeConfigFile({
      routes,
      streams: [{ name: 'hooked', path: '/hooked/{id}', channels: 'k.{id}', permission: 'hook' }],
      auth: { permissionHook: { url: this.app.url, allowSeconds: 0, denySeconds: 0, failuresMax: 1_000 } },
    });
    const started = await Promise.all(
      names.map(async ({ name, role }) => {
        const node = await SelvageNode.start({ env: this.#env(name, role, config) });
        return { name, role, node, port: node.port };
      }),
    );
    this.nodes.push(...started);
    this.#producer.start();
    for (const reader of this.readers) reader.start();
    await this.spreadReaders(30_000);
    this.firstIds = this.readers.slice(0, keyChannels.length).map(({ lastId }) => lastId ?? '');
    this.bornAtMs = Date.now();
  }

  #brokersOf(name: string, role: string): string {
    if (role === 'indexer') return `127.0.0.1:${this.indexerGate.port}`;
    return name === 'edge-0' ? `127.0.0.1:${this.edgeGate.port}` : this.kafka.brokers;
  }

  #env(name: string, role: string, config: string): Record<string, string> {
    return {
      HOST: '127.0.0.1',
      KAFKA_BROKERS: this.#brokersOf(name, role),
      REDIS_URL: this.redis.url,
      SELVAGE_CONFIG: config,
      SELVAGE_ROLES: role,
      SELVAGE_NODE_ID: name,
      SELVAGE_GROUP: group,
      SELVAGE_JWKS_URL: this.keys.url,
      SELVAGE_AUTH_JWKS_REFRESH_SECONDS: '5',
      SELVAGE_RECENT_AGE_SECONDS: '33',
      SELVAGE_WINDOW_AGE_SECONDS: '120',
      SELVAGE_STREAM_KEEP_ALIVE_MS: '1000',
      SELVAGE_STREAM_RETRY_MS: '500',
      SELVAGE_RECENT_BYTES_MAX: String(recentBytesMax),
      SELVAGE_CONTROL_REVOCATIONS_MAX: '100',
      ...(name === 'edge-0' ? { SELVAGE_REPLAY_CONCURRENT_MAX: '2', SELVAGE_REPLAY_QUEUED_MAX: '40' } : {}),
      SELVAGE_LIMITS_CONNECTIONS_MAX: String(connectionsMax),
      SELVAGE_DRAIN_BALANCER_WAIT_SECONDS: name === longDraining ? '60' : '0',
      SELVAGE_DRAIN_WINDOW_SECONDS: '2',
    };
  }
}
