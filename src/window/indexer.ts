import type { AssignedPartition, EventLog, LogBatch, SharedListener } from '../log/event-log.js';
import type { RoutedEvent } from '../routing/routed-event.js';
import type { Router } from '../routing/router.js';
import type { Environment, Timer } from '../std/clock.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { DeadLetters } from './dead-letters.js';
import type { DeadLetter, DeadLetterOptions } from './dead-letters.js';
import { planStretches } from './plan-stretches.js';
import type { WriteBounds } from './plan-stretches.js';
import type { ReplayWindow, Vouched, WindowStretch } from './replay-window.js';
import { StrayWatch } from './stray-watch.js';

export interface IndexerOptions {
  /** W, as the window's. What is older is not indexed at start; idle partitions are renewed every third of it. */
  readonly windowAgeMs: number;
  readonly deadLetters: DeadLetterOptions;
  /** Default 1000 entries, 1 MiB. */
  readonly writeBounds?: WriteBounds;
}

export interface IndexerParts {
  readonly log: EventLog;
  readonly router: Router;
  readonly window: ReplayWindow;
  readonly environment: Environment;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** A partition that this member owns. */
interface Owned {
  readonly topic: string;
  readonly partition: number;
  /** One past what the window has from this member. */
  position: number;
  /** When the window was last written or renewed, in monotonic milliseconds. */
  touchedTickMs: number;
  /** Records up to here have had their dead letters: a batch that is tried again writes none twice. */
  deadLetteredTo: number;
}

const defaultBounds: WriteBounds = { entriesMax: 1_000, bytesMax: 1_048_576 };

/**
 * Writes each record of its partitions into the window, once. A batch is committed only after every stretch of it is written. While the
 * store or the log is away batches reject, which the log retries with backoff; that is said once, and so is the recovery.
 */
export class Indexer implements SharedListener {
  readonly #options: IndexerOptions;
  readonly #parts: IndexerParts;
  readonly #deadLetters: DeadLetters;
  readonly #strays: StrayWatch;
  readonly #timer: Timer;
  #owned = new Map<string, Owned>();
  #isFailing = false;
  #isRenewing = false;

  constructor(options: IndexerOptions, parts: IndexerParts) {
    this.#options = options;
    this.#parts = parts;
    this.#deadLetters = new DeadLetters(parts.log, options.deadLetters, parts.environment.clock, parts.metrics);
    this.#strays = new StrayWatch(parts);
    // Looked at twice as often as is needed, so that a floor is renewed after a third of its life at most.
    this.#timer = parts.environment.timers.every(Math.floor(options.windowAgeMs / 6), () => void this.#renewIdle());
  }

  async onAssigned(assigned: readonly AssignedPartition[]): Promise<readonly { topic: string; partition: number; next: number }[]> {
    // Revocation replaces the map: what it overtakes here is then owned by nobody.
    const owned = this.#owned;
    const topics = new Set(assigned.map(({ topic }) => topic));
    const since = this.#parts.environment.clock.nowMs() - this.#options.windowAgeMs;
    await this.#strays.learnCounts(topics);
    const starts = new Map<string, ReadonlyMap<number, number>>();
    for (const topic of topics) starts.set(topic, await this.#parts.log.offsetsAtTime(topic, since));
    return Promise.all(
      assigned.map(async (given) => {
        const { topic, partition, low } = given;
        const next = await this.#start(given, starts.get(topic)?.get(partition) ?? low);
        const touchedTickMs = this.#parts.environment.clock.tickMs();
        owned.set(nameOf(given), { topic, partition, position: next, touchedTickMs, deadLetteredTo: -1 });
        return { topic, partition, next };
      }),
    );
  }

  onRevoked(): void {
    this.#owned = new Map();
  }

  async onBatch(batch: LogBatch, isStale: () => boolean): Promise<void> {
    try {
      await this.#index(batch, isStale);
    } catch (error) {
      if (!isStale()) this.#sayFailing(error);
      throw error;
    }
    this.#sayWorking();
  }

  /** Ends renewals. The consumer is stopped by whoever started it. */
  stop(): void {
    this.#timer.cancel();
    this.#strays.stop();
    this.#owned = new Map();
  }

  /** Where to begin: as little as possible again, no hole where the log still has what the window lacks, nothing older than the window. */
  async #start(given: AssignedPartition, windowStart: number): Promise<number> {
    const { topic, partition, committed, low, end } = given;
    let next = Math.min(end, Math.max(low, windowStart));
    const routed = this.#parts.router.topics.find((one) => one.topic === topic);
    // Latest events outlive the window: what came while nobody indexed is indexed however old it is, or all that are kept would be in doubt.
    const oldest = routed?.keepsLatest === true ? low : next;
    try {
      let vouched = await this.#parts.window.vouched(topic, partition);
      if (vouched !== null && vouched.high > end - 1) {
        await this.#drop(topic, partition, vouched.high, end);
        vouched = null;
      }
      if (vouched !== null) next = Math.min(end, Math.max(oldest, Math.min(committed ?? Infinity, vouched.high + 1)));
      // Nothing is known of the past: the latest events are made anew from what the log keeps of every key.
      else if (routed?.latestIsInLog === true) next = Math.min(end, low);
      // Vouches for a partition that never had a record, and for what is up to the start.
      const begun = await this.#parts.window.write({ topic, partition, from: next, to: next - 1, events: [] });
      this.#parts.metrics.windowVouched(topic, partition, begun.high, begun.floor);
    } catch (error) {
      // Without the window's word, the group's: each later write finds out the rest.
      if (committed !== null && committed <= end) next = Math.min(end, Math.max(oldest, committed));
      this.#sayFailing(error);
    }
    return next;
  }

