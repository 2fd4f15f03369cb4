const firstDelayMs = 100;
const delayMsMax = 5_000;

/** Delay before retry number `attempt` (0 first): doubling from 100 ms to 5 s, jittered by ±20 %. `random` is uniform in [0, 1). */
export function backoffMs(attempt: number, random: number): number {
  return Math.min(delayMsMax, firstDelayMs * 2 ** Math.min(attempt, 10)) * (0.8 + 0.4 * random);
}
