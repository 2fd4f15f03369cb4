import type { TopicTable } from '../hub/topic-table.js';
import type { AppendResult } from '../log/event-log.js';
import { encodePosition } from '../protocol/position.js';
import type { Router } from '../routing/router.js';

/**
 * The position of a reader of the channel that has had the published event. On a keyed topic that is the event's own partition; elsewhere other
 * partitions stand where this node's tail is.
 */
export function encodePublishedPosition(router: Router, topics: TopicTable): (channel: string, result: AppendResult) => string {
  return (channel, { topic, partition, offset }) => {
    const log = topics.get(topic);
    if (log === undefined) throw new Error(`published to ${topic}, which is not routed`);
    const isKeyed = !log.isBreached && router.sourcesOf(channel).every((source) => source.topic !== topic || source.home !== null);
    const cursors = new Map<number, number>(isKeyed ? [] : log.partitions().map((other) => [other.partition, other.tail]));
    cursors.set(partition, offset);
    const partitionCount = Math.max(log.partitionCount, partition + 1);
    return encodePosition({
      clusterTag: topics.clusterTag,
      topics: [{ kind: 'offsets', tag: log.tag, partitionCount, cursors }],
      ended: false,
    });
  };
}
