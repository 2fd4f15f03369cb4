import type { Timers } from './clock.js';

/** Waits, or until the signal aborts; never rejects. */
export function waitMs(timers: Timers, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = timers.after(delayMs, done);
    signal?.addEventListener('abort', done);
  });
}
