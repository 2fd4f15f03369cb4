import type { Timer, Timers } from '../std/clock.js';
import type { Metrics } from '../telemetry/metrics.js';

/** A connection as the watch sees it. */
export interface Stallable {
  /** The sweep in which it last wrote. */
  readonly sweepOfLastWrite: number;
  /** Writes a keep-alive, whether or not the socket takes it. */
  poke(): void;
}

/**
 * Keeps stopped readers connected. uWebSockets.js arms a time-out of 8 to 12 s whenever bytes stay in its buffer, and only a further write
 * arms it anew: without one a reader that pauses is cut off, although its subscriber waits for it and holds nothing. Whether a stalled
 * reader is kept is its owner's decision alone.
 *
 * Two sets, neither larger than the number of open streams: `stalled`, poked every sweep, and `unsure`. A small write that the kernel did not
 * take is not reported by uWebSockets.js (it fails after the write returned, when the cork is released); the next write would tell, and so
 * a connection that wrote much and then fell quiet is poked once.
 */
export class StallWatch {
  /** Below uWebSockets.js's shortest time-out (8 s) with room for a late event loop. */
  static readonly sweepMs = 3_500;
  /** After so many bytes since it was last sure, a quiet connection is asked. Far below what kernels buffer. */
  static readonly unsureBytesMin = 32_768;

  sweep = 0;
  readonly #stalled = new Set<Stallable>();
  readonly #unsure = new Set<Stallable>();
  readonly #metrics: Metrics;
  readonly #timer: Timer;

  constructor(timers: Timers, metrics: Metrics) {
    this.#metrics = metrics;
    this.#timer = timers.every(StallWatch.sweepMs, () => this.#run());
  }

  get stalledCount(): number {
    return this.#stalled.size;
  }

  stalled(connection: Stallable): void {
    this.#unsure.delete(connection);
    this.#stalled.add(connection);
  }

  flowing(connection: Stallable): void {
    this.#stalled.delete(connection);
  }

  unsure(connection: Stallable): void {
    this.#unsure.add(connection);
  }

  forget(connection: Stallable): void {
    this.#stalled.delete(connection);
    this.#unsure.delete(connection);
  }

  stop(): void {
    this.#timer.cancel();
  }

  #run(): void {
    this.sweep++;
    // A poke may move a connection between the sets: work on what was there.
    for (const connection of [...this.#stalled]) connection.poke();
    for (const connection of [...this.#unsure]) {
      if (connection.sweepOfLastWrite >= this.sweep - 1) continue;
      this.#unsure.delete(connection);
      connection.poke();
    }
    this.#metrics.connectionsStalled(this.#stalled.size);
  }
}
