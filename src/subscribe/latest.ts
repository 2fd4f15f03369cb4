import type { PartitionLog } from '../hub/topic-log.js';
import type { RoutedEvent } from '../routing/routed-event.js';
import type { ReplayWindow } from '../window/replay-window.js';
import type { ResolvedSubscription } from './resolve-subscription.js';
import type { StartingPoint } from './starting-point.js';

/**
 * Moves a start to the present state of its channels, where their latest event is kept: that event first, then everything above the `high` that
 * it was read with. Only in `partitions`. When nobody can know the present state, the reader is told.
 */
export async function addPresentState(
  start: StartingPoint,
  latest: ResolvedSubscription['latest'],
  partitions: readonly PartitionLog[],
  window: ReplayWindow | null,
): Promise<readonly RoutedEvent[]> {
  const events: RoutedEvent[] = [];
  for (const partition of partitions) {
    const channels = latest.get(partition.topic.topic);
    if (channels !== undefined) await addLatest(start, events, partition, channels, window);
  }
  return events;
}

async function addLatest(
  start: StartingPoint,
  events: RoutedEvent[],
  partition: PartitionLog,
  channels: readonly string[],
  window: ReplayWindow | null,
): Promise<void> {
  const answer = await window?.latest(partition.topic.topic, partition.partition, channels).catch(() => null);
  const isKnown = answer !== null && answer !== undefined && answer.high !== null;
  if (partition.topic.latestIsInLog && (!isKnown || answer.channels.some(({ kind }) => kind === 'unknown'))) {
    // The log holds the state of every key: it is read from its beginning, as any replay is.
    start.at.set(partition, -1);
    return;
  }
  if (!isKnown) return start.tell('store-lost', partition);
  start.at.set(partition, answer.high);
  for (const found of answer.channels) {
    if (found.kind === 'event') events.push(found.event);
    else if (found.kind === 'unknown') start.tell('store-lost', partition);
  }
}