  async #index(batch: LogBatch, isStale: () => boolean): Promise<void> {
    const { topic, partition, records } = batch;
    const { events, letters } = this.#route(batch);
    const breach = await this.#strays.hasStray(topic, partition, records);
    if (breach) this.#parts.metrics.keyedBreach(topic);
    const owned = this.#owned.get(nameOf(batch));
    // Before any stretch: `high` must not pass a record whose dead letter is not acknowledged.
    const done = owned !== undefined && owned.deadLetteredTo < batch.end ? owned.deadLetteredTo : -1;
    await this.#deadLetters.write(letters.filter(({ record }) => record.offset > done));
    if (owned !== undefined) owned.deadLetteredTo = Math.max(done, batch.to);
    for (const stretch of planStretches(batch, events, this.#options.writeBounds ?? defaultBounds)) {
      if (isStale()) throw new Error(`partition ${partition} of ${topic} was taken away`);
      await this.#write({ ...stretch, breach }, batch.end);
      if (owned !== undefined) {
        owned.position = stretch.to + 1;
        owned.touchedTickMs = this.#parts.environment.clock.tickMs();
      }
    }
  }

  #route(batch: LogBatch): { events: readonly RoutedEvent[]; letters: readonly DeadLetter[] } {
    const { topic, partition, records } = batch;
    const events: RoutedEvent[] = [];
    const letters: DeadLetter[] = [];
    for (const record of records) {
      const routed = this.#parts.router.route(topic, partition, record);
      if (typeof routed === 'string') letters.push({ topic, partition, record, reason: routed });
      else events.push(...routed);
    }
    for (const { reason } of letters) this.#parts.metrics.undecodable(topic, reason);
    return { events, letters };
  }

  async #write(stretch: WindowStretch, end: number): Promise<void> {
    const { topic, partition, events } = stretch;
    const { clock } = this.#parts.environment;
    const started = clock.tickMs();
    let vouched = await this.#parts.window.write(stretch);
    if (vouched.high > stretch.to && vouched.high > end - 1) vouched = await this.#writeAfterReset(stretch, vouched);
    this.#parts.metrics.windowWritten(topic, events.length, (clock.tickMs() - started) / 1_000);
    this.#parts.metrics.windowVouched(topic, partition, vouched.high, vouched.floor);
  }

  /** The window is beyond the log's end, as a batch saw it. Asks the log itself: another member may only have been further. */
  async #writeAfterReset(stretch: WindowStretch, vouched: Vouched): Promise<Vouched> {
    const { topic, partition } = stretch;
    const end = (await this.#parts.log.offsets(topic)).find((one) => one.partition === partition)?.end ?? 0;
    if (vouched.high <= end - 1) return vouched;
    await this.#drop(topic, partition, vouched.high, end);
    return this.#parts.window.write(stretch);
  }

  async #drop(topic: string, partition: number, high: number, end: number): Promise<void> {
    this.#parts.logger.warn('the topic began anew: its window is dropped', { topic, partition, high, end });
    this.#parts.metrics.topicReset(topic);
    await this.#parts.window.drop(topic, partition);
  }

  /** Never rejects: what fails is tried at the next turn. */
  async #renewIdle(): Promise<void> {
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    let renewed = false;
    const idleSince = this.#parts.environment.clock.tickMs() - this.#options.windowAgeMs / 6;
    try {
      for (const owned of [...this.#owned.values()]) {
        if (owned.touchedTickMs > idleSince) continue;
        await this.#renew(owned);
        renewed = true;
      }
      if (renewed) this.#sayWorking();
    } catch (error) {
      this.#sayFailing(error);
    } finally {
      this.#isRenewing = false;
    }
  }

  async #renew(owned: Owned): Promise<void> {
    const { topic, partition, position } = owned;
    const renewed = await this.#parts.window.renew(topic, partition, position);
    // Flushed while idle: vouch again from here. Revoked or written meanwhile: no longer ours to say.
    const isOurs = this.#owned.get(nameOf(owned)) === owned && owned.position === position;
    if (!renewed && isOurs && (await this.#parts.window.vouched(topic, partition)) === null) {
      await this.#parts.window.write({ topic, partition, from: position, to: position - 1, events: [] });
    }
    owned.touchedTickMs = this.#parts.environment.clock.tickMs();
  }

  #sayWorking(): void {
    if (this.#isFailing) this.#parts.logger.info('indexing goes on');
    this.#isFailing = false;
  }

  #sayFailing(error: unknown): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#parts.logger.warn('indexing waits; trying again', { error: error instanceof Error ? error.message : String(error) });
  }
}

function nameOf({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}/${partition}`;
}
