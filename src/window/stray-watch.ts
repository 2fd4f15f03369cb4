import type { EventLog } from '../log/event-log.js';
import type { LogRecord } from '../protocol/log-record.js';
import type { Router } from '../routing/router.js';
import type { Clock } from '../std/clock.js';

interface Counts {
  readonly min: number;
  readonly max: number;
  /** Since when the counts are watched. */
  readonly sinceMs: number;
}

/** Finds records of keyed topics in partitions where no reader would look for them. */
export class StrayWatch {
  readonly #log: EventLog;
  readonly #router: Router;
  readonly #keyed: ReadonlySet<string>;
  readonly #clock: Clock;
  readonly #counts = new Map<string, Counts>();

  constructor(log: EventLog, router: Router, clock: Clock) {
    this.#log = log;
    this.#router = router;
    this.#clock = clock;
    this.#keyed = new Set(router.topics.filter(({ keyed }) => keyed).map(({ topic }) => topic));
  }

  /** Asks the log for the partition counts of those topics that are keyed. */
  async learnCounts(topics: Iterable<string>): Promise<void> {
    const keyed = [...topics].filter((topic) => this.#keyed.has(topic));
    if (keyed.length === 0) return;
    const nowMs = this.#clock.nowMs();
    for (const [topic, { partitionCount }] of await this.#log.describe(keyed)) {
      const known = this.#counts.get(topic);
      const min = Math.min(known?.min ?? partitionCount, partitionCount);
      this.#counts.set(topic, { min, max: partitionCount, sinceMs: known?.sinceMs ?? nowMs });
    }
  }

  /** Whether a stray is among the records. Asks the log again before it says yes: the topic may have grown meanwhile. */
  async hasStray(topic: string, partition: number, records: readonly LogRecord[]): Promise<boolean> {
    if (!this.#keyed.has(topic)) return false;
    if (!this.#counts.has(topic)) await this.learnCounts([topic]);
    const suspects = records.filter((record) => this.#isStray(topic, partition, record));
    if (suspects.length === 0) return false;
    await this.learnCounts([topic]);
    return suspects.some((record) => this.#isStray(topic, partition, record));
  }

  /**
   * At home under any count that the topic had while it was watched is no stray: readers look in all of them. A record from before the watch may
   * be older than a growth of the topic (a window that is filled again goes back minutes): it is at home under any smaller count.
   */
  #isStray(topic: string, partition: number, record: LogRecord): boolean {
    const { min, max, sinceMs } = this.#counts.get(topic) ?? { min: 1, max: 0, sinceMs: 0 };
    for (let count = record.timestampMs < sinceMs ? 1 : min; count <= max; count += 1) {
      if (!this.#router.isStray(topic, partition, record, count)) return false;
    }
    return max >= min;
  }
}
