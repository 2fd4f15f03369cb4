import type { Config } from '../../config/config.js';
import type { PartitionOffsets } from '../../log/event-log.js';
import { clusterTag } from '../../protocol/position.js';
import type { Position } from '../../protocol/position.js';
import type { RoutedTopic } from '../../routing/router.js';
import { withKafka } from '../with-kafka.js';

/** What the log holds of a partition now. */
export interface PartitionComparison {
  readonly low: number;
  readonly end: number;
}

export interface LogComparison {
  readonly clusterId: string;
  readonly isThisCluster: boolean;
  /** By topic tag and partition. */
  readonly partitions: ReadonlyMap<string, ReadonlyMap<number, PartitionComparison>>;
  /** What a reader with this position would be told, each as a sentence. */
  readonly problems: readonly string[];
  /** Everything behind the position can be read from the log. */
  readonly isWhole: boolean;
}

/** Asks Kafka whether it still has what comes behind a position. */
export async function compareWithLog(config: Config, position: Position, routed: ReadonlyMap<string, RoutedTopic>): Promise<LogComparison> {
  return withKafka(config, async (survey) => {
    const clusterId = await survey.clusterId();
    const isThisCluster = clusterTag(clusterId) === position.clusterTag;
    const partitions = new Map<string, ReadonlyMap<number, PartitionComparison>>();
    const problems: string[] = isThisCluster ? [] : ['it is of another Kafka cluster: gap other-cluster'];
    for (const { tag } of position.topics) {
      const topic = routed.get(tag);
      if (topic === undefined) continue;
      const offsets = await survey.offsets(topic.topic);
      if (offsets === null) problems.push(`the topic ${topic.topic} does not exist`);
      else partitions.set(tag, new Map(offsets.map(({ partition, low, end }) => [partition, { low, end }])));
      if (offsets !== null) problems.push(...problemsOf(position, tag, topic, offsets));
    }
    return { clusterId, isThisCluster, partitions, problems, isWhole: problems.length === 0 };
  });
}

function problemsOf(position: Position, tag: string, { topic }: RoutedTopic, offsets: readonly PartitionOffsets[]): readonly string[] {
  const one = position.topics.find((entry) => entry.tag === tag);
  if (one?.kind !== 'offsets') return [];
  if (offsets.length < one.partitionCount) return [`${topic} has fewer partitions than when it was written: the topic was made again`];
  return [...one.cursors].flatMap(([partition, cursor]) => {
    const at = offsets.find((known) => known.partition === partition);
    if (at === undefined) return [];
    if (cursor + 1 > at.end)
      return [`${topic}/${partition} ends at ${at.end}, before the position: gap future-position (or the topic was made again)`];
    if (cursor + 1 < at.low)
      return [`${topic}/${partition} begins at ${at.low}: ${at.low - cursor - 1} offsets behind the position are gone: gap expired`];
    return [];
  });
}
