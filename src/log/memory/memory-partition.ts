import type { LogRecord } from '../../protocol/log-record.js';

/** How much of a partition is kept; the oldest goes first. */
export interface MemoryRetention {
  readonly recordsMax: number;
  readonly bytesMax: number;
}

/** How much one read returns; at least one record comes whole even so. */
export interface ReadBounds {
  readonly recordsMax: number;
  readonly bytesMax: number;
}

/** Bytes that an entry costs besides its own. */
const recordOverheadBytes = 96;

function sizeOf(record: LogRecord): number {
  let bytes = recordOverheadBytes + (record.key?.length ?? 0) + (record.value?.length ?? 0);
  for (const [name, value] of Object.entries(record.headers))
    bytes += name.length + (Array.isArray(value) ? 0 : ((value as Uint8Array)?.length ?? 0));
  return bytes;
}

/** One partition: records in offset order, with offsets that hold none (as transaction markers and compaction leave them). */
export class MemoryPartition {
  readonly topic: string;
  readonly partition: number;
  private readonly retention: MemoryRetention;
  private readonly onChange: (() => void)[] = [];
  private entries: LogRecord[] = [];
  /** Index of the first entry still held. */
  private head = 0;
  private heldBytes = 0;
  private lowOffset: number;
  private endOffset: number;
  private isDeleted = false;

  constructor(topic: string, partition: number, firstOffset: number, retention: MemoryRetention) {
    this.topic = topic;
    this.partition = partition;
    this.retention = retention;
    this.lowOffset = firstOffset;
    this.endOffset = firstOffset;
  }

  get low(): number {
    return this.lowOffset;
  }

  get end(): number {
    return this.endOffset;
  }

  /** True once the topic is gone; an object of its own takes the partition's place when the topic is made again. */
  get deleted(): boolean {
    return this.isDeleted;
  }

  /** Calls back at every change until the returned function is called. */
  watch(callback: () => void): () => void {
    this.onChange.push(callback);
    return () => {
      const at = this.onChange.indexOf(callback);
      if (at >= 0) this.onChange.splice(at, 1);
    };
  }

  append(record: Omit<LogRecord, 'offset'>): number {
    const offset = this.endOffset++;
    const kept: LogRecord = { ...record, offset };
    this.entries.push(kept);
    this.heldBytes += sizeOf(kept);
    while (this.entries.length - this.head > this.retention.recordsMax || this.heldBytes > this.retention.bytesMax) {
      if (this.entries.length - this.head <= 1) break;
      this.dropOldest();
    }
    this.changed();
    return offset;
  }

  /** Passes `count` offsets without records. */
  skip(count: number): void {
    this.endOffset += count;
    this.changed();
  }

  /** Removes everything below `low`. */
  trim(low: number): void {
    const target = Math.min(low, this.endOffset);
    while (this.head < this.entries.length && this.entryAt(this.head).offset < target) this.dropOldest();
    this.lowOffset = Math.max(this.lowOffset, target);
    this.changed();
  }

  /** Removes the records for which `isSuperseded`, as compaction does: offsets and `low` stay. */
  compact(isSuperseded: (record: LogRecord) => boolean): void {
    const held = this.entries.slice(this.head).filter((record) => !isSuperseded(record));
    this.entries = held;
    this.head = 0;
    this.heldBytes = held.reduce((bytes, record) => bytes + sizeOf(record), 0);
    this.changed();
  }

  /** Removes everything at and above `end`: what an unclean leader election does. */
  truncate(end: number): void {
    while (this.entries.length > this.head && this.entryAt(this.entries.length - 1).offset >= end) {
      this.heldBytes -= sizeOf(this.entryAt(this.entries.length - 1));
      this.entries.pop();
    }
    this.endOffset = Math.min(this.endOffset, end);
    this.lowOffset = Math.min(this.lowOffset, this.endOffset);
    this.changed();
  }

  markDeleted(): void {
    this.isDeleted = true;
    this.changed();
  }

  /** Records from `from` (at least `low`) up to `to`, and the last offset covered by them. */
  read(
    from: number,
    to: number,
    bounds: ReadBounds,
  ): { readonly from: number; readonly to: number; readonly records: readonly LogRecord[] } {
    const start = Math.max(from, this.lowOffset);
    const last = Math.min(to, this.endOffset - 1);
    const records: LogRecord[] = [];
    let bytes = 0;
    for (let at = this.indexOf(start); at < this.entries.length; at++) {
      const record = this.entryAt(at);
      if (record.offset > last) break;
      bytes += sizeOf(record);
      if (records.length > 0 && (records.length >= bounds.recordsMax || bytes > bounds.bytesMax)) {
        return { from: start, to: record.offset - 1, records };
      }
      records.push(record);
    }
    return { from: start, to: Math.max(last, start - 1), records };
  }

  /** First offset whose record time is at or after `timestampMs`; the end where there is none. */
  offsetAtTime(timestampMs: number): number {
    for (let at = this.head; at < this.entries.length; at++) {
      if (this.entryAt(at).timestampMs >= timestampMs) return this.entryAt(at).offset;
    }
    return this.endOffset;
  }

  private entryAt(index: number): LogRecord {
    const entry = this.entries[index];
    if (entry === undefined) throw new RangeError(`no entry ${index}`);
    return entry;
  }

  private indexOf(offset: number): number {
    let left = this.head;
    let right = this.entries.length;
    while (left < right) {
      const middle = (left + right) >>> 1;
      if (this.entryAt(middle).offset < offset) left = middle + 1;
      else right = middle;
    }
    return left;
  }

  private dropOldest(): void {
    const gone = this.entryAt(this.head);
    // The slot must not keep the record alive until the array is cut.
    this.entries[this.head] = undefined as never;
    this.head++;
    this.heldBytes -= sizeOf(gone);
    this.lowOffset = gone.offset + 1;
    if (this.head > 1_024 && this.head * 2 > this.entries.length) {
      this.entries = this.entries.slice(this.head);
      this.head = 0;
    }
  }

  private changed(): void {
    for (const callback of [...this.onChange]) callback();
  }
}
