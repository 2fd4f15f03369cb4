import type { RoutedEvent } from '../routing/routed-event.js';
import type { WindowAnswer, WindowQuery } from './replay-window.js';
import { mergeVouched } from './vouch-rules.js';

/** One entry of a channel's stream. */
export interface StoredEntry {
  readonly offset: number;
  readonly index: number;
  /** Offset of the entry before it in the stream when it was written; null: there was none. */
  readonly prev: number | null;
  readonly bytes: number;
  /** Rebuilds the event, found in these channels. */
  toEvent(channels: readonly string[]): RoutedEvent;
}

/** The entries of one channel above the cursor, oldest first, records whole. */
export interface ChannelEntries {
  readonly channel: string;
  readonly entries: readonly StoredEntry[];
  /** The stream goes on past the last entry. */
  readonly more: boolean;
}

/** What one atomic read of one bucket found. */
export interface BucketRead {
  /** null: absent. */
  readonly high: number | null;
  /** null: absent or lapsed. */
  readonly floor: number | null;
  readonly channels: readonly ChannelEntries[];
}

/**
 * The judgement of RESUME rules 12, 13, 19 and 20, for every window: a page with U, or why nothing is proven. Complete up to U means: nothing
 * above the cursor was aged out (floor), nothing was trimmed by count (the first entry's predecessor is at or below the cursor), and every
 * asked channel was read up to U, which is never above `high` of any bucket.
 */
export function judgePage(query: WindowQuery, reads: readonly BucketRead[]): WindowAnswer {
  const vouched = mergeVouched(reads.map(({ high, floor }) => (high === null ? null : { high, floor })));
  if (vouched === null) return { kind: 'unproven', reason: 'absent', high: null };
  const { high, floor } = vouched;
  if (floor === null) return { kind: 'unproven', reason: 'absent', high };
  // Before `behind`: a floor only rises, so waiting for the indexer would be in vain.
  if (floor > query.after) return { kind: 'unproven', reason: 'below-floor', high };
  if (high <= query.after) return { kind: 'unproven', reason: 'behind', high };
  let provenTo = high;
  for (const { entries, more } of reads.flatMap((read) => read.channels)) {
    const prev = entries[0]?.prev ?? null;
    if (prev !== null && prev > query.after) return { kind: 'unproven', reason: 'trimmed', high };
    const last = entries.at(-1);
    if (more && last !== undefined) provenTo = Math.min(provenTo, last.offset);
  }
  const found = mergeEntries(query, reads, provenTo);
  const cut = cutAtBytes(found, query.bytesMax);
  if (cut < found.length) provenTo = found[cut - 1]?.entry.offset ?? provenTo;
  const events = found.slice(0, cut).map(({ entry, channels }) => entry.toEvent(channels));
  return { kind: 'page', events, provenTo, high };
}

interface Found {
  readonly entry: StoredEntry;
  readonly channels: string[];
}

/** One record of several channels becomes one event; order is (offset, index). */
function mergeEntries(query: WindowQuery, reads: readonly BucketRead[], provenTo: number): readonly Found[] {
  const byChannel = new Map(reads.flatMap((read) => read.channels.map(({ channel, entries }) => [channel, entries] as const)));
  const found = new Map<string, Found>();
  for (const channel of query.channels) {
    for (const entry of byChannel.get(channel) ?? []) {
      if (entry.offset > provenTo || entry.offset <= query.after) continue;
      const id = `${entry.offset}-${entry.index}`;
      const known = found.get(id);
      if (known === undefined) found.set(id, { entry, channels: [channel] });
      else if (!known.channels.includes(channel)) known.channels.push(channel);
    }
  }
  return [...found.values()].sort((a, b) => a.entry.offset - b.entry.offset || a.entry.index - b.entry.index);
}

/** How many of the events fit: the page ends after the record that passes the bound, so it has at least one. */
function cutAtBytes(found: readonly Found[], bytesMax: number): number {
  let bytes = 0;
  for (let i = 0; i < found.length; i += 1) {
    const entry = found[i]?.entry;
    bytes += entry?.bytes ?? 0;
    if (bytes > bytesMax && found[i + 1]?.entry.offset !== entry?.offset) return i + 1;
  }
  return found.length;
}
