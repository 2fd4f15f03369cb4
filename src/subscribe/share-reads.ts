import type { Metrics } from '../telemetry/metrics.js';

/** Lets identical reads that are under way at the same time be one read. */
export class SharedReads<T> {
  readonly #metrics: Metrics;
  readonly #underWay = new Map<string, Promise<T>>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  run(key: string, read: () => Promise<T>): Promise<T> {
    const known = this.#underWay.get(key);
    if (known !== undefined) {
      this.#metrics.replayShared();
      return known;
    }
    const reading = read().finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, reading);
    return reading;
  }
}
