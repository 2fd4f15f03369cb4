import { performance } from 'node:perf_hooks';

/** Looks nearer together than this would tell of single callbacks. */
const lookMsMin = 250;

/** Returns a function that tells which share of the last while (a quarter of a second or more) this thread's event loop was busy, 0 to 1. */
export function watchBusyShare(): () => number {
  let lookedMs = performance.now();
  let before = performance.eventLoopUtilization();
  let share = 0;
  return () => {
    const nowMs = performance.now();
    if (nowMs - lookedMs < lookMsMin) return share;
    const now = performance.eventLoopUtilization();
    share = performance.eventLoopUtilization(now, before).utilization;
    lookedMs = nowMs;
    before = now;
    return share;
  };
}
