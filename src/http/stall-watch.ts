import type { Timer, Timers } from '../std/clock.js';
import type { Metrics } from '../telemetry/metrics.js';

/** A connection as the watch sees it. */
export interface Stallable {
  /** The sweep in which it last wrote. */
  readonly sweepOfLastWrite: number;
  /** Writes a keep-alive, whether or not the socket takes it; `rearm` starts uWebSockets.js's time-out anew even when it does. */
  poke(rearm: boolean): void;
}

/**
 * Keeps stopped readers connected. uWebSockets.js arms a time-out of 8 to 12 s whenever bytes stay in its buffer. Only a writable event takes
 * it back (and Linux sends none before a third of the socket's buffer is free), only a further failing write arms it anew; without either a
 * reader that pauses is cut off, although its subscriber waits for it and holds nothing. Whether a stalled reader is kept is its owner's
 * decision alone.
 *
 * Two sets, neither larger than the number of open streams. `stalled`: a write failed, and no writable event came since; poked every sweep.
 * `unsure`: a small write that the kernel did not take is not reported (it fails after the write returned, when the cork is released). The
 * next write would tell, and so a connection that wrote much and then fell quiet is poked. Twice: the first poke may be the very write that
 * no longer fits.
 */
export class StallWatch {
  /** Below uWebSockets.js's shortest time-out (8 s) with room for a late event loop. */
  static readonly sweepMs = 3_500;
  /** After so many bytes since it was last sure, a quiet connection is asked. Far below what kernels buffer. */
  static readonly unsureBytesMin = 32_768;

  static readonly surePokes = 2;

  sweep = 0;
  readonly #stalled = new Set<Stallable>();
  /** With how many pokes are left to make sure. */
  readonly #unsure = new Map<Stallable, number>();
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
    this.#unsure.set(connection, StallWatch.surePokes);
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
    for (const connection of [...this.#stalled]) connection.poke(true);
    for (const [connection, pokesLeft] of [...this.#unsure]) {
      if (connection.sweepOfLastWrite >= this.sweep - 1) continue;
      if (pokesLeft <= 1) this.#unsure.delete(connection);
      else this.#unsure.set(connection, pokesLeft - 1);
      connection.poke(false);
    }
    this.#metrics.connectionsStalled(this.#stalled.size);
  }
}
