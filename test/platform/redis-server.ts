import ioredis from 'ioredis';
import { freePort } from './free-port.js';
import { OwnedProcess } from './owned-process.js';
import { provideCommand } from './provisioned.js';
import { makeRunFolder, removeRunFolder } from './run-folder.js';
import { waitFor } from './wait-for.js';

const readyMs = 10_000;
const stopMs = 10_000;

export interface RedisServerOptions {
  /** More arguments of `redis-server`, e.g. `['--maxmemory', '10mb', '--maxmemory-policy', 'allkeys-lru']`; they win over ours. */
  readonly args?: readonly string[];
  /** Default: a free one. */
  readonly port?: number;
  /** Clients must give it (`requirepass`); it is part of `url`. Default: none. */
  readonly password?: string;
}

/** A real Redis of this test's own, which may be stopped, killed and paused. Keeps nothing on disk unless `args` say so. Always `close` it (also `await using`). */
export class RedisServer {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly url: string;
  readonly #folder: string;
  readonly #options: RedisServerOptions;
  #process: OwnedProcess | undefined;

  private constructor(port: number, folder: string, options: RedisServerOptions) {
    this.port = port;
    this.#folder = folder;
    this.#options = options;
    const login = options.password === undefined ? '' : `:${encodeURIComponent(options.password)}@`;
    this.url = `redis://${login}${this.host}:${String(port)}`;
  }

  /** Starts a server on a free port; returns when it answers. */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    provideCommand('redis-server');
    const server = new RedisServer(options.port ?? (await freePort()), makeRunFolder('redis'), options);
    try {
      await server.start();
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  }

  /** Starts a stopped or killed server again on the same port (and files, if it keeps any). */
  async start(): Promise<void> {
    if (this.#process?.isRunning) throw new Error('redis-server is running already');
    const base = ['--bind', this.host, '--port', String(this.port), '--dir', this.#folder, '--save', '', '--appendonly', 'no'];
    const login = this.#options.password === undefined ? [] : ['--requirepass', this.#options.password];
    const args = [...base, ...login, ...(this.#options.args ?? [])];
    const started = new OwnedProcess({ file: 'redis-server', args, folder: this.#folder, name: 'redis' });
    this.#process = started;
    try {
      await waitFor(async () => !started.isRunning || (await this.#ask((redis) => redis.ping())) === 'PONG', {
        timeoutMs: readyMs,
        what: `Redis at ${this.url}`,
      });
      if (!started.isRunning) throw new Error('redis-server ended while starting');
    } catch (error) {
      throw new Error(`${String(error)}\n${started.logTail()}`, { cause: error });
    }
  }

  /** SIGTERM, and waits for the end. */
  async stop(): Promise<void> {
    await this.#process?.stop(stopMs);
  }

  /** SIGKILL, and waits for the end. */
  async kill(): Promise<void> {
    this.#process?.kill();
    await this.#process?.ended;
  }

  /** SIGSTOP: connections stay open, nothing answers. */
  pause(): void {
    this.#process?.signal('SIGSTOP');
  }

  resume(): void {
    this.#process?.signal('SIGCONT');
  }

  /** Removes every key. */
  async flush(): Promise<void> {
    await this.#ask((redis) => redis.flushall());
  }

  /** Kills the server and removes its files; safe to call twice. */
  async close(): Promise<void> {
    await this.kill();
    removeRunFolder(this.#folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #ask<T>(question: (redis: InstanceType<typeof ioredis.Redis>) => Promise<T>): Promise<T> {
    const redis = new ioredis.Redis(this.url, {
      lazyConnect: true,
      retryStrategy: () => null,
      connectTimeout: 2_000,
      maxRetriesPerRequest: 0,
    });
    redis.on('error', () => undefined);
    try {
      await redis.connect();
      return await question(redis);
    } finally {
      redis.disconnect();
    }
  }
}
