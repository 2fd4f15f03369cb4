import type { EventLog } from '../log/event-log.js';
import type { LogRecord } from '../protocol/log-record.js';
import { RecentCounts, staleProducerMsMax } from '../routing/recent-counts.js';
import type { Router } from '../routing/router.js';
import type { Environment, Timer } from '../std/clock.js';
import { waitMs } from '../std/wait.js';
import type { ReplayWindow } from './replay-window.js';

export interface StrayWatchParts {
  readonly log: EventLog;
  readonly router: Router;
  readonly window: ReplayWindow;
  readonly environment: Environment;
}

/** What is known of one topic. */
interface Watched {
  readonly recent: RecentCounts;
  /** The smallest count that was current while it was watched, or lately before. */
  min: number;
  max: number;
  /** Records are at home under counts from this one on. */
  homesFrom: number;
  /** Since when it is watched. */
  readonly sinceMs: number;
  hasStrays: boolean;
}

/** How often partition counts are asked for and shared. */
const periodMs = 5_000;
/** The log is asked so often, so far apart, before a record is a stray: another broker may answer what was true a second ago. */
const asksMax = 7;
const askAgainMs = 500;

/** Finds records of keyed topics in partitions where no reader would look for them. */
export class StrayWatch {
  readonly #parts: StrayWatchParts;
  readonly #keyed: ReadonlySet<string>;
  readonly #watched = new Map<string, Watched>();
  readonly #timer: Timer;
  readonly #stopping = new AbortController();

  constructor(parts: StrayWatchParts) {
    this.#parts = parts;
    this.#keyed = new Set(parts.router.topics.filter(({ keyed }) => keyed).map(({ topic }) => topic));
    this.#timer = parts.environment.timers.every(periodMs, () => void this.learnCounts(this.#watched.keys()).catch(() => undefined));
  }

  /**
   * Asks the log for the partition counts of those topics that are keyed, and the window for those that they had lately. Rejects when the log
   * does not answer; what the window does not tell is asked again.
   */
  async learnCounts(topics: Iterable<string>): Promise<void> {
    const { log, window, environment } = this.#parts;
    const keyed = [...topics].filter((topic) => this.#keyed.has(topic));
    if (keyed.length === 0) return;
    const sinceMs = environment.clock.nowMs();
    const learning = [...(await log.describe(keyed))].map(async ([topic, { partitionCount }]) => {
      if (partitionCount < 1) return;
      const recent = this.#watched.get(topic)?.recent ?? new RecentCounts(environment.clock);
      recent.note({ kind: 'current', count: partitionCount, agoMs: 0 });
      for (const mark of await window.shareCounts(topic, recent.marks()).catch(() => [])) recent.note(mark);
      const smallest = recent.smallest(staleProducerMsMax) ?? partitionCount;
      const watched = this.#watched.get(topic) ?? { recent, min: smallest, max: 0, homesFrom: 0, sinceMs, hasStrays: false };
      watched.min = Math.min(watched.min, smallest);
      watched.max = Math.max(watched.max, partitionCount);
      watched.homesFrom = Math.min(watched.max, Math.max(watched.min, recent.blindFrom));
      this.#watched.set(topic, watched);
    });
    await Promise.all(learning);
  }

  /**
   * Whether a stray is among the records. Before the first is found in a topic the log is asked again for a while: the topic may have grown
   * meanwhile.
   */
  async hasStray(topic: string, partition: number, records: readonly LogRecord[]): Promise<boolean> {
    if (!this.#keyed.has(topic)) return false;
    if (!this.#watched.has(topic)) await this.learnCounts([topic]);
    for (let asks = 0; ; asks++) {
      if (!records.some((record) => this.#isStray(topic, partition, record))) return false;
      const watched = this.#watched.get(topic);
      if (watched?.hasStrays === true) return true;
      if (asks === asksMax) {
        if (watched !== undefined) watched.hasStrays = true;
        return true;
      }
      if (asks > 0) await waitMs(this.#parts.environment.timers, askAgainMs, this.#stopping.signal);
      if (this.#stopping.signal.aborted) throw new Error('the indexer stops');
      await this.learnCounts([topic]);
    }
  }

  /** Ends the watch; a judgement under way rejects. */
  stop(): void {
    this.#timer.cancel();
    this.#stopping.abort();
  }

  /**
   * At home under any count that the topic had while it was watched, or lately before, is no stray: readers look in all of them, unless some
   * were begun by an edge that did not know. A record from before the watch may be older than a growth of the topic (a window that is filled
   * again goes back minutes): it is at home under any smaller count.
   */
  #isStray(topic: string, partition: number, record: LogRecord): boolean {
    const watched = this.#watched.get(topic);
    if (watched === undefined) return false;
    const { homesFrom, max, sinceMs } = watched;
    for (let count = record.timestampMs < sinceMs ? 1 : homesFrom; count <= max; count += 1) {
      if (!this.#parts.router.isStray(topic, partition, record, count)) return false;
    }
    return true;
  }
}
