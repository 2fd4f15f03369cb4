import { Cursor, CursorShape, type CursorTopic } from './cursor.js';
import { dependedPartitions, type SubscriptionSource } from './subscription.js';
import type { PartitionLog } from './topic-log.js';

/** The cursor with more partitions in it, each where `cursorOf` says; those that it has already stay as they are. */
export function widenTo(
  cursor: Cursor,
  more: readonly PartitionLog[],
  cursorOf: (partition: PartitionLog) => number,
  clusterTag: string,
): Cursor {
  const at = new Map<PartitionLog, number>(more.map((partition) => [partition, cursorOf(partition)]));
  for (const [i, partition] of cursor.partitions.entries()) at.set(partition, cursor.at[i] as number);
  const topics = new Map<string, CursorTopic>(cursor.shape.topics);
  for (const { topic } of at.keys()) {
    const known = topics.get(topic.topic);
    const partitionCount = Math.max(known?.partitionCount ?? 0, topic.partitionCount);
    topics.set(topic.topic, { tag: topic.tag, partitionCount, byTime: known?.byTime ?? false });
  }
  return createCursor(clusterTag, at, topics, cursor.timeMs);
}

/** The cursor after one of its topics has grown: the partitions that its channels may be in now, new ones from their beginning. */
export function widenForGrowth(cursor: Cursor, source: SubscriptionSource, clusterTag: string): Cursor {
  const { topic } = source;
  const before = cursor.shape.topics.get(topic.topic)?.partitionCount ?? topic.firstPartitionCount;
  const depended = dependedPartitions(source, Math.min(before, topic.partitionCount), topic.partitionCount);
  return widenTo(cursor, depended, (partition) => topic.cursorBeforeGrowth(partition.partition), clusterTag);
}

/** Builds a cursor from what each partition is at. */
export function createCursor(
  clusterTag: string,
  at: ReadonlyMap<PartitionLog, number>,
  topics: ReadonlyMap<string, CursorTopic>,
  timeMs: number,
): Cursor {
  const partitions = [...at.keys()].sort((a, b) => a.serial - b.serial);
  const shape = new CursorShape(clusterTag, partitions, topics);
  return new Cursor(
    shape,
    partitions.map((partition) => at.get(partition) as number),
    timeMs,
  );
}
