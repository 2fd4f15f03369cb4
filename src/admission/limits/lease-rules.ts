import type { LeaseState } from './leases.js';

/**
 * The rule of places a user, which `redis/scripts/acquire-stream.lua` and `judge-stream.lua` keep too.
 *
 * Below the limit a stream is `held`. At the limit a new one is refused, but one that *comes back* (tab switched, node restarted or killed, so
 * that its old place is perhaps still counted) is let in as an `overlap`, while all together are fewer than twice the limit. `overlapMs` later
 * it is judged: kept if fewer than `limit` of the user's streams are older than it, else closed; and after such a verdict the user gets no
 * overlap for three times `overlapMs`.
 *
 * Why that cannot be used to hold more than the limit: take any streams of one user that are all older than `overlapMs`, and of those the
 * youngest. If it was `held` from the start, all the others were counted then and were fewer than `limit`. If it was an overlap, it was judged,
 * and all the others were older and fewer than `limit`. So never more than `limit` streams are older than `overlapMs`; there are never more than
 * twice `limit`; and as the first verdict against a user ends new overlaps, what he has too much is gone within another `overlapMs`: more than
 * `limit` at a stretch for less than twice `overlapMs`, then none for at least as long. Reconnecting in a circle therefore gains nothing that
 * lasts, and each turn costs a token of the connect rate. (Verdicts may be late by the time that the store takes to answer.)
 */
export type Placement = 'held' | 'overlap' | 'refused';

export interface PlaceQuestion {
  readonly limit: number;
  readonly overLimit: 'refuse-newest' | 'close-oldest';
  /** Streams that count, without this one. */
  readonly present: number;
  /** Streams that were told to close and have not yet. */
  readonly leaving: number;
  readonly isResume: boolean;
  readonly mayOverlap: boolean;
}

/** Where closing the oldest is the rule, those told to close may be as many as the limit: then the new one has to wait for them. */
export function placeStream({ limit, overLimit, present, leaving, isResume, mayOverlap }: PlaceQuestion): Placement {
  if (limit === 0 || present < limit) return 'held';
  if (overLimit === 'close-oldest') return leaving < limit ? 'held' : 'refused';
  return isResume && mayOverlap && present < 2 * limit ? 'overlap' : 'refused';
}

export const counts = (state: LeaseState): boolean => state !== 'leaving';
