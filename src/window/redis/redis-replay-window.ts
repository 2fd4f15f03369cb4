import { EventBodyEncoder } from '../../protocol/event-body-codec.js';
import type { RedisConnection } from '../../redis/redis-connection.js';
import { countMarkMsMax, type CountMark } from '../../routing/recent-counts.js';
import type { Environment } from '../../std/clock.js';
import type { Logger } from '../../telemetry/logger.js';
import type { Metrics } from '../../telemetry/metrics.js';
import { judgePage } from '../judge-page.js';
import { WindowError } from '../replay-window.js';
import type {
  LatestAnswer,
  NewestEntry,
  NewestQuery,
  ReplayWindow,
  Vouched,
  WindowAnswer,
  WindowHealth,
  WindowQuery,
  WindowStretch,
} from '../replay-window.js';
import { mergeVouched } from '../vouch-rules.js';
import { WindowKeys } from '../window-keys.js';
import { windowLifetimes } from '../window-options.js';
import type { WindowOptions } from '../window-options.js';
import { EvictionWatch } from './eviction-watch.js';
import { mergeLatest } from './merge-latest.js';
import type { BucketLatest } from './merge-latest.js';
import { readCountsReply, readLatestReply, readNewestReply, readPageReply, readVouchedReply } from './script-replies.js';
import { readWindowScripts } from './window-scripts.js';
import { writeCalls } from './write-arguments.js';
import type { WriteLimits } from './write-arguments.js';

export interface RedisWindowOptions extends WindowOptions {
  /** Time between two looks at the eviction policy, milliseconds. Default 5000. */
  readonly evictionCheckMs?: number;
}

export interface RedisWindowParts {
  /** Closed by whoever made it. */
  readonly redis: RedisConnection;
  readonly environment: Environment;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Reads of `latest` whose buckets stood at different heights are done again so often. */
const latestTriesMax = 5;

/** The window in Redis Streams (6.2 or later). Every failure is a `WindowError`; nothing is queued or retried here. */
export class RedisReplayWindow implements ReplayWindow {
  readonly #redis: RedisConnection;
  readonly #metrics: Metrics;
  readonly #names: WindowKeys;
  readonly #limits: WriteLimits;
  readonly #scripts = readWindowScripts();
  readonly #encoder = new EventBodyEncoder();
  readonly #eviction: EvictionWatch;
  readonly #firstCheck: Promise<void>;

  constructor(options: RedisWindowOptions, parts: RedisWindowParts) {
    this.#redis = parts.redis;
    this.#metrics = parts.metrics;
    this.#limits = { lifetimes: windowLifetimes(options), eventsPerChannelMax: options.eventsPerChannelMax };
    this.#names = new WindowKeys(options);
    const watch = {
      checkEveryMs: options.evictionCheckMs ?? 5_000,
      distrustMs: options.ageMs,
      onChange: (health: WindowHealth) => parts.metrics.windowUsable(health.usable),
    };
    parts.metrics.windowUsable(false);
    this.#eviction = new EvictionWatch(parts.redis, watch, parts.environment, parts.logger);
    this.#firstCheck = this.#eviction.check();
  }

  write(stretch: WindowStretch): Promise<Vouched> {
    return this.#attempt('write', async () => {
      const vouched = mergeVouched((await this.#runWrites(stretch, false)).map(readVouchedReply));
      if (vouched === null) throw new TypeError('the writing script answered nothing');
      return vouched;
    });
  }

