import { BoundedCache } from '../../std/bounded-cache.js';
import type { Clock } from '../../std/clock.js';

/** What the other side can say. */
export type HookAnswer = 'allowed' | 'forbidden' | 'unknown';

interface Remembered {
  readonly answer: HookAnswer;
  readonly untilTickMs: number;
}

/** Remembers answers for a while: a yes for longer than a no, which somebody may be about to change. */
export class HookMemory {
  readonly #answers: BoundedCache<string, Remembered>;
  readonly #clock: Clock;
  readonly #allowMs: number;
  readonly #denyMs: number;

  constructor(limits: { readonly rememberedMax: number; readonly allowMs: number; readonly denyMs: number }, clock: Clock) {
    this.#answers = new BoundedCache(limits.rememberedMax);
    this.#clock = clock;
    this.#allowMs = limits.allowMs;
    this.#denyMs = limits.denyMs;
  }

  recall(key: string): HookAnswer | null {
    const remembered = this.#answers.get(key);
    return remembered === undefined || remembered.untilTickMs <= this.#clock.tickMs() ? null : remembered.answer;
  }

  remember(key: string, answer: HookAnswer): void {
    const lifeMs = answer === 'allowed' ? this.#allowMs : this.#denyMs;
    if (lifeMs > 0) this.#answers.set(key, { answer, untilTickMs: this.#clock.tickMs() + lifeMs });
  }
}
