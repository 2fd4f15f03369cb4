import type { EachBatchPayload } from 'kafkajs';
import type { Timer } from '../../std/clock.js';
import type { PartitionOffsets, Tail, TailListener } from '../event-log.js';
import { backoffMs } from '../retry-backoff.js';
import { ConsumerSession } from './consumer-session.js';
import { FetchPace } from './fetch-pace.js';
import type { FetchPaceOptions } from './fetch-pace.js';
import { freshGroupId } from './kafka-log-context.js';
import type { KafkaLogContext } from './kafka-log-context.js';
import { fetchedOffsetOf, recordsOf } from './kafka-records.js';
import { TailHealthWatch } from './tail-health-watch.js';
import { TailPositions } from './tail-positions.js';
import { settleWithin } from './settle-within.js';

export interface KafkaTailOptions {
  readonly pace?: FetchPaceOptions;
  /** How often topics, partition counts and ends are looked at; new partitions and resets are noticed within it. Default 2,000. */
  readonly lookMs?: number;
}

/** A long poll: idle fetching stays under 1 % of a core. Also the longest that leaving and noticing a new partition take. */
const fetchWaitMs = 500;
const hastyLookMs = 300;
const stopMsMax = 5_000;

/**
 * A tail of whole topics: a group of its own, nothing committed, every partition sought at every join. What a consumer dies of is answered by a
 * new one in a fresh group from where the old one was.
 */
export class KafkaTail implements Tail {
  private readonly context: KafkaLogContext;
  private readonly topics: readonly string[];
  private readonly lookMs: number;
  private readonly positions: TailPositions;
  private readonly health: TailHealthWatch;
  private readonly pace: FetchPace;
  private session: ConsumerSession | null = null;
  private sessionTopics: ReadonlySet<string> = new Set();
  private assigned: ReadonlyMap<string, readonly number[]> = new Map();
  private readonly timers = new Set<Timer>();
  private isFirstLook = true;
  private isStopped = false;
  private isLooking = false;
  private isHastyLookDue = false;
  private failures = 0;

  constructor(context: KafkaLogContext, topics: readonly string[], listener: TailListener, options: KafkaTailOptions) {
    this.context = context;
    this.topics = [...new Set(topics)];
    this.lookMs = options.lookMs ?? 2_000;
    this.pace = new FetchPace(context.environment, options.pace);
    this.positions = new TailPositions(guarded(listener, context), context.metrics, context.logger);
    this.health = new TailHealthWatch(context, listener, () => this.abandonSession('fetches are not answered'));
    void this.begin();
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    this.health.stop();
    for (const timer of this.timers) timer.cancel();
    const stopping = this.session?.stop();
    this.session = null;
    if (stopping !== undefined) await settleWithin(stopping, stopMsMax, this.context.environment.timers);
  }

  /** Asks for the ends first, then starts to fetch; again and again until both succeeded. */
  private async begin(): Promise<void> {
    if (this.isStopped) return;
    try {
      const looked = await this.lookAll();
      if (this.isStopped) return;
      this.isFirstLook = false;
      this.startSession(new Set(looked.keys()));
    } catch (error) {
      this.context.logger.warn('the tail cannot start yet, and will try again', { error: String(error), failures: this.failures });
      this.health.onFailure(`Kafka does not answer: ${String(error)}`);
      this.later(this.nextBackoffMs(), () => void this.begin());
      return;
    }
    this.scheduleLook();
  }

