import type { Clock } from '../../std/clock.js';

export interface HitCount {
  readonly key: string;
  readonly count: number;
}

/** Keys that are counted at a time. */
const countersMax = 256;
/** Counts are halved so often, that what was long ago fades. */
const halfLifeMs = 600_000;

/**
 * Who did something most often, in bounded memory: the space-saving sketch (Metwally et al., 2005). Whoever has more than 1/256 of all is in it;
 * a count is at most too high by what the newcomer's place had before.
 */
export class HeavyHitters {
  readonly #clock: Clock;
  readonly #counts = new Map<string, number>();
  #halvedTickMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#halvedTickMs = clock.tickMs();
  }

  add(key: string, count = 1): void {
    this.#fade();
    const known = this.#counts.get(key);
    if (known !== undefined || this.#counts.size < countersMax) this.#counts.set(key, (known ?? 0) + count);
    else this.#counts.set(key, this.#takeLeast() + count);
  }

  top(most: number): readonly HitCount[] {
    this.#fade();
    return topOf(this.#counts, most);
  }

  #takeLeast(): number {
    let least: HitCount = { key: '', count: Infinity };
    for (const [key, count] of this.#counts) if (count < least.count) least = { key, count };
    this.#counts.delete(least.key);
    return least.count;
  }

  #fade(): void {
    const nowTickMs = this.#clock.tickMs();
    const halvings = Math.floor((nowTickMs - this.#halvedTickMs) / halfLifeMs);
    if (halvings < 1) return;
    this.#halvedTickMs += halvings * halfLifeMs;
    for (const [key, count] of this.#counts) {
      const faded = Math.floor(count / 2 ** halvings);
      if (faded === 0) this.#counts.delete(key);
      else this.#counts.set(key, faded);
    }
  }
}

/** The greatest counts, greatest first. */
export function topOf(counts: Iterable<readonly [string, number]>, most: number): readonly HitCount[] {
  return Array.from(counts, ([key, count]) => ({ key, count }))
    .sort((a, b) => b.count - a.count || (a.key < b.key ? -1 : 1))
    .slice(0, Math.max(0, most));
}
