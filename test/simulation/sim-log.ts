import type { EventLog, LogBatch, PartitionOffsets, ScanRange, TopicDescription } from '../../src/log/event-log.js';
import type { LogRecord } from '../../src/protocol/log-record.js';

/** One partition: a record an offset, or null for an offset without one (a transaction marker, an aborted or compacted record). */
export interface SimPartition {
  low: number;
  records: (LogRecord | null)[];
}

/** The log as the simulation needs it: offsets without records, retention, growth, topics made again; readers are driven by the world. */
export class SimLog {
  readonly topics = new Map<string, SimPartition[]>();
  readonly compacted = new Set<string>();
  isAway = false;
  /** What a broker answers that is asked for the topic's partition count: now and then, what was true before. */
  countTold: (topic: string, count: number) => number = (_, count) => count;
  /** Batches that one scan step returns hold at most so many offsets. */
  readonly #stepOffsets: () => number;

  constructor(stepOffsets: () => number) {
    this.#stepOffsets = stepOffsets;
  }

  partition(topic: string, partition: number): SimPartition {
    const found = this.topics.get(topic)?.[partition];
    if (found === undefined) throw new Error(`no ${topic}-${partition}`);
    return found;
  }

  end(topic: string, partition: number): number {
    return this.partition(topic, partition).records.length;
  }

  /** The stretch that a fetch at `from` returns, at most `offsetsMax` long; null when there is nothing. */
  fetch(topic: string, partition: number, from: number, offsetsMax: number): LogBatch | null {
    const { low, records } = this.partition(topic, partition);
    const start = Math.max(from, low);
    const to = Math.min(records.length, start + offsetsMax) - 1;
    if (to < start) return null;
    return {
      topic,
      partition,
      from: start,
      to,
      records: records.slice(start, to + 1).filter((record) => record !== null),
      end: records.length,
    };
  }

  /** The reading side of the port, for the parts that ask the log. */
  asEventLog(): EventLog {
    const offsets = async (topic: string): Promise<readonly PartitionOffsets[]> => {
      this.#refuseIfAway();
      return (this.topics.get(topic) ?? []).map(({ low, records }, partition) => ({ partition, low, end: records.length }));
    };
    const offsetsAtTime = async (topic: string, timestampMs: number): Promise<ReadonlyMap<number, number>> => {
      this.#refuseIfAway();
      return new Map((this.topics.get(topic) ?? []).map((partition, number) => [number, firstAtOrAfter(partition, timestampMs)]));
    };
    const describe = async (topics: readonly string[]): Promise<ReadonlyMap<string, TopicDescription>> => {
      this.#refuseIfAway();
      return new Map(
        topics.map((topic) => {
          const partitionCount = this.countTold(topic, this.topics.get(topic)?.length ?? 0);
          return [topic, { topic, partitionCount, compacted: this.compacted.has(topic), retentionMs: null }];
        }),
      );
    };
    const unused = (): never => {
      throw new Error('the world drives this itself');
    };
    return {
      connect: async () => undefined,
      clusterId: () => 'sim',
      describe,
      ensureTopic: async () => true,
      offsets,
      offsetsAtTime,
      tail: unused,
      share: unused,
      append: unused,
      close: async () => undefined,
      scan: (range) => this.#scan(range),
    };
  }

  async *#scan({ topic, partition, from, to }: ScanRange): AsyncIterable<LogBatch> {
    let next = from;
    while (next <= to) {
      await Promise.resolve();
      this.#refuseIfAway();
      const batch = this.fetch(topic, partition, next, Math.min(this.#stepOffsets(), to - next + 1));
      if (batch === null) return;
      yield batch;
      next = batch.to + 1;
    }
  }

  #refuseIfAway(): void {
    if (this.isAway) throw new Error('the log is away');
  }
}

function firstAtOrAfter({ low, records }: SimPartition, timestampMs: number): number {
  for (let offset = low; offset < records.length; offset++) {
    const record = records[offset];
    if (record !== null && record !== undefined && record.timestampMs >= timestampMs) return offset;
  }
  return records.length;
}
