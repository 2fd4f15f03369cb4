import type { Vouched } from './replay-window.js';
import type { WindowLifetimes } from './window-options.js';

/** All offsets up to `to` were written by `lastMs`; one mark gathers what was written within a mark's spacing from `startMs`. */
export interface Mark {
  readonly startMs: number;
  readonly lastMs: number;
  readonly to: number;
}

/** What vouches for one partition in one bucket. `redis/scripts/write-stretch.lua` is the same in Lua; times are the store's own. */
export interface VouchState {
  readonly high: number;
  readonly floor: number;
  /** The floor lapses then, unless it is renewed. */
  readonly floorUntilMs: number;
  /** Oldest first, never empty. */
  readonly marks: readonly Mark[];
  /** Latest events set after this offset are known; -1: since the beginning of the partition. */
  readonly latestSince: number;
  readonly latestSinceMs: number;
}

/** The state after a stretch (RESUME rules 10 and 11). `before` null: none was there. */
export function advanceVouch(
  before: VouchState | null,
  stretch: { readonly from: number; readonly to: number },
  nowMs: number,
  lifetimes: WindowLifetimes,
): VouchState {
  const { from, to } = stretch;
  const isHole = before === null || from > before.high + 1;
  const high = isHole ? from - 1 : before.high;
  const lapsed = isHole || before.floorUntilMs <= nowMs;
  // A hole: nothing is known of what lies between. A lapse: nobody vouched for a while, so streams may have expired.
  const floor = lapsed ? high : before.floor;
  const marks = advanceMarks(lapsed ? [] : before.marks, to > high || lapsed ? Math.max(high, to) : null, nowMs, lifetimes.markEveryMs);
  return {
    high: Math.max(high, to),
    ...ageFloor(floor, marks, nowMs - lifetimes.ageMs),
    floorUntilMs: nowMs + lifetimes.ageMs,
    latestSince: isHole ? from - 1 : before.latestSince,
    latestSinceMs: isHole ? nowMs : before.latestSinceMs,
  };
}

function advanceMarks(marks: readonly Mark[], to: number | null, nowMs: number, markEveryMs: number): readonly Mark[] {
  if (to === null) return marks;
  const last = marks.at(-1);
  if (last !== undefined && nowMs - last.startMs < markEveryMs)
    return [...marks.slice(0, -1), { startMs: last.startMs, lastMs: nowMs, to }];
  return [...marks, { startMs: nowMs, lastMs: nowMs, to }];
}

/** The floor rises to the newest mark that is older than the window. The last mark stays: marks are never empty. */
function ageFloor(floor: number, marks: readonly Mark[], olderThanMs: number): { floor: number; marks: readonly Mark[] } {
  let aged = 0;
  while (aged < marks.length && (marks[aged]?.lastMs ?? Infinity) < olderThanMs) aged += 1;
  if (aged === 0) return { floor, marks };
  return { floor: Math.max(floor, marks[aged - 1]?.to ?? floor), marks: marks.slice(Math.min(aged, marks.length - 1)) };
}

/** What the state vouches for now. */
export function vouchedBy(state: VouchState | null, nowMs: number): Vouched | null {
  return state === null ? null : { high: state.high, floor: state.floorUntilMs > nowMs ? state.floor : null };
}

/** Over several buckets: the lowest high, the highest floor; nothing unless every bucket vouches. */
export function mergeVouched(parts: readonly (Vouched | null)[]): Vouched | null {
  let merged: Vouched | null = null;
  for (const part of parts) {
    if (part === null) return null;
    if (merged === null) merged = part;
    else {
      const floor: number | null = part.floor === null || merged.floor === null ? null : Math.max(part.floor, merged.floor);
      merged = { high: Math.min(part.high, merged.high), floor };
    }
  }
  return merged;
}

/** Whether a channel without a latest event is known to have none: indexed from offset 0, or for longer than a latest event lives. */
export function isLatestKnown(since: number, sinceMs: number, nowMs: number, latestTtlMs: number | null): boolean {
  return since < 0 || (latestTtlMs !== null && nowMs - sinceMs > latestTtlMs);
}
