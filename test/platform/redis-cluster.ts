import ioredis from 'ioredis';
import { freePort } from './free-port.js';
import { RedisServer } from './redis-server.js';
import { waitFor } from './wait-for.js';

const masters = 3;
const slots = 16_384;
const readyMs = 20_000;

/** A real Redis Cluster of three masters without replicas, this test's own. Always `close` it (also `await using`). */
export class RedisCluster {
  readonly #busPorts: number[] = [];
  /** In the order of their slots; each may be killed, paused and started again. */
  readonly nodes: readonly RedisServer[];

  private constructor(nodes: readonly RedisServer[]) {
    this.nodes = nodes;
  }

  /** `host:port,host:port,host:port`. */
  get addresses(): string {
    return this.nodes.map((node) => `${node.host}:${String(node.port)}`).join(',');
  }

  /** Starts it; returns when every master says that all slots are served. */
  static async start(): Promise<RedisCluster> {
    const nodes: RedisServer[] = [];
    const cluster = new RedisCluster(nodes);
    try {
      const args = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000', '--cluster-config-file', 'nodes.conf'];
      for (let i = 0; i < masters; i++) {
        // The default, 10000 above the port, may be a port of somebody's outgoing connection.
        const busPort = await freePort();
        cluster.#busPorts.push(busPort);
        nodes.push(await RedisServer.start({ args: [...args, '--cluster-port', String(busPort)] }));
      }
      await cluster.#join();
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #join(): Promise<void> {
    const clients = this.nodes.map((node) => new ioredis.Redis(node.url));
    try {
      // Before any has met another, which comes to meet it too: then it may not any more.
      for (const [i, client] of clients.entries()) await client.call('CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1));
      for (const [i, client] of clients.entries()) {
        const first = Math.floor((slots * i) / masters);
        const last = Math.floor((slots * (i + 1)) / masters) - 1;
        await client.call('CLUSTER', 'ADDSLOTSRANGE', String(first), String(last));
        for (const [at, node] of this.nodes.entries()) {
          await client.call('CLUSTER', 'MEET', node.host, String(node.port), String(this.#busPorts[at]));
        }
      }
      for (const client of clients) {
        const isWhole = async (): Promise<boolean> => {
          const info = await client.cluster('INFO');
          return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${String(masters)}`);
        };
        await waitFor(isWhole, { timeoutMs: readyMs, what: `Redis Cluster at ${this.addresses}` });
      }
    } finally {
      for (const client of clients) client.disconnect();
    }
  }
}
