/** Time, passed in everywhere so that tests and the simulation own it. */
export interface Clock {
  /** Wall clock, milliseconds since the Unix epoch. May jump. */
  nowMs(): number;
  /** Monotonic milliseconds with a fraction; only differences mean anything. */
  tickMs(): number;
}

/** A scheduled callback; `cancel` after it ran is harmless. */
export interface Timer {
  cancel(): void;
}

/** Timers, passed in like the clock. No timer of ours keeps the process alive. */
export interface Timers {
  /** Runs `callback` once after `delayMs`. */
  after(delayMs: number, callback: () => void): Timer;
  /** Runs `callback` every `periodMs` until cancelled. */
  every(periodMs: number, callback: () => void): Timer;
  /** Runs `callback` in the next turn of the event loop, outside any I/O handler. */
  soon(callback: () => void): void;
}

/** Everything impure that pure code may need. */
export interface Environment {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Uniform in [0, 1). */
  random(): number;
}
