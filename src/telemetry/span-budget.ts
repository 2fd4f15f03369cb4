import type { Clock } from '../std/clock.js';

const second = 1_000;

/** Most spans a second, whoever asks for them: the flag that makes one is in the hands of callers. */
export class SpanBudget {
  readonly #perSecondMax: number;
  readonly #clock: Pick<Clock, 'tickMs'>;
  #sinceTickMs = -Infinity;
  #taken = 0;

  constructor(perSecondMax: number, clock: Pick<Clock, 'tickMs'>) {
    this.#perSecondMax = perSecondMax;
    this.#clock = clock;
  }

  get hasRoom(): boolean {
    const nowTickMs = this.#clock.tickMs();
    if (nowTickMs - this.#sinceTickMs >= second) {
      this.#sinceTickMs = nowTickMs;
      this.#taken = 0;
    }
    return this.#taken < this.#perSecondMax;
  }

  /** False: there is no room this second. */
  take(): boolean {
    if (!this.hasRoom) return false;
    this.#taken++;
    return true;
  }
}
