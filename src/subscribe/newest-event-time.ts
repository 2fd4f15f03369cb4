import type { PartitionLog } from '../hub/topic-log.js';
import { matchesFilter, type EventFilter } from '../routing/filter.js';
import type { NewestEntry, ReplayWindow } from '../window/replay-window.js';
import type { ResolvedSubscription } from './resolve-subscription.js';

/** So many of the newest events are looked at for one that passes the filter. */
const lookedAtMax = 16;

/**
 * The record time of the newest event that a subscription has had, or could have: from memory, else from the window, else the latest event that
 * is kept. Null: none of them knows one, so it is unknown or older than they reach. A window that does not answer knows nothing.
 */
export async function findNewestEventMs(
  { subscription: { channels, filter } }: ResolvedSubscription,
  partitions: Iterable<PartitionLog>,
  window: ReplayWindow | null,
): Promise<number | null> {
  const times = await Promise.all(
    [...partitions].flatMap((partition) => channels.map((channel) => newestOfChannel(filter, partition, channel, window))),
  );
  return newestOf(times);
}

const newestOf = (times: readonly (number | null)[]): number | null =>
  times.reduce((newest, time) => (time === null || (newest !== null && newest >= time) ? newest : time), null);

async function newestOfChannel(
  filter: EventFilter,
  partition: PartitionLog,
  channel: string,
  window: ReplayWindow | null,
): Promise<number | null> {
  const { topic } = partition.topic;
  const timeOf = (entries: readonly NewestEntry[]): number | null =>
    entries.findLast((entry) => matchesFilter(filter, entry))?.timestampMs ?? null;
  const inMemory = timeOf(partition.recent.newest(channel, lookedAtMax));
  if (inMemory !== null || window === null) return inMemory;
  const query = { topic, partition: partition.partition, channel, countMax: lookedAtMax };
  const inWindow = timeOf(await window.newest(query).catch(() => []));
  if (inWindow !== null) return inWindow;
  const kept = await window.latest(topic, partition.partition, [channel]).catch(() => null);
  const [answer] = kept?.channels ?? [];
  return answer?.kind === 'event' && matchesFilter(filter, answer.event) ? answer.event.timestampMs : null;
}
