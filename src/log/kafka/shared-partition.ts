import type { LogBatch } from '../event-log.js';

/** What one assigned partition of a shared group has to do next. */
export interface SharedPartition {
  readonly topic: string;
  readonly partition: number;
  /** First offset that the listener has not finished. */
  next: number;
  /** Offsets up to here were fetched and held no records; they go with the next stretch, or alone. */
  emptyTo: number;
  /** End as last told. */
  end: number;
  /** What must be over before the next stretch begins. */
  underWay: Promise<unknown>;
  /** Finished, not committed yet. */
  committable: number | null;
}

/** The stretch of offsets without records that waits, if any. */
export function takeEmpty(state: SharedPartition): LogBatch | null {
  if (state.emptyTo < state.next) return null;
  const { topic, partition, next, emptyTo, end } = state;
  return { topic, partition, from: next, to: emptyTo, records: [], end };
}
