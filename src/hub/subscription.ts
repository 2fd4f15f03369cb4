import type { HomePartition } from '../routing/router.js';
import type { EventFilter } from '../routing/filter.js';
import type { FrameFormat } from './frame-format.js';
import type { PartitionLog, TopicLog } from './topic-log.js';

/** What a reader asked for, resolved against the routes. Readers with the same `key` get the same bytes while they are live. */
export interface Subscription {
  readonly key: string;
  /** Sorted, no repeats. */
  readonly channels: readonly string[];
  readonly filter: EventFilter;
  readonly format: FrameFormat;
  /** In topic order; no topic twice. */
  readonly sources: readonly SubscriptionSource[];
}

/** What a subscription needs of one topic. */
export interface SubscriptionSource {
  readonly topic: TopicLog;
  /** Home partitions of its channels; null: some channel may be in any partition. */
  readonly homes: readonly HomePartition[] | null;
  /** Positions of this topic are record times. */
  readonly byTime: boolean;
}

/** The partitions of one source that hold the channels' events, for counts between `countMin` and `countMax`. */
export function dependedPartitions(source: SubscriptionSource, countMin: number, countMax: number): PartitionLog[] {
  const { topic, homes } = source;
  const numbers = new Set<number>();
  if (homes === null || topic.isBreached) {
    for (let partition = 0; partition < countMax; partition++) numbers.add(partition);
  } else {
    for (const home of homes) for (let count = countMin; count <= countMax; count++) numbers.add(home(count));
  }
  return [...numbers].sort((a, b) => a - b).map((partition) => topic.partition(partition));
}

/** What a fresh reader of this node depends on. */
export function dependedNow(source: SubscriptionSource): PartitionLog[] {
  const { topic } = source;
  return dependedPartitions(source, topic.firstPartitionCount, topic.partitionCount);
}

/** Whether some count that this node has seen puts the subscription's channels into the partition. */
export function isEverHome(subscription: Subscription, partition: PartitionLog): boolean {
  return subscription.sources.some((source) => source.topic === partition.topic && dependedNow(source).includes(partition));
}

/** Whether the partition count would put one of the subscription's channels into the partition. */
export function isHomeUnder(subscription: Subscription, partition: PartitionLog, partitionCount: number): boolean {
  return subscription.sources.some(
    ({ topic, homes }) => topic === partition.topic && homes?.some((home) => home(partitionCount) === partition.partition) === true,
  );
}
