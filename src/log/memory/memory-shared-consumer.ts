import { backoffMs } from '../retry-backoff.js';
import type { SharedConsumer, SharedListener } from '../event-log.js';
import type { GroupMember, MemoryGroup, PartitionName } from './memory-group.js';
import type { MemoryNode } from './memory-node.js';
import type { MemoryPartition } from './memory-partition.js';

/** A member of a shared group over the memory log. Partitions are served side by side, each one batch at a time. */
export class MemorySharedConsumer implements SharedConsumer, GroupMember {
  readonly topics: readonly string[];
  private readonly node: MemoryNode;
  private readonly group: MemoryGroup;
  private readonly listener: SharedListener;
  private readonly wakeUps = new Set<() => void>();
  private isStopped = false;
  private hasPartitions = false;
  /** The work of earlier divisions; a new one starts after it, as a real member rejoins only then. */
  private underWay: Promise<unknown> = Promise.resolve();

  constructor(node: MemoryNode, group: MemoryGroup, topics: readonly string[], listener: SharedListener) {
    this.node = node;
    this.group = group;
    this.topics = [...new Set(topics)];
    this.listener = listener;
    node.environment.timers.soon(() => {
      if (!this.isStopped) group.join(this);
    });
  }

  assign(generation: number, partitions: readonly PartitionName[]): void {
    const hadPartitions = this.hasPartitions;
    this.hasPartitions = partitions.length > 0;
    this.wakeAll();
    this.underWay = this.underWay.then(async () => {
      if (hadPartitions && !this.isStopped) this.listener.onRevoked();
      if (partitions.length > 0) await this.serve(generation, partitions);
    });
  }

  /** Leaves after the batches under way. */
  async stop(): Promise<void> {
    this.abandon();
    await this.underWay;
    this.group.leave(this);
  }

  /** Ceases without leaving the group: what a killed process does until its session lapses. `leaveGroup` is that lapse. */
  abandon(): void {
    this.isStopped = true;
    this.wakeAll();
  }

  leaveGroup(): void {
    this.group.leave(this);
  }

  private async serve(generation: number, names: readonly PartitionName[]): Promise<void> {
    const isStale = (): boolean => this.isStopped || this.group.generation !== generation;
    const sources = new Map<string, MemoryPartition>();
    for (const { topic, partition } of names) {
      const source = this.node.broker.topic(topic)?.partitions[partition];
      if (source !== undefined) sources.set(`${partition}/${topic}`, source);
    }
    const starts = await this.retrying(isStale, 'take up its partitions', () =>
      this.listener.onAssigned(
        [...sources.values()].map(({ topic, partition, low, end }) => {
          return { topic, partition, committed: this.group.committedOf({ topic, partition }), low, end };
        }),
      ),
    );
    if (starts === null) return;
    await Promise.all(
      starts.map((start) => {
        const source = sources.get(`${start.partition}/${start.topic}`);
        return source === undefined ? Promise.resolve() : this.follow(generation, source, start.next, isStale);
      }),
    );
  }

  private async follow(generation: number, source: MemoryPartition, first: number, isStale: () => boolean): Promise<void> {
    let next = first > source.end ? source.low : first;
    while (!isStale()) {
      if (source.end < next) next = source.low;
      if (source.end <= next || !this.node.isReachable()) {
        await this.changed(source);
        continue;
      }
      await new Promise<void>((resolve) => this.node.environment.timers.soon(resolve));
      if (isStale() || !this.node.isReachable()) continue;
      const read = source.read(next, Infinity, this.node.readBounds);
      const batch = { topic: source.topic, partition: source.partition, ...read, end: source.end };
      const done = await this.retrying(isStale, 'write a batch', async () => {
        await this.listener.onBatch(batch, isStale);
        return true;
      });
      if (done === null) return;
      next = batch.to + 1;
      this.group.commit(generation, source, next);
    }
  }

  /** Null when the division was over before `work` succeeded. */
  private async retrying<T>(isStale: () => boolean, what: string, work: () => Promise<T>): Promise<T | null> {
    for (let attempt = 0; !isStale(); attempt++) {
      try {
        return await work();
      } catch (error) {
        this.node.logger?.warn(`a member of a shared group could not ${what}, and will try again`, { attempt, error: String(error) });
        await this.sleep(backoffMs(attempt, this.node.environment.random()));
      }
    }
    return null;
  }

  private changed(source: MemoryPartition): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.wakeUps.delete(wake);
        unwatch();
        unwatchReachable();
        resolve();
      };
      const unwatch = source.watch(wake);
      const unwatchReachable = this.node.watchReachable(wake);
      this.wakeUps.add(wake);
    });
  }

  private sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.wakeUps.delete(wake);
        timer.cancel();
        resolve();
      };
      const timer = this.node.environment.timers.after(delayMs, wake);
      this.wakeUps.add(wake);
    });
  }

  private wakeAll(): void {
    for (const wake of [...this.wakeUps]) wake();
  }
}
