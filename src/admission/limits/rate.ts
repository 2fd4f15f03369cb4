/**
 * A token bucket: `burst` may come at once, and it fills again at `perMinute`. In any stretch of t minutes at most `burst + perMinute * t` pass.
 */
export interface Rate {
  readonly perMinute: number;
  readonly burst: number;
}

/** Time in which one token comes back. */
export const tokenMs = ({ perMinute }: Rate): number => 60_000 / perMinute;

/** What a bucket says of a taking. */
export interface Taking {
  readonly isAllowed: boolean;
  /** When the bucket would be full: all of its state. Below now: it is full. */
  readonly fullAtMs: number;
  /** Whole tokens left. */
  readonly left: number;
  /** When as many as were asked will be there; 0 when they were taken, Infinity when there are never so many. */
  readonly retryMs: number;
}

/** Rounding of many small additions. */
const slackMs = 0.001;

/**
 * Takes `count` tokens of a bucket that would be full at `fullAtMs`. A refused taking leaves the bucket as it was. A negative count gives
 * tokens back. A bucket never owes more than itself, however the clock jumped.
 */
export function takeTokens(rate: Rate, fullAtMs: number, nowMs: number, count: number): Taking {
  const each = tokenMs(rate);
  const depthMs = rate.burst * each;
  const startMs = Math.min(Math.max(fullAtMs, nowMs), nowMs + depthMs);
  const wishedMs = Math.max(nowMs, startMs + count * each);
  const overMs = wishedMs - nowMs - depthMs;
  const isAllowed = overMs <= slackMs;
  const endMs = isAllowed ? wishedMs : startMs;
  const left = Math.max(0, Math.floor((depthMs - (endMs - nowMs) + slackMs) / each));
  return { isAllowed, fullAtMs: endMs, left, retryMs: isAllowed ? 0 : count > rate.burst ? Infinity : Math.ceil(overMs) };
}
