import type { LeaseState } from './leases.js';

/**
 * The rule of places a user, which `redis/scripts/acquire-stream.lua` and `judge-stream.lua` keep too.
 *
 * Below the limit a stream is `held`. At the limit a new one is refused, but one that *comes back* (tab switched, node restarted or killed, so
 * that its old place is perhaps still counted) is let in as an `overlap`, while all together are fewer than twice the limit. `overlapMs` later
 * it is judged: kept if fewer than `limit` of the user's streams are older than it, else closed; and after such a verdict the user gets no
 * overlap for three times `overlapMs`.
 *
 * Why that cannot be used to hold more than the limit for longer than `overlapMs`: take any streams of one user that are all older than that, and of
 * those the youngest. If it was `held` from the start, all the others were counted then and were fewer than `limit`. If it was an overlap, it was
 * judged, and all the others were older and fewer than `limit`. So never more than `limit` streams are older than `overlapMs`, and never more than
 * twice `limit` are open at all.
 *
 * What remains: somebody may rotate, opening young streams as fast as he closes old ones, and so have up to twice the limit open, none of the surplus
 * for longer than `overlapMs`, each for a token of the connect rate. Whoever does not close old ones is found by the first verdict and has no surplus
 * for the next two overlap times at least. (Verdicts may be late by the time that the store takes to answer. While the store is away `limit` is that of
 * each node.)
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
