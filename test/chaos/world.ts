import kafkajs from 'kafkajs';
import type { Admin } from 'kafkajs';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KafkaCluster } from '../platform/kafka-cluster.js';
import { RedisServer } from '../platform/redis-server.js';
import { makeRunFolder, removeRunFolder } from '../platform/run-folder.js';
import { SelvageNode } from '../platform/selvage-node.js';
import { waitFor } from '../platform/wait-for.js';

export interface WorldOptions {
  readonly brokers: 1 | 3;
  readonly rebalanceDelayMs: 0 | 3_000;
  readonly edges: number;
}

export interface NamedNode {
  readonly name: string;
  readonly node: SelvageNode;
  readonly port: number;
}

export const firstPartitionCount = 12;
export const rebornPartitionCount = 3;

/** Routes of the three topics: keyed; unkeyed with two channels a record; keyed and to be deleted and made again. */
const routesOf = ({ keyed, unkeyed, reborn }: Topics): object => ({
  routes: [
    { topic: keyed, channels: ['k.{key}'], type: '{json:/kind}', attributes: { session: '{json:/session}' }, keyed: 'murmur2' },
    {
      topic: unkeyed,
      channels: ['stage.{json:/stage}', 'project.{json:/project}'],
      type: '{json:/kind}',
      attributes: { session: '{json:/session}' },
    },
    { topic: reborn, channels: ['r.{key}'], type: '{json:/kind}', keyed: 'murmur2' },
  ],
});

export interface Topics {
  readonly keyed: string;
  readonly unkeyed: string;
  readonly reborn: string;
}

/** Brokers, Redis, edges and indexers of this test's own. Always `close` it. */
export class World {
  readonly topics: Topics = { keyed: 'keyed', unkeyed: 'unkeyed', reborn: 'reborn' };
  readonly kafka: KafkaCluster;
  readonly redis: RedisServer;
  readonly options: WorldOptions;
  readonly edges: NamedNode[] = [];
  readonly indexers: NamedNode[] = [];
  readonly #folder = makeRunFolder('chaos');
  #edgeCount = 0;
  readonly #group = `chaos-${randomBytes(4).toString('hex')}`;

  private constructor(kafka: KafkaCluster, redis: RedisServer, options: WorldOptions) {
    this.kafka = kafka;
    this.redis = redis;
    this.options = options;
  }