  private startSession(topics: ReadonlySet<string>): void {
    this.sessionTopics = topics;
    this.assigned = new Map();
    if (topics.size === 0) {
      this.health.onIdle('none of the topics exists yet');
      return;
    }
    const session: ConsumerSession = new ConsumerSession(
      this.context.openClient('tail'),
      {
        groupId: freshGroupId(this.context, 'tail'),
        topics: [...topics],
        // Every batch of a fetch must be in hand at once, or its pause would be waited for several times.
        concurrency: this.positions.partitionCount() + 32,
        maxWaitTimeInMs: fetchWaitMs,
        maxBytes: 10 * 1024 * 1024,
        maxBytesPerPartition: 1024 * 1024,
        sessionTimeoutMs: 30_000,
        rebalanceTimeoutMs: 10_000,
        metadataMaxAgeMs: Math.min(2_000, this.lookMs),
        rackId: this.context.rackId,
      },
      {
        onJoined: (assigned) => this.onJoined(session, assigned),
        onBatch: (payload) => this.onBatch(session, payload),
        onEmptied: (topic, partition, first, last, end) => this.onEmptied(session, topic, partition, first, last, end),
        onFetchAnswered: () => {
          this.failures = 0;
          this.pace.onAnswered();
          this.health.onFetchAnswered();
          this.context.metrics?.fetchAnswered();
        },
        onCrash: (error) => {
          if (this.session === session) this.onSessionLost(`the consumer ended: ${error.message}`);
        },
      },
    );
    this.session = session;
    this.health.onSessionStarted();
    void session.start();
  }

  /** Synchronous, before the first fetch: every known partition is sought, an unknown one held back until its low end is known. */
  private onJoined(session: ConsumerSession, assigned: ReadonlyMap<string, readonly number[]>): void {
    this.assigned = assigned;
    this.pace.partitionCount = this.positions.partitionCount();
    let hasUnknown = false;
    for (const [topic, partitions] of assigned) {
      for (const partition of partitions) {
        const next = this.positions.nextOf(topic, partition);
        if (next !== undefined) {
          session.seek(topic, partition, next);
          session.resume(topic, [partition]);
        } else {
          hasUnknown = true;
          session.pause(topic, [partition]);
        }
      }
    }
    if (hasUnknown) void this.look();
  }

  private onBatch(session: ConsumerSession, payload: EachBatchPayload): Promise<void> {
    if (session !== this.session || payload.isStale()) return Promise.resolve();
    const { batch } = payload;
    const { clock } = this.context.environment;
    const from = fetchedOffsetOf(batch);
    const to = Number(batch.lastOffset());
    const records = recordsOf(batch, from, to);
    const readTickMs = clock.tickMs();
    const isNew = this.positions.deliver({
      topic: batch.topic,
      partition: batch.partition,
      from,
      to,
      records,
      end: Number(batch.highWatermark),
    });
    if (!isNew) this.suspectReset();
    return this.pace.afterBatch(clock.tickMs() - readTickMs);
  }

  private onEmptied(session: ConsumerSession, topic: string, partition: number, first: number | null, last: number, end: number): void {
    if (session !== this.session) return;
    const next = this.positions.nextOf(topic, partition);
    if (next === undefined) return;
    // A gap before the markers may be a hole or nothing at all; only the low end can tell.
    if (first !== null && first > next) return void this.settleEmptied(session, { topic, partition, first, last, end });
    if (!this.positions.deliver({ topic, partition, from: next, to: last, records: [], end })) this.suspectReset();
  }

  private async settleEmptied(
    session: ConsumerSession,
    emptied: { topic: string; partition: number; first: number; last: number; end: number },
  ): Promise<void> {
    const { topic, partition, first, last, end } = emptied;
    session.pause(topic, [partition]);
    try {
      const low = (await this.context.admin.offsets(topic))?.find((one) => one.partition === partition)?.low;
      const next = this.positions.nextOf(topic, partition);
      if (session !== this.session || next === undefined || low === undefined) return;
      this.positions.deliver({ topic, partition, from: Math.max(next, Math.min(low, first)), to: last, records: [], end });
      session.resume(topic, [partition]);
    } catch {
      if (session === this.session) this.abandonSession('the low end of a partition could not be asked');
    }
  }

  private scheduleLook(): void {
    this.later(this.positions.isSuspicious() ? hastyLookMs : this.lookMs, () => {
      void this.look().finally(() => {
        if (!this.isStopped) this.scheduleLook();
      });
    });
  }

  /** What is fetched was delivered before: kafkajs went back to the low end, and only the ends of the log can tell why. */
  private suspectReset(): void {
    if (this.isHastyLookDue) return;
    this.isHastyLookDue = true;
    this.later(hastyLookMs, () => {
      this.isHastyLookDue = false;
      void this.look();
    });
  }

