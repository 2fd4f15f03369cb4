import type { Environment, Timer } from '../../src/std/clock.js';

/** A small fast generator (mulberry32): the same seed makes the same run. */
export function seededRandom(seed: number): () => number {
  let state = (seed * 0x9e3779b9) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

interface Planned {
  readonly atMs: number;
  readonly serial: number;
  readonly run: () => void;
}

/** Time that moves only when told. Timers run in order of their time; `soon` runs when the world settles. */
export class SimEnvironment implements Environment {
  nowMs = 1_700_000_000_000;
  readonly random: () => number;
  readonly clock = { nowMs: () => this.nowMs, tickMs: () => this.nowMs - 1_600_000_000_000 };
  readonly timers = {
    after: (delayMs: number, callback: () => void): Timer => this.#plan(delayMs, callback),
    every: (periodMs: number, callback: () => void): Timer => this.#every(periodMs, callback),
    soon: (callback: () => void): void => void this.#soon.push(callback),
  };
  readonly #planned = new Map<number, Planned>();
  #soon: (() => void)[] = [];
  #serial = 0;

  constructor(random: () => number) {
    this.random = random;
  }

  #plan(delayMs: number, run: () => void): Timer {
    const serial = this.#serial++;
    this.#planned.set(serial, { atMs: this.nowMs + delayMs, serial, run });
    return { cancel: () => void this.#planned.delete(serial) };
  }

  #every(periodMs: number, run: () => void): Timer {
    let isStopped = false;
    let timer: Timer;
    const again = (): void => {
      if (isStopped) return;
      timer = this.#plan(periodMs, again);
      run();
    };
    timer = this.#plan(periodMs, again);
    return {
      cancel: () => {
        isStopped = true;
        timer.cancel();
      },
    };
  }

  /** Lets promises and `soon` callbacks run until nothing is left to do at this time. */
  async settle(): Promise<void> {
    for (;;) {
      for (let i = 0; i < 12; i++) await Promise.resolve();
      const due = this.#soon;
      if (due.length === 0) return;
      this.#soon = [];
      for (const run of due) run();
    }
  }

  /** Moves time on, running what falls due in order. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.nowMs + byMs;
    for (;;) {
      let next: Planned | null = null;
      for (const planned of this.#planned.values()) {
        if (
          planned.atMs <= untilMs &&
          (next === null || planned.atMs < next.atMs || (planned.atMs === next.atMs && planned.serial < next.serial))
        ) {
          next = planned;
        }
      }
      if (next === null) break;
      this.#planned.delete(next.serial);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.run();
      await this.settle();
    }
    this.nowMs = untilMs;
    await this.settle();
  }
}
