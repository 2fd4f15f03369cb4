import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ioredis from 'ioredis';
import { freePort } from './free-port.js';
import { OwnedProcess } from './owned-process.js';
import { RedisServer } from './redis-server.js';
import { makeRunFolder, removeRunFolder } from './run-folder.js';
import { waitFor } from './wait-for.js';

const sentinelCount = 3;
const quorum = 2;
const readyMs = 20_000;

/** A real Redis with one replica and three Sentinels, this test's own. A killed master is replaced after about 2 s. Always `close` it (also `await using`). */
export class RedisSentinelSet {
  /** The name under which the Sentinels know the master. */
  readonly masterName = 'selvage-test';
  /** `host:port` of each Sentinel, joined by commas. */
  readonly sentinels: string;
  /** The master at the start; kill it to cause a failover. */
  readonly master: RedisServer;
  readonly replica: RedisServer;
  readonly #folder: string;
  readonly #processes: OwnedProcess[] = [];

  private constructor(master: RedisServer, replica: RedisServer, ports: readonly number[]) {
    this.master = master;
    this.replica = replica;
    this.#folder = makeRunFolder('sentinels');
    this.sentinels = ports.map((port) => `127.0.0.1:${String(port)}`).join(',');
  }

  /** Starts it; returns when each Sentinel knows the master, its replica and the other Sentinels. */
  static async start(): Promise<RedisSentinelSet> {
    const ports: number[] = [];
    while (ports.length < sentinelCount) ports.push(await freePort());
    const master = await RedisServer.start();
    const replicaArgs = ['--replicaof', master.host, String(master.port), '--repl-diskless-sync-delay', '0'];
    const replica = await RedisServer.start({ args: replicaArgs });
    const set = new RedisSentinelSet(master, replica, ports);
    try {
      for (const port of ports) set.#spawn(port);
      for (const port of ports) await set.#waitUntilWhole(port);
    } catch (error) {
      await set.close();
      throw error;
    }
    return set;
  }

  async close(): Promise<void> {
    for (const sentinel of this.#processes) sentinel.kill();
    for (const sentinel of this.#processes) await sentinel.ended;
    await Promise.all([this.master.close(), this.replica.close()]);
    removeRunFolder(this.#folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #spawn(port: number): void {
    const name = `sentinel-${String(port)}`;
    const path = join(this.#folder, `${name}.conf`); // Sentinels write their state into it
    const lines = [
      `port ${String(port)}`,
      'bind 127.0.0.1',
      `dir ${this.#folder}`,
      `sentinel monitor ${this.masterName} ${this.master.host} ${String(this.master.port)} ${String(quorum)}`,
      `sentinel down-after-milliseconds ${this.masterName} 1000`,
      `sentinel failover-timeout ${this.masterName} 3000`,
    ];
    writeFileSync(path, `${lines.join('\n')}\n`);
    this.#processes.push(new OwnedProcess({ file: 'redis-server', args: [path, '--sentinel'], folder: this.#folder, name }));
  }

  async #waitUntilWhole(port: number): Promise<void> {
    const sentinel = new ioredis.Redis({ host: '127.0.0.1', port, retryStrategy: () => 50 });
    sentinel.on('error', () => undefined);
    const isWhole = async (): Promise<boolean> => {
      const info = await sentinel.info('sentinel');
      return info.includes(`status=ok`) && info.includes(`slaves=1,sentinels=${String(sentinelCount)}`);
    };
    try {
      await waitFor(isWhole, { timeoutMs: readyMs, everyMs: 100, what: `Sentinel at ${String(port)}` });
    } finally {
      sentinel.disconnect();
    }
  }
}
