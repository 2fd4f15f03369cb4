import type { RoutedEvent } from '../routing/routed-event.js';
import type { WindowStretch } from './replay-window.js';

/** Bounds of one write: a longer batch becomes several, so that no script holds the store up for long. */
export interface WriteBounds {
  /** Entries: an event counts once for each of its channels. */
  readonly entriesMax: number;
  /** Bytes of event bodies. */
  readonly bytesMax: number;
}

export interface Batch {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Cuts what a batch became into stretches that follow each other without a hole and end where the batch ends. A record is never split; one
 * that passes a bound by itself is a stretch of its own. Without events: one empty stretch, which carries the progress.
 */
export function planStretches(batch: Batch, events: readonly RoutedEvent[], bounds: WriteBounds): readonly WindowStretch[] {
  const { topic, partition } = batch;
  const stretches: WindowStretch[] = [];
  let from = batch.from;
  let start = 0;
  let entries = 0;
  let bytes = 0;
  events.forEach((event, i) => {
    entries += event.channels.length;
    bytes += event.body.byteLength;
    const next = events[i + 1];
    if (next === undefined || next.offset === event.offset || (entries < bounds.entriesMax && bytes < bounds.bytesMax)) return;
    stretches.push({ topic, partition, from, to: event.offset, events: events.slice(start, i + 1) });
    from = event.offset + 1;
    start = i + 1;
    entries = 0;
    bytes = 0;
  });
  stretches.push({ topic, partition, from, to: batch.to, events: events.slice(start) });
  return stretches;
}