  static async start(options: WorldOptions): Promise<World> {
    const properties = { 'group.initial.rebalance.delay.ms': String(options.rebalanceDelayMs) };
    const [kafka, redis] = await Promise.all([KafkaCluster.start({ brokers: options.brokers, properties }), RedisServer.start()]);
    const world = new World(kafka, redis, options);
    try {
      await world.#createTopics();
      writeFileSync(world.#configPath, JSON.stringify(routesOf(world.topics)));
      const starts: Promise<unknown>[] = [];
      for (let i = 0; i < options.edges; i++) starts.push(world.addEdge());
      for (let i = 0; i < 2; i++) starts.push(world.#addIndexer(`indexer-${i}`));
      await Promise.all(starts);
    } catch (error) {
      await world.close();
      throw error;
    }
    return world;
  }

  /** A new edge, with nothing in memory; among `edges` when it is ready. */
  async addEdge(): Promise<NamedNode> {
    const name = `edge-${this.#edgeCount++}`;
    const node = await SelvageNode.start({ env: this.#env(name, 'edge') });
    const edge = { name, node, port: node.port };
    this.edges.push(edge);
    return edge;
  }

  /** Kills an edge for good. */
  async removeEdge(edge: NamedNode): Promise<void> {
    this.edges.splice(this.edges.indexOf(edge), 1);
    await edge.node.close();
  }

  async createTopic(topic: string, partitionCount: number): Promise<void> {
    await this.#withAdmin(async (admin) => {
      await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: partitionCount }] });
      await hasLeaders(admin, topic, partitionCount);
    });
  }

  async deleteTopic(topic: string): Promise<void> {
    await this.#withAdmin((admin) => admin.deleteTopics({ topics: [topic] }));
  }

  async createReborn(): Promise<void> {
    await waitFor(() => this.createTopic(this.topics.reborn, rebornPartitionCount).then(() => true), {
      what: 'the topic made again',
      everyMs: 200,
    });
  }

  /** More partitions, returned when they have leaders. */
  async growTopic(topic: string, partitionCount: number): Promise<void> {
    await this.#withAdmin(async (admin) => {
      await admin.createPartitions({ topicPartitions: [{ topic, count: partitionCount }] });
      await hasLeaders(admin, topic, partitionCount);
    });
  }

  /** Resumes that the edges have served since each of them began, by tier and outcome: `window complete` → 12. */
  async countResumes(): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    for (const { node } of this.edges) {
      const text = await (await fetch(`${node.adminUrl}/metrics`)).text();
      for (const [, labels = '', count = '0'] of text.matchAll(/^selvage_resumes_total\{(.*)\} (\d+)$/gm)) {
        const name = [...labels.matchAll(/"([^"]*)"/g)].map(([, value]) => value).join(' ');
        counts.set(name, (counts.get(name) ?? 0) + Number(count));
      }
    }
    return counts;
  }

  /** Ends of every log, for the failure report, without what a Kafka client says of a broker that is away. */
  logTails(lines: number): string {
    const isTelling = (line: string): boolean => !line.includes('"msg":"kafkajs: ');
    const tailOf = (node: SelvageNode): string =>
      node
        .logTail(20 * lines)
        .split('\n')
        .filter(isTelling)
        .slice(-lines)
        .join('\n');
    return [...this.edges, ...this.indexers].map(({ name, node }) => `--- ${name}\n${tailOf(node)}`).join('\n');
  }

  async close(): Promise<void> {
    await Promise.all([...this.edges, ...this.indexers].map(({ node }) => node.close()));
    await Promise.all([this.kafka.close(), this.redis.close()]);
    removeRunFolder(this.#folder);
  }

  get #configPath(): string {
    return join(this.#folder, 'config.yaml');
  }

  async #addIndexer(name: string): Promise<void> {
    const node = await SelvageNode.start({ env: this.#env(name, 'indexer') });
    this.indexers.push({ name, node, port: node.port });
  }

  #env(name: string, role: 'edge' | 'indexer'): Record<string, string> {
    return {
      HOST: '127.0.0.1',
      KAFKA_BROKERS: this.kafka.brokers,
      REDIS_URL: this.redis.url,
      SELVAGE_CONFIG: this.#configPath,
      SELVAGE_ROLES: role,
      SELVAGE_NODE_ID: name,
      SELVAGE_GROUP: this.#group,
      SELVAGE_RECENT_AGE_SECONDS: '33',
      SELVAGE_WINDOW_AGE_SECONDS: '120',
      SELVAGE_REPLAY_PAGE_EVENTS_MAX: '64',
      SELVAGE_STREAM_KEEP_ALIVE_MS: '500',
      SELVAGE_STREAM_MAX_AGE_SECONDS: '20',
      SELVAGE_STREAM_RETRY_MS: '200',
      SELVAGE_STREAM_STALL_SECONDS: '15',
      SELVAGE_DRAIN_BALANCER_WAIT_SECONDS: '0',
      SELVAGE_DRAIN_WINDOW_SECONDS: '2',
    };
  }

  async #createTopics(): Promise<void> {
    const { keyed, unkeyed, reborn } = this.topics;
    await this.createTopic(keyed, firstPartitionCount);
    await this.createTopic(unkeyed, firstPartitionCount);
    await this.createTopic(reborn, rebornPartitionCount);
  }

  async #withAdmin<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = new kafkajs.Kafka({
      clientId: 'chaos-admin',
      brokers: this.kafka.brokers.split(','),
      logLevel: kafkajs.logLevel.NOTHING,
    }).admin();
    await admin.connect();
    try {
      return await work(admin);
    } finally {
      await admin.disconnect();
    }
  }
}

/** Waits until the brokers know the topic with so many partitions, each with a leader; a broker that has not heard of it yet answers with an error. */
async function hasLeaders(admin: Admin, topic: string, partitionCount: number): Promise<void> {
  const look = async (): Promise<boolean> => {
    const [metadata] = (await admin.fetchTopicMetadata({ topics: [topic] })).topics;
    return metadata?.partitions.length === partitionCount && metadata.partitions.every(({ leader }) => leader >= 0);
  };
  await waitFor(look, { what: `${String(partitionCount)} partitions of ${topic}`, timeoutMs: 20_000 });
}
