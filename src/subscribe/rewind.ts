import type { Subscription } from '../hub/subscription.js';
import type { PartitionLog } from '../hub/topic-log.js';
import { matchesFilter } from '../routing/filter.js';
import type { NewestEntry, ReplayWindow } from '../window/replay-window.js';
import { startAtTail, type StartingPoint } from './starting-point.js';

/** An event that a reader may begin at. */
export interface Candidate {
  readonly partition: PartitionLog;
  readonly entry: NewestEntry;
}

/**
 * Where a reader begins that asked for the last events of each channel: at the head, moved back in each partition to before the oldest event
 * chosen there. Only chooses a cursor: the events then come as any replay does, with ids of their own.
 */
export async function startRewound(
  subscription: Subscription,
  countMax: number,
  window: ReplayWindow | null,
  safeTimeMs: number,
): Promise<StartingPoint> {
  const start = startAtTail(subscription, safeTimeMs);
  for (const channel of subscription.channels) {
    const found = await Promise.all([...start.at.keys()].map((partition) => newestOf(subscription, channel, partition, countMax, window)));
    const newestFirst = found.flat().sort((a, b) => b.entry.timestampMs - a.entry.timestampMs || b.entry.offset - a.entry.offset);
    for (const { partition, entry } of newestFirst.slice(0, countMax)) {
      start.at.set(partition, Math.min(start.at.get(partition) ?? partition.tail, entry.offset - 1));
    }
  }
  return start;
}

/** What `recent` and the window have, each event once; a window that does not answer just has nothing. */
export async function newestOf(
  subscription: Subscription,
  channel: string,
  partition: PartitionLog,
  countMax: number,
  window: ReplayWindow | null,
): Promise<Candidate[]> {
  const query = { topic: partition.topic.topic, partition: partition.partition, channel, countMax };
  const indexed = window === null ? [] : await window.newest(query).catch(() => []);
  const byOffset = new Map<number, NewestEntry>();
  for (const entry of [...indexed, ...partition.recent.newest(channel, countMax)]) {
    if (matchesFilter(subscription.filter, entry)) byOffset.set(entry.offset, entry);
  }
  return [...byOffset.values()].map((entry) => ({ partition, entry }));
}
