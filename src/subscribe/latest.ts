import type { PartitionLog } from '../hub/topic-log.js';
import type { RoutedEvent } from '../routing/routed-event.js';
import type { ReplayWindow } from '../window/replay-window.js';
import type { ResolvedSubscription } from './resolve-subscription.js';
import { startAtTail, type StartingPoint } from './starting-point.js';

export interface LatestStart {
  readonly start: StartingPoint;
  readonly events: readonly RoutedEvent[];
}

/**
 * Where a reader without a position begins on channels that keep their latest event: that event first, then everything above the `high` that it
 * was read with. When nobody can know the present state, the reader is told.
 */
export async function startWithLatest(
  { subscription, latest }: ResolvedSubscription,
  window: ReplayWindow | null,
  safeTimeMs: number,
): Promise<LatestStart> {
  const start = startAtTail(subscription, safeTimeMs);
  const events: RoutedEvent[] = [];
  for (const [topic, channels] of latest) {
    const partitions = [...start.at.keys()].filter((partition) => partition.topic.topic === topic);
    for (const partition of partitions) await addLatest(start, events, partition, channels, window);
  }
  return { start, events };
}

async function addLatest(
  start: StartingPoint,
  events: RoutedEvent[],
  partition: PartitionLog,
  channels: readonly string[],
  window: ReplayWindow | null,
): Promise<void> {
  const answer = await window?.latest(partition.topic.topic, partition.partition, channels).catch(() => null);
  if (answer === null || answer === undefined || answer.high === null) return start.tell('store-lost');
  start.at.set(partition, answer.high);
  for (const found of answer.channels) {
    if (found.kind === 'event') events.push(found.event);
    else if (found.kind === 'unknown') start.tell('store-lost');
  }
}