  private async look(): Promise<void> {
    if (this.isLooking || this.isStopped) return;
    this.isLooking = true;
    try {
      const looked = await this.lookAll();
      if (this.isStopped) return;
      this.health.onLooked();
      this.context.metrics?.fetchPace(this.pace.paceMs);
      const isMore = [...looked.keys()].some((topic) => !this.sessionTopics.has(topic));
      if (isMore && (this.session !== null || this.sessionTopics.size === 0)) this.renewSession(new Set(looked.keys()));
    } catch (error) {
      this.health.onLookFailed(String(error));
    } finally {
      this.isLooking = false;
    }
  }

  /** Looks at every topic, tells what is new, and moves the fetch position where that is needed. */
  private async lookAll(): Promise<ReadonlyMap<string, readonly PartitionOffsets[]>> {
    const { admin, environment } = this.context;
    const answers = await Promise.all(
      this.topics.map(async (topic) => {
        const look = this.positions.look(topic, environment.clock.tickMs());
        return { topic, look, offsets: await admin.offsets(topic) };
      }),
    );
    const looked = new Map<string, readonly PartitionOffsets[]>();
    for (const { topic, look, offsets } of answers) {
      if (this.isStopped) break;
      if (offsets === null) {
        this.positions.missed(topic);
        continue;
      }
      looked.set(topic, offsets);
      const { toSeek } = this.positions.absorb(look, offsets, this.isFirstLook);
      for (const { partition, next } of toSeek) this.moveTo(topic, partition, next);
    }
    return looked;
  }

  private moveTo(topic: string, partition: number, next: number): void {
    if (!this.assigned.get(topic)?.includes(partition)) return;
    this.session?.seek(topic, partition, next);
    this.session?.resume(topic, [partition]);
  }

  private renewSession(topics: ReadonlySet<string>): void {
    void this.session?.stop();
    this.startSession(topics);
  }

  private abandonSession(reason: string): void {
    void this.session?.stop();
    this.onSessionLost(reason);
  }

  private onSessionLost(reason: string): void {
    if (this.isStopped) return;
    this.session = null;
    this.context.metrics?.tailRestarted();
    this.context.logger.warn('the tail lost its consumer, and starts another from where it was', { reason, failures: this.failures });
    this.health.onFailure(reason);
    const topics = this.sessionTopics;
    this.later(this.nextBackoffMs(), () => void this.restart(topics));
  }

  private async restart(topics: ReadonlySet<string>): Promise<void> {
    if (this.isStopped || this.session !== null) return;
    try {
      const looked = await this.lookAll();
      if (!this.isStopped && this.session === null) this.startSession(new Set(looked.keys()));
    } catch (error) {
      this.health.onFailure(`Kafka does not answer: ${String(error)}`);
      this.later(this.nextBackoffMs(), () => void this.restart(topics));
    }
  }

  private nextBackoffMs(): number {
    return Math.min(1_000, backoffMs(this.failures++, this.context.environment.random()));
  }

  private later(delayMs: number, callback: () => void): void {
    const timer = this.context.environment.timers.after(delayMs, () => {
      this.timers.delete(timer);
      if (!this.isStopped) callback();
    });
    this.timers.add(timer);
  }
}

/** A listener that throws must not take the consumer down with it: that would stop every stream. */
function guarded(listener: TailListener, { logger }: KafkaLogContext): TailListener {
  const attempt = (what: string, call: () => void): void => {
    try {
      call();
    } catch (error) {
      logger.error(`a listener of the tail failed in ${what}`, {
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    }
  };
  return {
    onPartitions: (topic, count, added) => attempt('onPartitions', () => listener.onPartitions(topic, count, added)),
    onPartitionCountConfirmed: (topic, count, tick) =>
      attempt('onPartitionCountConfirmed', () => listener.onPartitionCountConfirmed(topic, count, tick)),
    onBatch: (batch) => attempt('onBatch', () => listener.onBatch(batch)),
    onReset: (topic, partition, low) => attempt('onReset', () => listener.onReset(topic, partition, low)),
    onHealth: (health) => attempt('onHealth', () => listener.onHealth(health)),
  };
}
