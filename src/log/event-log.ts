import type { LogRecord } from '../protocol/log-record.js';
import type { PartitionHash } from './key-partition.js';

/**
 * The port to the only log. Offsets are JavaScript numbers: Kafka would need 285 years at a million records a second to pass 2^53 in one partition.
 *
 * Words: `end` is the offset that the next record will get; `low` the first offset still held; a cursor is the last offset had (so `end - 1` at the head).
 */

/**
 * A stretch of one partition. Progress is the fetch position, not the last record: transaction markers, aborted and compacted records
 * leave offsets without records, and a stretch may hold no record at all.
 */
export interface LogBatch {
  readonly topic: string;
  readonly partition: number;
  /** First offset asked for: one past the previous batch's `to`, unless there is a hole. */
  readonly from: number;
  /** Last offset covered; `to >= from - 1`. */
  readonly to: number;
  /** In offset order, all within [from, to]. */
  readonly records: readonly LogRecord[];
  /** The partition's end when this was fetched, for lag. */
  readonly end: number;
}

export interface PartitionOffsets {
  readonly partition: number;
  readonly low: number;
  readonly end: number;
}

export interface TopicDescription {
  readonly topic: string;
  readonly partitionCount: number;
  /** `cleanup.policy` contains `compact`, or cannot be known: the log proves nothing about what was there below its tail. */
  readonly compacted: boolean;
  /** `retention.ms`; null when unlimited or unknown. */
  readonly retentionMs: number | null;
}

/** What a tail tells. All callbacks are synchronous and must return quickly: one slow call stalls every partition of a broker. */
export interface TailListener {
  /**
   * Partitions that the tail now follows, before their first batch. At start `next` is the log end as asked before the first fetch; a partition
   * added later starts at its low end. `partitionCount` is the topic's whole count now.
   */
  onPartitions(topic: string, partitionCount: number, added: readonly { readonly partition: number; readonly next: number }[]): void;
  /** The count was looked at and had not changed since; `askedAtTickMs` is when the question left. */
  onPartitionCountConfirmed(topic: string, partitionCount: number, askedAtTickMs: number): void;
  /** A stretch. `batch.from` above the expected offset is a hole: what lies between was lost to this tail (retention, an outage longer than it). */
  onBatch(batch: LogBatch): void;
  /** The partition's end fell below what was already read: the topic was deleted and made again, or truncated. The tail goes on from `low`. */
  onReset(topic: string, partition: number, low: number): void;
  /** Whether fetches are being answered, with a reason for people. */
  onHealth(health: TailHealth): void;
}

export interface TailHealth {
  readonly delivering: boolean;
  readonly reason: string;
}

/** A running tail of whole topics. */
export interface Tail {
  /** Stops and resolves when no callback will come any more. */
  stop(): Promise<void>;
}

/** A range of one partition, `from` to `to` inclusive. */
export interface ScanRange {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** Members of a shared group divide the partitions; each callback is awaited, so a member goes at the pace of its writes. */
export interface SharedListener {
  /** Partitions given to this member. Returns for each where to start (`next`), given the group's committed offset (null: none). */
  onAssigned(
    assigned: readonly AssignedPartition[],
  ): Promise<readonly { readonly topic: string; readonly partition: number; readonly next: number }[]>;
  /** Partitions taken away. Batches under way may still finish; their commits are refused by the broker. */
  onRevoked(): void;
  /**
   * One stretch; the offset `batch.to + 1` is committed after the promise resolves. Rejection is retried with backoff from the same place.
   * `isStale()` becomes true when the partition was taken away meanwhile. An empty stretch (`records` empty) still carries progress.
   */
  onBatch(batch: LogBatch, isStale: () => boolean): Promise<void>;
}

export interface AssignedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly committed: number | null;
  readonly low: number;
  readonly end: number;
}

export interface SharedConsumer {
  /** Leaves the group after the batch under way. */
  stop(): Promise<void>;
}

export interface AppendRecord {
  readonly topic: string;
  readonly key: Uint8Array | string | null;
  readonly value: Uint8Array | string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** Absent: chosen by the key. */
  readonly partition?: number;
  /** How the key chooses; default murmur2. */
  readonly partitionHash?: PartitionHash;
  readonly timestampMs?: number;
}

export interface AppendResult {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** The log. Every method rejects with a `LogError` that says what was asked; `connect` alone waits for as long as it takes. */
export interface EventLog {
  /** Waits until the log answers (retries with bounded backoff, says so in the log), until `signal` aborts. */
  connect(signal?: AbortSignal): Promise<void>;
  /** Stable id of the cluster; goes into positions as a short tag. Known after `connect`. */
  clusterId(): string;
  /** Topics that exist among `topics`. */
  describe(topics: readonly string[]): Promise<ReadonlyMap<string, TopicDescription>>;
  /** Creates the topic where it is missing and may be created; false when it may not. */
  ensureTopic(topic: string, partitionCount: number): Promise<boolean>;
  /** Low and end of every partition, asked now. */
  offsets(topic: string): Promise<readonly PartitionOffsets[]>;
  /** For each partition the first offset whose record time is at or after `timestampMs`; the end where there is none. */
  offsetsAtTime(topic: string, timestampMs: number): Promise<ReadonlyMap<number, number>>;
  /** Follows every partition of `topics` from the log end, as a group of its own. A topic that does not exist yet is followed when it appears. */
  tail(topics: readonly string[], listener: TailListener): Tail;
  /**
   * Reads a range in order, under backpressure: nothing is fetched ahead of the consumer but one batch. Ends when `to` is passed (or the end of
   * the log is reached first); a first batch whose `from` is above `range.from` shows a hole. Breaking off the iteration frees the reader.
   */
  scan(range: ScanRange, signal?: AbortSignal): AsyncIterable<LogBatch>;
  /** Joins `group` for `topics`. */
  share(group: string, topics: readonly string[], listener: SharedListener): SharedConsumer;
  /**
   * Appends with acks from all in-sync replicas; results in the order given, only when all are in the log; rejects with the first failure. Records of
   * one partition are in the log in the order in which they were given, over calls too; a record is in it once or, where it failed, at most once.
   * Calls of one turn travel together: give records one by one to hear of each by itself.
   */
  append(records: readonly AppendRecord[]): Promise<readonly AppendResult[]>;
  /** Stops everything this object started. */
  close(): Promise<void>;
}

/** More of a `LogError`. */
export interface LogErrorOptions extends ErrorOptions {
  /** Default false. */
  readonly outcomeUnknown?: boolean;
}

/** The log refused or did not answer. `retriable` tells whether asking again may help. */
export class LogError extends Error {
  readonly retriable: boolean;
  /** True when nobody knows whether the record that was appended is in the log; it may still turn up, once. False: it is not, and will not be. */
  readonly outcomeUnknown: boolean;
  constructor(message: string, retriable: boolean, options?: LogErrorOptions) {
    super(message, options);
    this.name = 'LogError';
    this.retriable = retriable;
    this.outcomeUnknown = options?.outcomeUnknown ?? false;
  }
}
