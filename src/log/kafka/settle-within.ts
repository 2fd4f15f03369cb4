import type { Timers } from '../../std/clock.js';

/** Resolves when `work` settles, either way, or when `timeoutMs` have passed. */
export function settleWithin(work: Promise<unknown>, timeoutMs: number, timers: Timers): Promise<void> {
  return new Promise((resolve) => {
    const timer = timers.after(timeoutMs, resolve);
    work
      .catch(() => undefined)
      .finally(() => {
        timer.cancel();
        resolve();
      });
  });
}