  renew(topic: string, partition: number, next: number): Promise<boolean> {
    return this.#attempt('renew', async () => {
      const replies = await this.#runWrites({ topic, partition, from: next, to: next - 1, events: [] }, true);
      return replies.every((reply) => reply !== null);
    });
  }

  vouched(topic: string, partition: number): Promise<Vouched | null> {
    return this.#attempt('vouched', async () => {
      const run = (bucket: number) =>
        this.#redis.runScript(this.#scripts.readVouched, [this.#names.partition(topic, partition, bucket)], []);
      return mergeVouched((await Promise.all(this.#buckets().map(run))).map(readVouchedReply));
    });
  }

  drop(topic: string, partition: number): Promise<void> {
    return this.#attempt('drop', async () => {
      const bases = this.#buckets().map((bucket) => this.#names.partition(topic, partition, bucket));
      // In this order: what is half deleted proves nothing (no floor), and is still seen to be beyond the log's end (high), so it is dropped again.
      await Promise.all(bases.map((base) => this.#redis.command('HDEL', base, 'floor', 'until')));
      for (const base of bases) await this.#redis.deleteKeysUnder(`${base}:`);
      await Promise.all(bases.map((base) => this.#redis.command('UNLINK', base)));
    });
  }

  read(query: WindowQuery): Promise<WindowAnswer> {
    return this.#attempt('read', async () => {
      const reads = [...this.#names.group(query.channels)].map(async ([bucket, channels]) => {
        const base = this.#names.partition(query.topic, query.partition, bucket);
        const keys = [base, ...channels.map((channel) => `${base}:s:${channel}`)];
        const args = [`${Math.max(-1, query.after) + 2}-0`, query.eventsMax, query.bytesMax];
        const reply = await this.#redis.runScript(this.#scripts.readPage, keys, args);
        return readPageReply(reply, channels, { topic: query.topic, partition: query.partition }, this.#encoder);
      });
      return judgePage(query, await Promise.all(reads));
    });
  }

  newest(query: NewestQuery): Promise<readonly NewestEntry[]> {
    return this.#attempt('newest', async () => {
      if (query.countMax < 1) return [];
      const base = this.#names.partition(query.topic, query.partition, this.#names.bucketOf(query.channel));
      const keys = [base, `${base}:s:${query.channel}`];
      return readNewestReply(await this.#redis.runScript(this.#scripts.readNewest, keys, [query.countMax]));
    });
  }

  latest(topic: string, partition: number, channels: readonly string[]): Promise<LatestAnswer> {
    return this.#attempt('latest', async () => {
      const ttlMs = this.#names.latestTtlMs(topic);
      for (let tries = 1; ; tries += 1) {
        const reads = [...this.#names.group(channels)].map(([bucket, group]) => this.#readLatest(topic, partition, bucket, group));
        const { answer, isTorn } = mergeLatest(channels, await Promise.all(reads), ttlMs);
        if (!isTorn || tries === latestTriesMax) return answer;
      }
    });
  }

  latchBreach(topic: string): Promise<void> {
    return this.#attempt('latch-breach', async () => {
      const member = this.#names.topicId(topic);
      await Promise.all(this.#buckets().map((bucket) => this.#redis.command('SADD', this.#names.breaches(bucket), member)));
    });
  }

  breaches(): Promise<ReadonlySet<string>> {
    return this.#attempt('breaches', async () => {
      const sets = await Promise.all(this.#buckets().map((bucket) => this.#redis.command('SMEMBERS', this.#names.breaches(bucket))));
      const topics = (sets.flat() as string[]).map((id) => this.#names.topicOf(id));
      return new Set(topics.filter((topic) => topic !== null));
    });
  }

  shareCounts(topic: string, known: readonly CountMark[]): Promise<readonly CountMark[]> {
    return this.#attempt('share-counts', async () => {
      const args = known.flatMap(({ kind, count, agoMs }) => [`${kind} ${count}`, agoMs]);
      return readCountsReply(
        await this.#redis.runScript(this.#scripts.shareCounts, [this.#names.counts(topic)], [countMarkMsMax, ...args]),
      );
    });
  }

  health(): WindowHealth {
    return this.#eviction.health;
  }

  /** Stops looking at the store; the connection stays. */
  close(): Promise<void> {
    this.#eviction.stop();
    return Promise.resolve();
  }

  async #readLatest(topic: string, partition: number, bucket: number, channels: readonly string[]): Promise<BucketLatest> {
    const base = this.#names.partition(topic, partition, bucket);
    const keys = [base, ...channels.map((channel) => `${base}:l:${channel}`)];
    const reply = await this.#redis.runScript(this.#scripts.readLatest, keys, []);
    return { channels, reply: readLatestReply(reply, channels, { topic, partition }, this.#encoder) };
  }

  async #runWrites(stretch: WindowStretch, onlyAtHigh: boolean): Promise<readonly unknown[]> {
    const calls = writeCalls(stretch, this.#names, this.#limits, onlyAtHigh);
    // All are waited for, so that no write of this stretch is under way when it is tried again.
    const results = await Promise.allSettled(calls.map(({ keys, args }) => this.#redis.runScript(this.#scripts.writeStretch, keys, args)));
    return results.map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    });
  }

  #buckets(): readonly number[] {
    return Array.from({ length: this.#names.bucketCount }, (_, bucket) => bucket);
  }

  async #attempt<Answer>(operation: string, run: () => Promise<Answer>): Promise<Answer> {
    await this.#firstCheck;
    try {
      const { usable, reason } = this.#eviction.health;
      if (!usable) throw new WindowError(reason);
      return await run();
    } catch (error) {
      this.#metrics.windowFailed(operation);
      if (error instanceof WindowError) throw error;
      throw new WindowError(`replay window: ${operation}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
}
