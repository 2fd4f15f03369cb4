import type { PartitionLog } from '../hub/topic-log.js';
import { matchesFilter, type EventFilter } from '../routing/filter.js';
import type { RoutedEvent } from '../routing/routed-event.js';
import type { NewestEntry, ReplayWindow } from '../window/replay-window.js';
import type { LogPages } from './log-pages.js';
import type { ResolvedSubscription } from './resolve-subscription.js';

/** So many of the newest events are looked at for one that passes the filter. */
const lookedAtMax = 16;
/** So many offsets of the log are looked through for what came behind the window's last. */
const lookedThroughOffsetsMax = 20_000;

/** Where it is looked for. */
export interface NewestSources {
  readonly window: ReplayWindow | null;
  readonly logPages: Pick<LogPages, 'read'>;
}

/**
 * The record time of the newest event that a subscription has had, or could have: from memory, else the latest event that is kept, else from the
 * window. Null: none of them knows one, so it is unknown or older than they reach. A window that does not answer knows nothing; what is not in it
 * yet, nor in memory, is looked for in the log: an older event taken for the newest would end a stream before its time.
 */
export async function findNewestEventMs(
  { subscription: { channels, filter } }: ResolvedSubscription,
  partitions: Iterable<PartitionLog>,
  sources: NewestSources,
): Promise<number | null> {
  const times = await Promise.all(
    [...partitions].flatMap((partition) => channels.map((channel) => newestOfChannel(filter, partition, channel, sources))),
  );
  return newestOf(times);
}

const newestOf = (times: readonly (number | null)[]): number | null =>
  times.reduce((newest, time) => (time === null || (newest !== null && newest >= time) ? newest : time), null);

async function newestOfChannel(
  filter: EventFilter,
  partition: PartitionLog,
  channel: string,
  { window, logPages }: NewestSources,
): Promise<number | null> {
  const { topic } = partition.topic;
  const timeOf = (entries: readonly NewestEntry[]): number | null =>
    entries.findLast((entry) => matchesFilter(filter, entry))?.timestampMs ?? null;
  const inMemory = timeOf(partition.recent.newest(channel, lookedAtMax));
  if (inMemory !== null || window === null) return inMemory;
  // `high` before the window's newest: what is indexed between would be in neither otherwise.
  const kept = await window.latest(topic, partition.partition, [channel]).catch(() => null);
  if (kept?.high === null || kept?.high === undefined) return null;
  const unindexed = await inLog(logPages, partition, channel, kept.high + 1).catch(() => 'unknown' as const);
  if (unindexed === 'unknown') return null;
  const [answer] = kept.channels;
  const isNewest = answer?.kind === 'event' && matchesFilter(filter, answer.event);
  const query = { topic, partition: partition.partition, channel, countMax: lookedAtMax };
  return timeOf(unindexed) ?? (isNewest ? answer.event.timestampMs : timeOf(await window.newest(query).catch(() => [])));
}

/** The channel's events from `from` up to where memory begins. */
async function inLog(
  pages: Pick<LogPages, 'read'>,
  { topic: { topic }, partition, recent: { start } }: PartitionLog,
  channel: string,
  from: number,
): Promise<readonly RoutedEvent[] | 'unknown'> {
  if (start - from >= lookedThroughOffsetsMax) return 'unknown';
  const events: RoutedEvent[] = [];
  for (let next = from; next <= start;) {
    const answer = await pages.read(topic, partition, next, start);
    if (answer.kind === 'below-low') next = Math.max(next + 1, answer.low);
    else if (answer.page.to < next) return 'unknown';
    else {
      events.push(...(answer.page.byChannel.get(channel) ?? []).filter(({ offset }) => offset >= from && offset <= start));
      next = answer.page.to + 1;
    }
  }
  return events;
}
