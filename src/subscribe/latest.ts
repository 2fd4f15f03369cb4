import type { PartitionLog } from '../hub/topic-log.js';
import { keepsLatest } from '../routing/latest-rule.js';
import { isSameEvent, uniteEvent } from '../routing/merge-events.js';
import type { RoutedEvent } from '../routing/routed-event.js';
import type { Clock } from '../std/clock.js';
import type { ReplayWindow } from '../window/replay-window.js';
import type { ResolvedSubscription } from './resolve-subscription.js';
import type { StartingPoint } from './starting-point.js';

/** So many of a channel's newest events in memory are looked through for one whose route keeps the latest. */
const lookedThroughMax = 16;

/**
 * Moves a start to the present state of its channels, where their latest event is kept: that event first, then everything above the `high` that
 * it was read with. Only in `partitions`. What the window does not know may be in this node's memory, or in a log that keeps the current state;
 * when nobody can know it, the reader is told.
 */
export async function addPresentState(
  start: StartingPoint,
  latest: ResolvedSubscription['latest'],
  partitions: readonly PartitionLog[],
  window: ReplayWindow | null,
  clock: Clock,
): Promise<readonly RoutedEvent[]> {
  const events: RoutedEvent[] = [];
  for (const partition of partitions) {
    const channels = latest.get(partition.topic.topic);
    if (channels !== undefined) events.push(...(await addLatest(start, partition, channels, window, clock.nowMs())));
  }
  return events;
}

async function addLatest(
  start: StartingPoint,
  partition: PartitionLog,
  channels: readonly string[],
  window: ReplayWindow | null,
  nowMs: number,
): Promise<readonly RoutedEvent[]> {
  const answer = await window?.latest(partition.topic.topic, partition.partition, channels).catch(() => null);
  const high = answer?.high ?? null;
  const at = high ?? start.at.get(partition) ?? partition.tail;
  const events: RoutedEvent[] = [];
  let isLost = false;
  for (const [i, channel] of channels.entries()) {
    const found = high === null ? undefined : answer?.channels[i];
    if (found?.kind === 'none') continue;
    // Memory that ends below `at` may lack the newest.
    const event = found?.kind === 'event' ? found.event : partition.tail < at ? null : findInMemory(partition, channel, nowMs);
    if (event === null) isLost = true;
    // One above `at` comes by itself: everything above is read.
    else if (event.offset <= at) addOnce(events, event);
  }
  if (isLost && partition.topic.latestIsInLog) {
    // The log holds the state of every key: it is read from its beginning, as any replay is.
    start.at.set(partition, -1);
    return [];
  }
  if (isLost) start.tell('store-lost', 'fabric', partition);
  start.at.set(partition, at);
  return events;
}

/** The latest event of several channels is one event; a window finds it under each. */
function addOnce(events: RoutedEvent[], event: RoutedEvent): void {
  const at = events.findIndex((other) => isSameEvent(event, other));
  if (at < 0) events.push(event);
  else events[at] = uniteEvent(events[at] as RoutedEvent, event);
}

/** The channel's latest event, if it has come lately: memory has everything that came since it began. Null: it is older, or its lifetime is over. */
function findInMemory({ recent }: PartitionLog, channel: string, nowMs: number): RoutedEvent | null {
  const newest = recent.newest(channel, lookedThroughMax).findLast(({ latest }) => latest !== null && keepsLatest(latest, channel));
  return newest !== undefined && newest.timestampMs + (newest.latest?.ttlMs ?? 0) > nowMs ? newest : null;
}
