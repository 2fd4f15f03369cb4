import { LogError } from '../event-log.js';
import type { LogBatch, ScanRange } from '../event-log.js';
import type { MemoryNode } from './memory-node.js';

/** Reads a range of the memory log; nothing is read ahead of the consumer. */
export async function* scanMemory(node: MemoryNode, range: ScanRange, signal: AbortSignal | undefined): AsyncGenerator<LogBatch> {
  const source = node.broker.partition(range.topic, range.partition);
  let next = range.from;
  while (next <= range.to) {
    await new Promise<void>((resolve) => node.environment.timers.soon(resolve));
    if (signal?.aborted) throw new LogError('the scan was aborted', false, { cause: signal.reason });
    if (!node.isReachable()) throw new LogError('the memory log is cut off', true);
    if (source.deleted) throw new LogError(`topic "${range.topic}" was deleted`, false);
    if (next >= source.end) return;
    const batch = source.read(next, range.to, node.readBounds);
    // Where retention passed the whole range, an empty batch past its end shows the hole.
    const from = Math.min(batch.from, range.to + 1);
    const to = Math.min(batch.to, range.to);
    next = to + 1;
    yield { topic: range.topic, partition: range.partition, from, to, records: batch.records, end: source.end };
  }
}
