import type { GapCause, GapReason, TierName } from '../protocol/names.js';
import type { RoutedEvent } from '../routing/routed-event.js';

/** Reads what `recent` no longer holds. Implemented by `subscribe` over the window and the log. */
export interface TierReader {
  /**
   * The next page for one partition of a subscription: events in (after, provenTo], or the gap up to the first provable offset. Chooses the
   * cheapest tier anew at each call. Never rejects: what cannot be proven is a gap.
   */
  readPage(query: PageQuery): Promise<Page>;
}

export interface PageQuery {
  readonly topic: string;
  readonly partition: number;
  readonly channels: readonly string[];
  /** The cursor. */
  readonly after: number;
  /** The start of `recent` when asked: past it the node serves itself. `after < recentStart`. */
  readonly recentStart: number;
  /** Work done so far for this replay, for its bounds. */
  readonly budget: ReplayBudget;
  /** Whose turn it takes: replays wait in a line for each owner. Absent: all such readers are one owner. */
  readonly owner?: string;
  /** Aborts when the reader is gone. */
  readonly signal: AbortSignal;
}

/** What one catch-up may still cost in the log; shared by its pages and partitions. Time that the reader's own socket takes is not counted. */
export interface ReplayBudget {
  recordsLeft: number;
  bytesLeft: number;
  msLeft: number;
}

export type Page =
  | {
      readonly kind: 'events';
      readonly tier: TierName;
      /** In (offset, index) order, within (after, provenTo]. */
      readonly events: readonly RoutedEvent[];
      /** Complete up to here; above `after`. */
      readonly provenTo: number;
    }
  | {
      readonly kind: 'gap';
      readonly reason: GapReason;
      readonly cause: GapCause;
      /** Covers (after, to]; reading goes on from `to`. */
      readonly to: number;
    };
