import { PartitionRecent } from '../recent/partition-recent.js';

/** Someone who looks again when a partition's tail moves. */
export interface TailWaiter {
  tailMoved(): void;
}

/** One partition as this node sees it. */
export class PartitionLog {
  readonly topic: TopicLog;
  readonly partition: number;
  readonly recent = new PartitionRecent();
  /** Readers whose cursor is past this node's tail: they had more from another node, or from the window. */
  readonly ahead = new Set<TailWaiter>();
  /** Numbers the partition within the node: lists of partitions are kept in this order. */
  readonly serial: number;

  constructor(topic: TopicLog, partition: number, serial: number) {
    this.topic = topic;
    this.partition = partition;
    this.serial = serial;
  }

  get tail(): number {
    return this.recent.tail;
  }
}

/** One routed topic as this node sees it. */
export class TopicLog {
  readonly topic: string;
  /** In positions. */
  readonly tag: string;
  readonly serial: number;
  /** Some route of it is keyed. */
  readonly isKeyed: boolean;
  readonly #partitions: PartitionLog[] = [];
  #partitionCount = 0;
  #firstPartitionCount = 0;
  #demandedFrom = 0;
  #acceptedFrom = 0;
  #tailsAtConfirmation: readonly number[] | null = null;
  #tailsBeforeConfirmation: readonly number[] | null = null;
  /** A keyed topic that was found to hold records outside their home partition: its channels may be anywhere. */
  isBreached = false;
  /** What the log still has is the current state: latest events that are lost can be read from there. */
  latestIsInLog = false;

  /** Some reader looks at home partitions only. */
  hasHomeReaders = false;

  constructor(topic: string, tag: string, serial: number, isKeyed: boolean) {
    this.topic = topic;
    this.tag = tag;
    this.serial = serial;
    this.isKeyed = isKeyed;
  }

  /** How many partitions the node tails; 0 before the topic is known. */
  get partitionCount(): number {
    return this.#partitionCount;
  }

  /** Fresh readers look at the homes under every count from this one on. */
  get firstPartitionCount(): number {
    return this.#firstPartitionCount;
  }

  /** Positions of greater counts have to speak of the homes under every count from this one on; at least `firstPartitionCount`. */
  get demandedFrom(): number {
    return Math.max(this.#firstPartitionCount, Math.min(this.#demandedFrom, this.#partitionCount));
  }

  /** Records are at home under every count from this one on; under a smaller one they are strays. At least `demandedFrom`. */
  get acceptedFrom(): number {
    return Math.max(this.demandedFrom, Math.min(this.#acceptedFrom, this.#partitionCount));
  }

  /** The partition, known to the node yet or not: a position may come from a node that has seen the topic grow. */
  partition(partition: number): PartitionLog {
    return (this.#partitions[partition] ??= new PartitionLog(this, partition, this.serial * 65_536 + partition));
  }

  /** Every partition that the node tails. */
  partitions(): PartitionLog[] {
    return Array.from({ length: this.#partitionCount }, (_, partition) => this.partition(partition));
  }

  setPartitionCount(count: number): void {
    if (this.#partitionCount === 0) this.#firstPartitionCount = Math.min(this.#firstPartitionCount || count, count);
    this.#partitionCount = Math.max(this.#partitionCount, count);
  }

  /**
   * What is known of the counts that the topic had lately; each as the getter of its name says. Once the topic is tailed `firstPartitionCount`
   * does not fall: there are readers that were begun by it.
   */
  setOlderCounts(firstPartitionCount: number, demandedFrom: number, acceptedFrom: number): void {
    if (this.#partitionCount === 0) this.#firstPartitionCount = firstPartitionCount;
    else this.#firstPartitionCount = Math.max(this.#firstPartitionCount, Math.min(firstPartitionCount, this.#partitionCount));
    this.#demandedFrom = demandedFrom;
    this.#acceptedFrom = acceptedFrom;
  }

  /** The partition count was asked for and had not changed. */
  confirmPartitionCount(): void {
    this.#tailsBeforeConfirmation = this.#tailsAtConfirmation;
    this.#tailsAtConfirmation = this.partitions().map((partition) => partition.tail);
  }

  /**
   * Where a key that a larger count has moved to this partition cannot have been before: the node's tail as it was before the old count was last
   * confirmed; -1 for a partition that is new, or when nothing was confirmed twice yet.
   */
  cursorBeforeGrowth(partition: number): number {
    return this.#tailsBeforeConfirmation?.[partition] ?? -1;
  }
}
