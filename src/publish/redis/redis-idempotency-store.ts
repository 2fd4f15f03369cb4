import type { RedisConnection } from '../../redis/redis-connection.js';
import { readRedisScript } from '../../redis/redis-script.js';
import type { IdempotencyBegin, IdempotencyOptions, IdempotencyStore } from '../idempotency-store.js';

/** Keys of all nodes, in Redis: `<prefix>:idempotency:<key>`. As sure as Redis is: a fail-over that loses writes forgets keys. */
export class RedisIdempotencyStore implements IdempotencyStore {
  readonly #redis: RedisConnection;
  readonly #prefix: string;
  readonly #options: IdempotencyOptions;
  readonly #scripts = readScripts();

  constructor(redis: RedisConnection, prefix: string, options: IdempotencyOptions) {
    this.#redis = redis;
    this.#prefix = prefix;
    this.#options = options;
  }

  async begin(key: string, fingerprint: string, owner: string): Promise<IdempotencyBegin> {
    const { leaseMs, rememberMs } = this.#options;
    const reply = await this.#redis.runScript(this.#scripts.begin, [this.#name(key)], [fingerprint, owner, leaseMs, rememberMs]);
    const [kind, answer] = (reply as readonly Buffer[]).map(String);
    switch (kind) {
      case 'new':
      case 'in-flight':
      case 'mismatch':
      case 'unknown':
        return { kind };
      case 'answered':
        return { kind, answer: answer ?? '' };
      default:
        throw new Error(`begin-key answered ${kind ?? 'nothing'}`);
    }
  }

  async complete(key: string, owner: string, answer: string): Promise<void> {
    await this.#redis.runScript(this.#scripts.complete, [this.#name(key)], [owner, answer, this.#options.rememberMs]);
  }

  async abandon(key: string, owner: string): Promise<void> {
    await this.#redis.runScript(this.#scripts.abandon, [this.#name(key)], [owner]);
  }

  #name(key: string): string {
    return `${this.#prefix}:idempotency:${key}`;
  }
}

function readScripts() {
  const folder = new URL('./scripts/', import.meta.url);
  return {
    begin: readRedisScript(folder, 'begin-key'),
    complete: readRedisScript(folder, 'complete-key'),
    abandon: readRedisScript(folder, 'abandon-key'),
  };
}
