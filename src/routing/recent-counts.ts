import type { Clock } from '../std/clock.js';

/**
 * Records of a keyed topic are at home under every partition count that was current so lately. Longer than any producer's metadata may be old:
 * `metadata.max.age.ms` is 5 minutes in Java and kafkajs unless set.
 */
export const staleProducerMsMax = 600_000;

/** Fresh readers look at homes of older counts for so much longer: no node whose clock or knowledge lags then asks a position for more. */
const countSlackMs = 60_000;

/**
 * What is known of a topic's partition counts, and how long ago it was true. `current`: the topic had so many partitions. `blind`: an edge
 * that did not know of the older counts served readers that look only at homes from this count on.
 */
export interface CountMark {
  readonly kind: 'current' | 'blind';
  readonly count: number;
  readonly agoMs: number;
}

/** How long a mark is worth keeping. */
export const countMarkMsMax = staleProducerMsMax + countSlackMs;

/** The partition counts that one topic had lately, as far as this process knows. */
export class RecentCounts {
  readonly #clock: Clock;
  /** When each was last true, in monotonic milliseconds. */
  readonly #current = new Map<number, number>();
  readonly #blind = new Map<number, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note({ kind, count, agoMs }: CountMark): void {
    if (count < 1) return;
    const marks = kind === 'current' ? this.#current : this.#blind;
    marks.set(count, Math.max(marks.get(count) ?? -Infinity, this.#clock.tickMs() - agoMs));
  }

  /** Everything that is young enough to be told to others. */
  marks(): readonly CountMark[] {
    const nowTickMs = this.#clock.tickMs();
    const marks: CountMark[] = [];
    for (const [kind, known] of [['current', this.#current] as const, ['blind', this.#blind] as const]) {
      for (const [count, tickMs] of known) {
        const agoMs = Math.max(0, Math.round(nowTickMs - tickMs));
        if (agoMs < countMarkMsMax) marks.push({ kind, count, agoMs });
        else known.delete(count);
      }
    }
    return marks;
  }

  /** The smallest count that was current within so many milliseconds; null: none is known. */
  smallest(withinMs: number): number | null {
    const counts = this.marks().filter(({ kind, agoMs }) => kind === 'current' && agoMs < withinMs);
    return counts.length === 0 ? null : Math.min(...counts.map(({ count }) => count));
  }

  /** Under smaller counts than this no record is at home: there may be readers that do not look there. 1 when there are none. */
  get blindFrom(): number {
    return Math.max(1, ...this.marks().flatMap(({ kind, count }) => (kind === 'blind' ? [count] : [])));
  }
}
