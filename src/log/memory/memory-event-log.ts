import type { Environment } from '../../std/clock.js';
import type { Logger } from '../../telemetry/logger.js';
import { LogError } from '../event-log.js';
import type {
  AppendRecord,
  AppendResult,
  EventLog,
  LogBatch,
  PartitionOffsets,
  ScanRange,
  SharedConsumer,
  SharedListener,
  Tail,
  TailListener,
  TopicDescription,
} from '../event-log.js';
import { partitionOfKey } from '../key-partition.js';
import { MemoryBroker } from './memory-broker.js';
import type { MemoryTopic } from './memory-broker.js';
import type { MemoryNode } from './memory-node.js';
import { scanMemory } from './memory-scan.js';
import { MemorySharedConsumer } from './memory-shared-consumer.js';
import { MemoryTail } from './memory-tail.js';

export interface MemoryEventLogOptions {
  /** Topics and groups to share with other logs of this process. Default: its own, with the bounds below. */
  readonly broker?: MemoryBroker;
  /** Default: another for each log. It is gone with the process, so positions in it must not look good to the next one, whose offsets begin anew. */
  readonly clusterId?: string;
  /** Records kept a partition. Default 50,000. */
  readonly partitionRecordsMax?: number;
  /** Bytes kept a partition, some 100 B an entry included. Default 16 MiB. */
  readonly partitionBytesMax?: number;
  /** Records in one batch at most. Default 500. */
  readonly batchRecordsMax?: number;
  /** Bytes in one batch at most, one record always fits. Default 1 MiB. */
  readonly batchBytesMax?: number;
  /** How often tails look for new topics and partitions. Default 500. */
  readonly metadataRefreshMs?: number;
  readonly logger?: Logger;
}

/**
 * The log in memory: the embedded default, and the base of the simulation. Bounded, deterministic (callbacks come through
 * `Environment.timers`), gone with the process. `broker` holds the controls for tests.
 */
export class MemoryEventLog implements EventLog {
  readonly broker: MemoryBroker;
  private readonly node: MemoryNode;
  private readonly tails = new Set<MemoryTail>();
  private readonly members = new Set<MemorySharedConsumer>();
  private readonly reachableWatchers = new Set<() => void>();
  private readonly keylessTurns = new Map<string, number>();
  private readonly closing = new AbortController();
  private isCutOff = false;

  constructor(options: MemoryEventLogOptions, environment: Environment) {
    this.broker =
      options.broker ??
      new MemoryBroker(options.clusterId ?? `memory-${environment.clock.nowMs()}-${environment.random()}`, {
        recordsMax: options.partitionRecordsMax ?? 50_000,
        bytesMax: options.partitionBytesMax ?? 16 * 1024 * 1024,
      });
    this.node = {
      broker: this.broker,
      environment,
      logger: options.logger ?? null,
      readBounds: { recordsMax: options.batchRecordsMax ?? 500, bytesMax: options.batchBytesMax ?? 1024 * 1024 },
      metadataRefreshMs: options.metadataRefreshMs ?? 500,
      isReachable: () => !this.isCutOff && !this.closing.signal.aborted,
      watchReachable: (callback) => {
        this.reachableWatchers.add(callback);
        return () => this.reachableWatchers.delete(callback);
      },
    };
  }

  async connect(signal?: AbortSignal): Promise<void> {
    while (!this.node.isReachable()) {
      if (signal?.aborted || this.closing.signal.aborted) throw new LogError('gave up connecting to the memory log', false);
      await new Promise<void>((resolve) => this.node.environment.timers.after(this.node.metadataRefreshMs, resolve));
    }
  }

  clusterId(): string {
    return this.broker.clusterId;
  }

  async describe(topics: readonly string[]): Promise<ReadonlyMap<string, TopicDescription>> {
    this.refuseIfCutOff('describe topics');
    const found = topics.map((name) => this.broker.topic(name)).filter((topic) => topic !== undefined);
    return new Map(
      found.map(({ name, partitions, compacted, retentionMs }) => [
        name,
        { topic: name, partitionCount: partitions.length, compacted, retentionMs },
      ]),
    );
  }

  async ensureTopic(topic: string, partitionCount: number): Promise<boolean> {
    this.refuseIfCutOff(`create topic "${topic}"`);
    if (this.broker.topic(topic) === undefined) this.broker.createTopic(topic, { partitionCount });
    return true;
  }

