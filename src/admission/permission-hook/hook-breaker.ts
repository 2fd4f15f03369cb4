import type { Environment } from '../../std/clock.js';

const pauseMsMin = 1_000;
const pauseMsMax = 30_000;

/**
 * Leaves somebody alone who fails: after `failuresMax` failures in a row for a second, then twice as long each time, up to half a minute. After each
 * pause one question goes through; if it is answered all may.
 */
export class HookBreaker {
  readonly #failuresMax: number;
  readonly #environment: Environment;
  #failures = 0;
  #closedUntilTickMs = 0;
  #isProbing = false;

  constructor(failuresMax: number, environment: Environment) {
    this.#failuresMax = failuresMax;
    this.#environment = environment;
  }

  /** How long to leave it alone; 0: ask, and tell how it went. */
  get pauseMs(): number {
    if (this.#failures < this.#failuresMax) return 0;
    const leftMs = this.#closedUntilTickMs - this.#environment.clock.tickMs();
    if (leftMs > 0) return leftMs;
    return this.#isProbing ? pauseMsMin : 0;
  }

  asking(): void {
    if (this.#failures >= this.#failuresMax) this.#isProbing = true;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#isProbing = false;
  }

  /** Returns whether it is left alone from now on, and was not before. */
  failed(): boolean {
    this.#failures++;
    this.#isProbing = false;
    if (this.#failures < this.#failuresMax) return false;
    const doublings = Math.min(this.#failures - this.#failuresMax, 10);
    const pauseMs = Math.min(pauseMsMax, pauseMsMin * 2 ** doublings);
    this.#closedUntilTickMs = this.#environment.clock.tickMs() + pauseMs * (0.75 + 0.5 * this.#environment.random());
    return this.#failures === this.#failuresMax;
  }
}
