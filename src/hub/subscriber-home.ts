import type { ChunkWriter } from '../protocol/chunk-writer.js';
import type { GapCause, GapReason } from '../protocol/names.js';
import type { RoutedEvent } from '../routing/routed-event.js';
import type { Cohort, CohortMember } from './cohort.js';
import type { Cursor } from './cursor.js';
import type { DeadlineWheel } from './deadline-wheel.js';
import type { HubContext } from './hub-options.js';
import type { TermsEvent } from './stream-terms.js';
import type { Subscription } from './subscription.js';
import type { ReplayBudget } from './tier-reader.js';
import type { TailWaiter } from './topic-log.js';

/** Where and how a reader begins. */
export interface Start {
  readonly cursor: Cursor;
  /** What was wrong with the position that it came with. */
  readonly gap: { readonly reason: GapReason; readonly cause: GapCause; readonly from: string | null } | null;
  /** The present state of its channels, sent before anything else. */
  readonly latest: readonly RoutedEvent[];
  /** It came with a position. */
  readonly isResume: boolean;
  /** Sent behind the greeting; the stream ends with it. */
  readonly final?: TermsEvent;
  /** Record time of the newest event that there is, for a time-out; absent or null: none is known. */
  readonly newestMs?: number | null;
}

/** What the text of a stream needs of the hub. */
export interface TextHome extends HubContext {
  /** Where frames are put together; one for all streams. */
  readonly out: ChunkWriter;
  /** A record time before which this node has had everything. */
  safeTimeMs(): number;
}

/** What a subscriber needs of the hub. */
export interface SubscriberHome<Reader extends CohortMember> extends TextHome {
  readonly deadlines: DeadlineWheel;
  /**
   * The live readers of the same subscription at the same place; made when there are none. Null while something waits to be sent to them: `waiter` is called when it was.
   * It is not sent at once, because a reader joins inside its own request, where each write to another socket takes four system calls.
   */
  cohortFor(subscription: Subscription, cursor: Cursor, waiter: TailWaiter): Cohort<Reader> | null;
  /** The subscriber left its cohort. */
  cohortLeft(cohort: Cohort<Reader>): void;
  /** How much a catch-up may read from the log. */
  newBudget(): ReplayBudget;
  stateChanged(subscriber: Reader, from: SubscriberState, to: SubscriberState): void;
  closed(subscriber: Reader): void;
}

/**
 *                    ┌───────── page of recent, window or log ─────────┐
 *                    ▼                                                 │
 *   attach ──► catching-up ──── cursor at every tail ────► live        │
 *                    ▲ │  └─────────────────────────────────┼──────────┘
 *                    │ └── socket behind: nothing is read   │
 *                    └───── socket behind, hole, growth ────┘     any ──► closed
 */
export type SubscriberState = 'catching-up' | 'live' | 'closed';