  async offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    return this.topic(topic, 'ask offsets').partitions.map(({ partition, low, end }) => ({ partition, low, end }));
  }

  async offsetsAtTime(topic: string, timestampMs: number): Promise<ReadonlyMap<number, number>> {
    return new Map(this.topic(topic, 'ask offsets').partitions.map((source) => [source.partition, source.offsetAtTime(timestampMs)]));
  }

  tail(topics: readonly string[], listener: TailListener): Tail {
    const tail = new MemoryTail(this.node, topics, listener);
    this.tails.add(tail);
    return {
      stop: async () => {
        this.tails.delete(tail);
        await tail.stop();
      },
    };
  }

  scan(range: ScanRange, signal?: AbortSignal): AsyncIterable<LogBatch> {
    return scanMemory(this.node, range, signal);
  }

  share(group: string, topics: readonly string[], listener: SharedListener): SharedConsumer {
    const member = new MemorySharedConsumer(this.node, this.broker.group(group), topics, listener);
    this.members.add(member);
    return {
      stop: async () => {
        this.members.delete(member);
        await member.stop();
      },
    };
  }

  async append(records: readonly AppendRecord[]): Promise<readonly AppendResult[]> {
    // All partitions are chosen before anything is written, so that a refusal leaves nothing behind.
    const targets = records.map((record) => ({ record, ...this.targetOf(record) }));
    return targets.map(({ record, topic, partition }) => {
      const offset = this.broker.partition(topic, partition).append({
        timestampMs: record.timestampMs ?? this.node.environment.clock.nowMs(),
        key: toBytes(record.key),
        value: toBytes(record.value),
        headers: Object.fromEntries(Object.entries(record.headers ?? {}).map(([name, value]) => [name, Buffer.from(value)])),
      });
      return { topic, partition, offset };
    });
  }

  async close(): Promise<void> {
    this.closing.abort();
    const stopping = [...this.tails, ...this.members].map((part) => part.stop());
    this.tails.clear();
    this.members.clear();
    await Promise.all(stopping);
  }

  /** Cuts this log off from its broker, or joins it again. A control for tests. */
  setReachable(reachable: boolean): void {
    if (this.isCutOff !== reachable) return;
    this.isCutOff = !reachable;
    for (const callback of [...this.reachableWatchers]) callback();
  }

  /** What kill -9 does: no callback any more, at once; group memberships lapse after `sessionTimeoutMs`. A control for tests. */
  crash(sessionTimeoutMs: number): void {
    this.closing.abort();
    for (const tail of this.tails) void tail.stop();
    for (const member of this.members) {
      member.abandon();
      this.node.environment.timers.after(sessionTimeoutMs, () => member.leaveGroup());
    }
    this.tails.clear();
    this.members.clear();
  }

  private targetOf(record: AppendRecord): { readonly topic: string; readonly partition: number } {
    const { partitions } = this.topic(record.topic, 'append');
    if (record.partition !== undefined) {
      if (record.partition >= partitions.length)
        throw new LogError(`there is no partition ${record.partition} of topic "${record.topic}"`, false);
      return { topic: record.topic, partition: record.partition };
    }
    const key = toBytes(record.key);
    if (key !== null) return { topic: record.topic, partition: partitionOfKey(key, partitions.length, record.partitionHash) };
    const turn = this.keylessTurns.get(record.topic) ?? 0;
    this.keylessTurns.set(record.topic, turn + 1);
    return { topic: record.topic, partition: turn % partitions.length };
  }

  private topic(name: string, what: string): MemoryTopic {
    this.refuseIfCutOff(what);
    const topic = this.broker.topic(name);
    if (topic === undefined) throw new LogError(`could not ${what}: there is no topic "${name}"`, false);
    return topic;
  }

  private refuseIfCutOff(what: string): void {
    if (!this.node.isReachable())
      throw new LogError(`could not ${what}: the memory log is cut off or closed`, !this.closing.signal.aborted);
  }
}

/** A copy: what the caller does to its buffer later must not change the log. */
function toBytes(value: Uint8Array | string | null): Uint8Array | null {
  return value === null ? null : typeof value === 'string' ? Buffer.from(value) : Buffer.from(value);
}
