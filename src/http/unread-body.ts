import type { HttpResponse } from 'uWebSockets.js';
import type { RequestSnapshot } from '../protocol/request-snapshot.js';
import type { Timers } from '../std/clock.js';

/** What somebody may send in vain, and for how long, before the answer: then the connection is cut. */
export const discardBytesMax = 1_048_576;
export const discardMs = 2_000;

/** Bytes of the body that a head announces; 0: there is none. Infinity: they come in chunks, nobody knows how many. */
export function announcedBytes({ headers }: RequestSnapshot): number {
  return headers.has('transfer-encoding') ? Infinity : Number(headers.get('content-length') ?? 0);
}

/**
 * A body that nobody has asked for, thrown away as it comes: a connection that is closed over bytes on their way is reset, and the answer may be lost with
 * it. So the answer waits for its end, within bounds.
 */
export class UnreadBody {
  readonly #announced: number;
  #byteCount = 0;
  #isWhole = false;
  #onEnd: ((isWhole: boolean) => void) | null = null;

  /** Must be made in the handler itself. */
  constructor(res: HttpResponse, announced: number) {
    this.#announced = announced;
    res.onData((chunk, isLast) => {
      this.#byteCount += chunk.byteLength;
      this.#isWhole = isLast;
      if (isLast || this.#byteCount > discardBytesMax) this.#onEnd?.(isLast);
    });
  }

  /** Calls back once: at once when it is over or too much, else when it is, or when it has taken too long. `isWhole` false: there is more to come. */
  whenOver(timers: Timers, callback: (isWhole: boolean) => void): void {
    const isTooMuch = Number.isFinite(this.#announced) && this.#announced > discardBytesMax;
    if (this.#isWhole || isTooMuch || this.#byteCount > discardBytesMax) return callback(this.#isWhole);
    const end = (isWhole: boolean): void => {
      timer.cancel();
      this.#onEnd = null;
      callback(isWhole);
    };
    const timer = timers.after(discardMs, () => end(false));
    this.#onEnd = end;
  }
}
