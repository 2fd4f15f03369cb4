import type { Metrics } from '../telemetry/metrics.js';

/** How many reads may be under way, and how many may wait for their turn. */
export interface ReplayGateLimits {
  readonly concurrentMax: number;
  readonly queuedMax: number;
}

/**
 * Bounds the reads of all readers of a node. Each reader asks again for every page, behind those that wait already: a long replay does not keep
 * short ones from finishing.
 */
export class ReplayGate {
  readonly #limits: ReplayGateLimits;
  readonly #metrics: Metrics;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limits: ReplayGateLimits, metrics: Metrics) {
    this.#limits = limits;
    this.#metrics = metrics;
  }

  /** Runs `read` when it is its turn; null when too many wait already. */
  async run<T>(read: () => Promise<T>): Promise<T | null> {
    if (this.#running >= this.#limits.concurrentMax) {
      if (this.#waiting.length >= this.#limits.queuedMax) return null;
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        this.#metrics.replayQueued(this.#waiting.length);
      });
    } else this.#running++;
    try {
      return await read();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
      this.#metrics.replayQueued(this.#waiting.length);
    }
  }
}
