import type { Timer } from '../../std/clock.js';
import type { Tail, TailListener } from '../event-log.js';
import type { MemoryNode } from './memory-node.js';
import type { MemoryPartition } from './memory-partition.js';

interface Followed {
  source: MemoryPartition;
  next: number;
  unwatch: () => void;
}

/** A tail of the memory log. Every callback comes from `timers.soon` or a timer, never from inside an append. */
export class MemoryTail implements Tail {
  private readonly node: MemoryNode;
  private readonly topics: readonly string[];
  private readonly listener: TailListener;
  private readonly followed = new Map<string, Followed[]>();
  private readonly toldCounts = new Map<string, number>();
  private readonly refreshTimer: Timer;
  private readonly unwatchReachable: () => void;
  private isStarted = false;
  private isStopped = false;
  private isPumpScheduled = false;

  constructor(node: MemoryNode, topics: readonly string[], listener: TailListener) {
    this.node = node;
    this.topics = [...new Set(topics)];
    this.listener = listener;
    this.refreshTimer = node.environment.timers.every(node.metadataRefreshMs, () => this.refresh());
    this.unwatchReachable = node.watchReachable(() => this.onReachable());
    node.environment.timers.soon(() => this.start());
  }

  stop(): Promise<void> {
    this.isStopped = true;
    this.refreshTimer.cancel();
    this.unwatchReachable();
    for (const partitions of this.followed.values()) for (const { unwatch } of partitions) unwatch();
    return Promise.resolve();
  }

  private start(): void {
    if (this.isStopped || this.isStarted || !this.node.isReachable()) return;
    this.isStarted = true;
    this.discover(true);
    this.listener.onHealth({ delivering: true, reason: 'the memory log answers' });
    this.schedulePump();
  }

  private onReachable(): void {
    this.node.environment.timers.soon(() => {
      if (this.isStopped) return;
      if (!this.node.isReachable()) return this.listener.onHealth({ delivering: false, reason: 'the memory log is cut off' });
      if (!this.isStarted) return this.start();
      this.listener.onHealth({ delivering: true, reason: 'the memory log answers' });
      this.refresh();
      this.schedulePump();
    });
  }

  private refresh(): void {
    if (this.isStopped || !this.isStarted || !this.node.isReachable()) return;
    const askedAtTickMs = this.node.environment.clock.tickMs();
    const changed = this.discover(false);
    for (const [topic, count] of this.toldCounts) {
      if (!changed.has(topic) && this.node.broker.topic(topic)?.partitions.length === count) {
        this.listener.onPartitionCountConfirmed(topic, count, askedAtTickMs);
      }
    }
  }

  /** Follows what is new, notices what was made again; the topics whose count changed. */
  private discover(isFirst: boolean): ReadonlySet<string> {
    const changed = new Set<string>();
    for (const topic of this.topics) {
      const now = this.node.broker.topic(topic)?.partitions;
      if (now === undefined) continue;
      const followed = this.followed.get(topic) ?? [];
      this.followed.set(topic, followed);
      for (const partition of followed) this.noticeReset(topic, partition);
      const added = now.slice(followed.length).map((source) => this.follow(followed, source, isFirst ? source.end : source.low));
      if (added.length === 0 && this.toldCounts.get(topic) === now.length) continue;
      this.toldCounts.set(topic, now.length);
      changed.add(topic);
      this.listener.onPartitions(
        topic,
        now.length,
        added.map(({ source, next }) => ({ partition: source.partition, next })),
      );
    }
    if (changed.size > 0) this.schedulePump();
    return changed;
  }

  private follow(followed: Followed[], source: MemoryPartition, next: number): Followed {
    const entry: Followed = { source, next, unwatch: source.watch(() => this.schedulePump()) };
    followed.push(entry);
    return entry;
  }

  /** The topic was deleted and made again, or the partition was cut below what was read. */
  private noticeReset(topic: string, entry: Followed): void {
    const now = this.node.broker.topic(topic)?.partitions[entry.source.partition];
    if (now === undefined || (now === entry.source && now.end >= entry.next)) return;
    if (now !== entry.source) {
      entry.unwatch();
      entry.unwatch = now.watch(() => this.schedulePump());
      entry.source = now;
    }
    entry.next = now.low;
    this.listener.onReset(topic, now.partition, now.low);
  }

  private schedulePump(): void {
    if (this.isPumpScheduled || this.isStopped || !this.isStarted) return;
    this.isPumpScheduled = true;
    this.node.environment.timers.soon(() => {
      this.isPumpScheduled = false;
      this.pump();
    });
  }

  /** One batch of every partition that has one. */
  private pump(): void {
    if (this.isStopped || !this.node.isReachable()) return;
    let isMoreLeft = false;
    for (const [topic, partitions] of this.followed) {
      for (const entry of partitions) {
        if (entry.source.deleted || entry.source.end < entry.next) this.noticeReset(topic, entry);
        if (entry.source.deleted || entry.source.end <= entry.next) continue;
        const { from, to, records } = entry.source.read(entry.next, Infinity, this.node.readBounds);
        const end = entry.source.end;
        entry.next = to + 1;
        isMoreLeft ||= end > entry.next;
        this.listener.onBatch({ topic, partition: entry.source.partition, from, to, records, end });
        if (this.isStopped) return;
      }
    }
    if (isMoreLeft) this.schedulePump();
  }
}
