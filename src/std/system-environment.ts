import type { Environment, Timer } from './clock.js';

const timer = (handle: { unref?: () => unknown }, clear: () => void): Timer => {
  handle.unref?.();
  return { cancel: clear };
};

/** The real clock, timers and randomness of this process. */
export const systemEnvironment: Environment = {
  clock: { nowMs: () => Date.now(), tickMs: () => performance.now() },
  timers: {
    after: (delayMs, callback) => {
      const handle = setTimeout(callback, delayMs);
      return timer(handle, () => clearTimeout(handle));
    },
    every: (periodMs, callback) => {
      const handle = setInterval(callback, periodMs);
      return timer(handle, () => clearInterval(handle));
    },
    soon: (callback) => void setImmediate(callback),
  },
  random: Math.random,
};
