import { dependedNow } from '../hub/subscription.js';
import type { PartitionLog, TopicLog } from '../hub/topic-log.js';
import type { TopicTable } from '../hub/topic-table.js';
import type { AppendResult } from '../log/event-log.js';
import { encodePosition } from '../protocol/position.js';
import type { HomePartition, Router } from '../routing/router.js';

/**
 * The position of a reader of the channel that has had the published event. On a keyed topic that is the event's own partition, and while the
 * topic has grown lately the channel's homes under its older counts; elsewhere it is all partitions. Others stand where this node's tail is.
 */
export function encodePublishedPosition(router: Router, topics: TopicTable): (channel: string, result: AppendResult) => string {
  return (channel, { topic, partition, offset }) => {
    const log = topics.get(topic);
    if (log === undefined) throw new Error(`published to ${topic}, which is not routed`);
    const homes = router.sourcesOf(channel).flatMap((source) => (source.topic === topic ? [source.home] : []));
    const others = log.isBreached || homes.includes(null) ? log.partitions() : homesLately(log, homes);
    const cursors = new Map<number, number>(others.map((other) => [other.partition, other.tail]));
    cursors.set(partition, offset);
    const partitionCount = Math.max(log.partitionCount, partition + 1);
    return encodePosition({
      clusterTag: topics.clusterTag,
      topics: [{ kind: 'offsets', tag: log.tag, partitionCount, cursors }],
      ended: false,
    });
  };
}

function homesLately(topic: TopicLog, homes: readonly (HomePartition | null)[]): PartitionLog[] {
  if (topic.firstPartitionCount === topic.partitionCount) return [];
  return dependedNow({ topic, homes: homes.filter((home) => home !== null), byTime: false });
}
