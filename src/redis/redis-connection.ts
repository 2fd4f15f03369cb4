import type { Redis } from 'ioredis';
import type { Environment } from '../std/clock.js';
import type { Logger } from '../telemetry/logger.js';
import { createRedisClient } from './redis-client.js';
import type { RedisClient } from './redis-client.js';
import type { RedisConnectionOptions } from './redis-connection-options.js';
import type { RedisScript } from './redis-script.js';

export type RedisArgument = string | number | Buffer;

/** Writes that leave at once after a quiet time; then one in `gatherMs`, so that a storm of connects shares them. */
const promptWritesMax = 16;
const gatherMs = 2;

/**
 * One connection to Redis: single, Sentinel or Cluster. While Redis is away every command rejects at once; the connection comes back by
 * itself. Says once when Redis goes, and once when it is back. Whoever makes one closes it.
 */
export class RedisConnection {
  readonly #client: RedisClient;
  readonly #logger: Logger;
  readonly #environment: Environment;
  readonly #listeners = new Set<(isUp: boolean) => void>();
  #isUp = false;
  #isGathering = false;
  #promptWrites = promptWritesMax;
  #writtenTickMs = 0;
  #isClosed = false;
  #awaySinceTickMs: number | null = null;
  #lastError = 'connection lost';

  constructor(options: RedisConnectionOptions, logger: Logger, environment: Environment) {
    this.#logger = logger;
    this.#environment = environment;
    this.#client = createRedisClient(options, () => environment.random());
    this.#client.on('error', (error: Error) => this.#onError(error));
    this.#client.on('ready', () => this.#onUp());
    this.#client.on('close', () => this.#onDown());
    this.#client.on('end', () => this.#onDown());
  }

  /** Whether commands may be expected to work now. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** Calls `listener` at each change, never from within this call. Returns how to stop that. */
  onUpChange(listener: (isUp: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Resolves when Redis is up; false when it was not within `timeoutMs`. */
  waitUntilUp(timeoutMs: number): Promise<boolean> {
    if (this.#isUp) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (isUp: boolean): void => {
        timer.cancel();
        stop();
        resolve(isUp);
      };
      const stop = this.onUpChange((isUp) => {
        if (isUp) settle(true);
      });
      const timer = this.#environment.timers.after(timeoutMs, () => settle(false));
    });
  }

  /** Any command; text replies. In a Cluster it goes where its first key lives. */
  command(name: string, ...args: RedisArgument[]): Promise<unknown> {
    this.#gather();
    return this.#client.call(name.toLowerCase(), ...args);
  }

  /** Any command; replies as bytes. */
  commandBuffer(name: string, ...args: RedisArgument[]): Promise<unknown> {
    this.#gather();
    return this.#client.callBuffer(name.toLowerCase(), ...args);
  }

  /** Runs the script where its keys live (in a Cluster they share a hash tag); replies as bytes. Sends its text only when Redis lacks it. */
  async runScript(script: RedisScript, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown> {
    try {
      return await this.commandBuffer('evalsha', script.sha1, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return this.commandBuffer('eval', script.text, keys.length, ...keys, ...args);
    }
  }

  /** The same command on every node that takes writes; one reply each. */
  async onEachMaster(name: string, ...args: RedisArgument[]): Promise<readonly unknown[]> {
    return Promise.all(this.#masters().map((node) => node.call(name.toLowerCase(), ...args)));
  }

  /** Deletes every key that begins with `prefix`, a page at a time, on every node. Takes time in proportion to all keys of the store. */
  async deleteKeysUnder(prefix: string): Promise<void> {
    const pattern = `${prefix.replace(/[\\*?[\]^]/g, '\\$&')}*`;
    await Promise.all(this.#masters().map((node) => deleteMatching(node, pattern)));
  }

  /** Closes at once; commands under way reject. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#client.disconnect();
    this.#listeners.clear();
    return Promise.resolve();
  }

  /**
   * What is asked in one turn of the event loop leaves in one write, and where turns follow each other fast, what is asked in `gatherMs`: a write is a
   * system call here, a read there and the same on the way back, dearer than all else of a command.
   */
  #gather(): void {
    if (this.#isGathering || !this.#isUp || 'nodes' in this.#client) return;
    const { stream } = this.#client;
    this.#isGathering = true;
    stream.cork();
    const write = (): void => {
      this.#isGathering = false;
      stream.uncork();
    };
    const { clock, timers } = this.#environment;
    const nowTickMs = clock.tickMs();
    this.#promptWrites = Math.min(promptWritesMax, this.#promptWrites + (nowTickMs - this.#writtenTickMs) / gatherMs);
    this.#writtenTickMs = nowTickMs;
    const isPrompt = this.#promptWrites >= 1;
    this.#promptWrites -= 1;
    if (isPrompt) timers.soon(write);
    else timers.after(gatherMs, write);
  }

  #masters(): readonly Redis[] {
    const client = this.#client;
    if ('nodes' in client) {
      const masters = client.nodes('master');
      if (masters.length === 0) throw new Error('no node of the Redis Cluster is known');
      return masters;
    }
    return [client];
  }

  #onError(error: Error): void {
    const cause = (error as { lastNodeError?: Error }).lastNodeError;
    this.#lastError = cause === undefined ? error.message : `${error.message} ${cause.message}`;
  }

  #onUp(): void {
    if (this.#isUp || this.#isClosed) return;
    this.#isUp = true;
    const awayMs = this.#awaySinceTickMs === null ? null : Math.round(this.#environment.clock.tickMs() - this.#awaySinceTickMs);
    this.#awaySinceTickMs = null;
    this.#logger.info('redis is up', awayMs === null ? {} : { awayMs });
    this.#tell();
  }

  #onDown(): void {
    if (this.#isClosed || this.#awaySinceTickMs !== null) return;
    this.#awaySinceTickMs = this.#environment.clock.tickMs();
    this.#logger.warn('redis is away; reconnecting', { error: this.#lastError });
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#tell();
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener(this.#isUp);
  }
}

/** Keys looked at in one SCAN call, so that the server is never held up. */
const scanCount = 1_000;

async function deleteMatching(node: Redis, pattern: string): Promise<void> {
  let cursor = '0';
  do {
    const [next, keys] = await node.scan(cursor, 'MATCH', pattern, 'COUNT', scanCount);
    // One key a command: keys of one page may lie in several slots.
    await Promise.all(keys.map((key) => node.unlink(key)));
    cursor = next;
  } while (cursor !== '0');
}
