import type { LatestAnswer, LatestFound } from '../replay-window.js';
import { isLatestKnown } from '../vouch-rules.js';
import type { LatestReply } from './script-replies.js';

/** What one bucket answered for its channels. */
export interface BucketLatest {
  readonly channels: readonly string[];
  readonly reply: LatestReply;
}

/**
 * One answer over several buckets, at the lowest high. `isTorn`: an event lies above that high, as the buckets were read while a stretch was
 * being written; given out, it would come a second time. It is `unknown` unless a later read finds the buckets level.
 */
export function mergeLatest(
  channels: readonly string[],
  reads: readonly BucketLatest[],
  latestTtlMs: number | null,
): { readonly answer: LatestAnswer; readonly isTorn: boolean } {
  const highs = reads.map(({ reply }) => reply.high);
  const known = highs.filter((high) => high !== null);
  if (known.length < highs.length || known.length === 0) {
    return { answer: { high: null, channels: channels.map(() => ({ kind: 'unknown' })) }, isTorn: false };
  }
  const high = Math.min(...known);
  const found = new Map<string, LatestFound>();
  let isTorn = false;
  for (const { channels: group, reply } of reads) {
    const since = reply.since;
    const isKnown = since !== null && isLatestKnown(since, 0, reply.sinceAgoMs, latestTtlMs);
    group.forEach((channel, i) => {
      const latest = reply.channels[i] ?? null;
      if (latest === null) found.set(channel, { kind: isKnown ? 'none' : 'unknown' });
      // At or below a hole, a newer one may have come in the hole.
      else if (latest.event === null || latest.offset > high || latest.offset <= (since ?? -1)) found.set(channel, { kind: 'unknown' });
      else found.set(channel, { kind: 'event', event: latest.event });
      isTorn ||= latest !== null && latest.offset > high && (reply.high ?? high) > high;
    });
  }
  return { answer: { high, channels: channels.map((channel) => found.get(channel) ?? { kind: 'unknown' }) }, isTorn };
}
