import type { Timers } from '../std/clock.js';

/** Items visited in one turn of the event loop: the close of a stream writes to a socket. */
const sliceItems = 1_000;

/**
 * Visits the first `count` items, `sliceItems` in each turn and the first of them now; resolves at the end. Of a live `Map` or `Set` that is each item that is there now
 * and still there in its turn: what comes meanwhile stands behind them.
 */
export function visitInSlices<T>(items: Iterable<T>, count: number, visit: (item: T) => void, timers: Timers): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let left = count;
  return new Promise((resolve) => {
    const slice = (): void => {
      for (let visited = 0; visited < sliceItems && left > 0; visited++, left--) {
        const next = iterator.next();
        if (next.done === true) return resolve();
        visit(next.value);
      }
      if (left > 0) timers.soon(slice);
      else resolve();
    };
    slice();
  });
}
