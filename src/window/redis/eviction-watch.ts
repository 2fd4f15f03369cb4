import type { RedisConnection } from '../../redis/redis-connection.js';
import type { Environment, Timer } from '../../std/clock.js';
import type { Logger } from '../../telemetry/logger.js';
import type { WindowHealth } from '../replay-window.js';

export interface EvictionWatchOptions {
  /** Time between two looks, milliseconds. */
  readonly checkEveryMs: number;
  /** How long a store is not believed after its eviction was seen on: until every floor that was set before has lapsed. */
  readonly distrustMs: number;
  onChange(health: WindowHealth): void;
}

const away: WindowHealth = { usable: false, reason: 'redis is away' };
const unchecked: WindowHealth = { usable: false, reason: 'the eviction policy of redis is not known yet' };
const usable: WindowHealth = { usable: true, reason: 'redis is up and does not evict' };

/**
 * Believes a store only while it is up and its `maxmemory_policy` is `noeviction` on every node that takes writes: an evicted stream cannot be
 * told from an empty one. Asks `INFO`, which managed stores allow where they block `CONFIG`.
 */
export class EvictionWatch {
  readonly #redis: RedisConnection;
  readonly #options: EvictionWatchOptions;
  readonly #environment: Environment;
  readonly #logger: Logger;
  readonly #timer: Timer;
  readonly #stopListening: () => void;
  #health: WindowHealth = unchecked;
  #distrustedUntilTickMs = -Infinity;
  #generation = 0;

  constructor(redis: RedisConnection, options: EvictionWatchOptions, environment: Environment, logger: Logger) {
    this.#redis = redis;
    this.#options = options;
    this.#environment = environment;
    this.#logger = logger;
    this.#timer = environment.timers.every(options.checkEveryMs, () => void this.check());
    this.#stopListening = redis.onUpChange((isUp) => this.#onUpChange(isUp));
  }

  get health(): WindowHealth {
    return this.#health;
  }

  /** Looks now. Never rejects. */
  async check(): Promise<void> {
    const generation = (this.#generation += 1);
    const found = this.#redis.isUp ? await this.#look() : away;
    // An answer from before the connection was lost, or overtaken by a later look, says nothing.
    if (generation === this.#generation) this.#set(found);
  }

  stop(): void {
    this.#generation += 1;
    this.#timer.cancel();
    this.#stopListening();
  }

  #onUpChange(isUp: boolean): void {
    this.#generation += 1;
    this.#set(isUp ? unchecked : away);
    if (isUp) void this.check();
  }

  async #look(): Promise<WindowHealth> {
    try {
      const policies = (await this.#redis.onEachMaster('INFO', 'memory')).map(policyOf);
      const evicting = policies.find((policy) => policy !== 'noeviction');
      const now = this.#environment.clock.tickMs();
      if (evicting !== undefined) {
        this.#distrustedUntilTickMs = now + this.#options.distrustMs;
        return { usable: false, reason: `redis may evict: maxmemory-policy is ${evicting}, it must be noeviction` };
      }
      if (now < this.#distrustedUntilTickMs)
        return { usable: false, reason: 'redis could evict a moment ago; waiting until what it held has aged out' };
      return usable;
    } catch (error) {
      return {
        usable: false,
        reason: `the eviction policy of redis cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      };
    }
  }

  #set(health: WindowHealth): void {
    const changed = health.usable !== this.#health.usable || health.reason !== this.#health.reason;
    const wasUsable = this.#health.usable;
    this.#health = health;
    if (!changed) return;
    this.#options.onChange(health);
    // That redis is away is said by the connection.
    if (health.usable) this.#logger.info('the replay window is usable', { reason: health.reason });
    else if (health !== away && health !== unchecked)
      this.#logger.error('the replay window is not usable', { reason: health.reason, wasUsable });
  }
}

function policyOf(info: unknown): string {
  return /^maxmemory_policy:(.*?)\r?$/m.exec(String(info))?.[1] ?? 'unknown';
}
