import type { LogRecord } from '../../protocol/log-record.js';
import { LogError } from '../event-log.js';
import { MemoryGroup } from './memory-group.js';
import { MemoryPartition } from './memory-partition.js';
import type { MemoryRetention } from './memory-partition.js';

/** A topic of the memory log. */
export interface MemoryTopic {
  readonly name: string;
  readonly compacted: boolean;
  readonly retentionMs: number | null;
  readonly partitions: MemoryPartition[];
}

export interface MemoryTopicOptions {
  readonly partitionCount: number;
  /** Offset that the first record of each partition gets. Default 0. */
  readonly firstOffset?: number;
  /** Told by `describe`; nothing is compacted by itself. Default false. */
  readonly compacted?: boolean;
  /** Told by `describe`; nothing expires by time. Default null. */
  readonly retentionMs?: number | null;
}

/**
 * What several memory logs of one process share: the topics and the groups. One log alone makes its own; a simulation of several nodes
 * gives the same broker to each node's log. Also the controls by which tests do to a log what operators and time do to Kafka.
 */
export class MemoryBroker {
  readonly clusterId: string;
  private readonly retention: MemoryRetention;
  private readonly topicsByName = new Map<string, MemoryTopic>();
  private readonly groupsByName = new Map<string, MemoryGroup>();

  constructor(clusterId: string, retention: MemoryRetention) {
    this.clusterId = clusterId;
    this.retention = retention;
  }

  topic(name: string): MemoryTopic | undefined {
    return this.topicsByName.get(name);
  }

  /** Throws a `LogError` when there is no such partition. */
  partition(topic: string, partition: number): MemoryPartition {
    const found = this.topicsByName.get(topic)?.partitions[partition];
    if (found === undefined) throw new LogError(`there is no partition ${partition} of topic "${topic}"`, false);
    return found;
  }

  group(name: string): MemoryGroup {
    let group = this.groupsByName.get(name);
    if (group === undefined)
      this.groupsByName.set(name, (group = new MemoryGroup((topic) => this.topicsByName.get(topic)?.partitions.length ?? 0)));
    return group;
  }

  /** Throws when the topic exists. */
  createTopic(name: string, options: MemoryTopicOptions): void {
    if (this.topicsByName.has(name)) throw new LogError(`topic "${name}" exists`, false);
    this.topicsByName.set(name, {
      name,
      compacted: options.compacted ?? false,
      retentionMs: options.retentionMs ?? null,
      partitions: this.makePartitions(name, 0, options.partitionCount, options.firstOffset ?? 0),
    });
    this.rebalanceGroupsOf(name);
  }

  /** Raises the partition count to `partitionCount`. */
  addPartitions(name: string, partitionCount: number): void {
    const topic = this.existing(name);
    topic.partitions.push(...this.makePartitions(name, topic.partitions.length, partitionCount, 0));
    this.rebalanceGroupsOf(name);
  }

  /** Deletes the topic with what its groups had committed. */
  deleteTopic(name: string): void {
    const topic = this.existing(name);
    this.topicsByName.delete(name);
    for (const partition of topic.partitions) partition.markDeleted();
    for (const group of this.groupsByName.values()) group.forgetTopic(name);
    this.rebalanceGroupsOf(name);
  }

  /** Removes everything below `low` in one partition, as retention does. */
  trim(topic: string, partition: number, low: number): void {
    this.partition(topic, partition).trim(low);
  }

  /** Removes everything from `end` on, as an unclean leader election does. */
  truncate(topic: string, partition: number, end: number): void {
    this.partition(topic, partition).truncate(end);
  }

  /** Passes offsets that hold no record, as transaction markers and aborted records do. */
  skipOffsets(topic: string, partition: number, count: number): void {
    this.partition(topic, partition).skip(count);
  }

  /** Keeps only the last record of each key, as compaction does; tombstones stay. */
  compact(topic: string, partition: number): void {
    const target = this.partition(topic, partition);
    const { records } = target.read(target.low, target.end, { recordsMax: Infinity, bytesMax: Infinity });
    const lastOffsets = new Map(records.map((record) => [keyText(record), record.offset]));
    target.compact((record) => record.key !== null && lastOffsets.get(keyText(record)) !== record.offset);
  }

  private existing(name: string): MemoryTopic {
    const topic = this.topicsByName.get(name);
    if (topic === undefined) throw new LogError(`there is no topic "${name}"`, false);
    return topic;
  }

  private makePartitions(name: string, from: number, to: number, firstOffset: number): MemoryPartition[] {
    return Array.from(
      { length: Math.max(0, to - from) },
      (_, index) => new MemoryPartition(name, from + index, firstOffset, this.retention),
    );
  }

  private rebalanceGroupsOf(topic: string): void {
    for (const group of this.groupsByName.values()) group.onTopicChanged(topic);
  }
}

function keyText(record: LogRecord): string | null {
  return record.key === null ? null : Buffer.from(record.key).toString('latin1');
}
