import { entryHead, positionHead } from '../protocol/position.js';
import type { PartitionLog } from './topic-log.js';

/** One topic's part of a cursor: the count that its position vouches for. */
export interface CursorTopic {
  readonly tag: string;
  /** 0: the topic did not exist. */
  readonly partitionCount: number;
  readonly byTime: boolean;
}

/**
 * Where a reader is: for each partition that it depends on, the last offset that it has had or had filtered out. Partitions are in serial order.
 * The text form is kept in parts so that one event changes one part.
 */
export class Cursor {
  readonly partitions: readonly PartitionLog[];
  /** Parallel to `partitions`. */
  readonly at: number[];
  readonly shape: CursorShape;
  /** For topics that go by time: every record before it was had. */
  timeMs: number;
  readonly #numbers: string[];

  constructor(shape: CursorShape, at: readonly number[], timeMs: number) {
    this.shape = shape;
    this.timeMs = timeMs;
    this.partitions = shape.partitions;
    this.at = [...at];
    this.#numbers = this.at.map((cursor) => (cursor + 1).toString(36));
  }

  indexOf(partition: PartitionLog): number {
    return this.shape.indexOf(partition);
  }

  /** Length of the position once every number in it has grown to at least `digits`. */
  widthWithin(digits: number): number {
    return this.shape.write(
      this.#numbers.map((number) => number.padStart(digits, '0')),
      this.timeMs,
    ).length;
  }

  /** Puts one partition where it is told, lower too: only for a topic that began anew. */
  reset(index: number, to: number): void {
    this.at[index] = to;
    this.#numbers[index] = (to + 1).toString(36);
  }

  /** Moves one partition; a cursor never falls. */
  advance(index: number, to: number): void {
    if (to <= (this.at[index] as number)) return;
    this.at[index] = to;
    this.#numbers[index] = (to + 1).toString(36);
  }

  copy(): Cursor {
    return new Cursor(this.shape, this.at, this.timeMs);
  }

  /**
   * The position, as it goes into `id:`. `safeTimeMs` is a record time before which this node has had everything; topics that go by time take
   * it once they are at the tail, and until then keep the time that the reader began with.
   */
  text(safeTimeMs: number): string {
    if (this.shape.hasTimed && this.shape.isTimedAtTail(this.at)) this.timeMs = Math.max(this.timeMs, safeTimeMs);
    return this.shape.write(this.#numbers, this.timeMs);
  }
}

/** What of a cursor does not change as it moves: its partitions and the text between their numbers. */
export class CursorShape {
  readonly partitions: readonly PartitionLog[];
  readonly topics: ReadonlyMap<string, CursorTopic>;
  /** Equal for cursors that can share their text. */
  readonly key: string;
  /** Undefined: the partition's topic goes by time. */
  readonly #before: readonly (string | undefined)[];
  readonly #timed: readonly TimedTopic[];
  /** Entries of topics that have no partition yet. */
  readonly #after: string;

  /** `partitions` in serial order; `topics` by name. */
  constructor(clusterTag: string, partitions: readonly PartitionLog[], topics: ReadonlyMap<string, CursorTopic>) {
    this.partitions = partitions;
    this.topics = topics;
    const { before, timed, after } = writeParts(clusterTag, partitions, topics);
    this.#before = before;
    this.#timed = timed;
    this.#after = after;
    this.key = partitions.map((p, i) => `${before[i] ?? ''}${p.serial.toString(36)}`).join('') + timed.map((t) => t.head).join('') + after;
  }

  indexOf(partition: PartitionLog): number {
    const { partitions } = this;
    if (partitions.length <= 8) return partitions.indexOf(partition);
    let low = 0;
    let high = partitions.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const found = partitions[middle] as PartitionLog;
      if (found === partition) return middle;
      if (found.serial < partition.serial) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  /** True when every partition of the topics that go by time has been had up to this node's tail. */
  isTimedAtTail(at: readonly number[]): boolean {
    return this.#timed.every(({ indexes }) => indexes.every((i) => (at[i] as number) >= (this.partitions[i] as PartitionLog).tail));
  }

  get hasTimed(): boolean {
    return this.#timed.length > 0;
  }

  write(numbers: readonly string[], timeMs: number): string {
    const before = this.#before;
    if (numbers.length === 1 && this.#timed.length === 0 && this.#after === '') return (before[0] as string) + (numbers[0] as string);
    let text = '';
    for (let i = 0; i < numbers.length; i++) {
      const part = before[i];
      if (part !== undefined) text += part + (numbers[i] as string);
    }
    for (const topic of this.#timed) text += topic.head + timeMs.toString(36);
    return text + this.#after;
  }
}

interface TimedTopic {
  readonly head: string;
  readonly indexes: readonly number[];
}

function writeParts(
  clusterTag: string,
  partitions: readonly PartitionLog[],
  topics: ReadonlyMap<string, CursorTopic>,
): { before: (string | undefined)[]; timed: TimedTopic[]; after: string } {
  const before: (string | undefined)[] = [];
  const timed: TimedTopic[] = [];
  let lead = positionHead(clusterTag);
  for (let begin = 0, end = 0; begin < partitions.length; begin = end) {
    const { topic } = partitions[begin] as PartitionLog;
    const { partitionCount, byTime } = topics.get(topic.topic) as CursorTopic;
    while (end < partitions.length && partitions[end]?.topic === topic) end++;
    const head = entryHead(topic.tag, partitionCount);
    if (byTime) timed.push({ head: `${head}_`, indexes: range(begin, end) });
    const isWhole = end - begin === partitionCount && partitionCount > 1;
    for (let k = begin; k < end; k++) {
      const separator = isWhole ? (k === begin ? '~' : '-') : `-${(partitions[k] as PartitionLog).partition.toString(36)}-`;
      before.push(byTime ? undefined : (k === begin ? lead + head : '') + separator);
    }
    if (!byTime) lead = '';
  }
  const [first] = timed;
  if (lead !== '' && first !== undefined) {
    timed[0] = { ...first, head: lead + first.head };
    lead = '';
  }
  let after = lead;
  for (const { tag, partitionCount } of topics.values()) if (partitionCount === 0) after += entryHead(tag, 0);
  return { before, timed, after };
}

const range = (begin: number, end: number): number[] => Array.from({ length: end - begin }, (_, k) => begin + k);
