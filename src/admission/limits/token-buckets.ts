import type { Clock } from '../../std/clock.js';
import { takeTokens } from './rate.js';
import type { Rate, Taking } from './rate.js';
import { TimeTable } from './time-table.js';

/** Keys whose buckets are remembered, of each kind, on a node (at most twice as many: some 20 MB each at the worst). */
export const bucketsMax = 100_000;

/**
 * Token buckets of this node, one a key, of one rate. Bounded: a bucket that is full again is forgotten without loss; when more than the bound
 * are in use, strangers begin as empty as the emptiest one forgotten (see `TimeTable`), so nobody gains by crowding others out.
 */
export class TokenBuckets {
  readonly rate: Rate;
  readonly #clock: Clock;
  readonly #fullAt: TimeTable;

  constructor(rate: Rate, clock: Clock, keysMax = bucketsMax) {
    this.rate = rate;
    this.#clock = clock;
    this.#fullAt = new TimeTable(keysMax);
  }

  /** Takes `count` tokens, or none; a negative count gives back. */
  take(key: string, count: number): Taking {
    const nowMs = this.#clock.tickMs();
    const taking = takeTokens(this.rate, this.#fullAt.untilMs(key), nowMs, count);
    // Also after a refusal: whoever keeps trying is not forgotten.
    this.#fullAt.set(key, taking.fullAtMs, nowMs);
    return taking;
  }
}
