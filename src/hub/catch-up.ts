import type { GapCause, GapReason, TierName } from '../protocol/names.js';
import type { Cursor } from './cursor.js';
import type { HubContext } from './hub-options.js';
import type { Page, ReplayBudget } from './tier-reader.js';

/** How a reader has just come: with a position, or without. */
type Arrival = 'resume' | 'fresh';

/** A gap to be told as soon as the socket takes bytes. */
export interface UntoldGap {
  readonly reason: GapReason;
  /** Where it begins; null: where the cursor is when it is told. */
  readonly from: Cursor | null;
  /** What it does to the cursor. */
  readonly move: (cursor: Cursor) => void;
}

/** One reader's way to the tail: where it is, the page that is being read for it, what it may still cost, and what is counted of it. */
export class CatchUp {
  /** The reader's own; another one when it has more partitions to look at. */
  cursor: Cursor;
  #untold: UntoldGap[] | null = null;
  #reading: AbortController | null = null;
  readonly #context: HubContext;
  readonly #arrival: Arrival | null;
  #sinceTickMs: number | null = null;
  #budget: ReplayBudget | null = null;
  #deepestTier: TierName = 'recent';
  #outcome: 'complete' | 'late' | 'gap' = 'complete';

  /** `arrival` null: it was at the tail before. */
  constructor(context: HubContext, cursor: Cursor, arrival: Arrival | null) {
    this.#context = context;
    this.cursor = cursor;
    this.#arrival = arrival;
  }

  /** Something was not in `recent` any more. */
  get isReplay(): boolean {
    return this.#sinceTickMs !== null;
  }

  get isReading(): boolean {
    return this.#reading !== null;
  }

  /** Reads a page; it is handed over unless it was given up meanwhile. */
  read(page: (signal: AbortSignal) => Promise<Page>, take: (page: Page) => void): void {
    const reading = new AbortController();
    this.#reading = reading;
    void page(reading.signal).then((answer) => {
      if (this.#reading !== reading) return;
      this.#reading = null;
      take(answer);
    });
  }

  /** Gives up the page that is being read. */
  giveUp(): void {
    this.#reading?.abort();
    this.#reading = null;
  }

  willTell(gap: UntoldGap): void {
    (this.#untold ??= []).push(gap);
  }

  /** What is to be told now, once. */
  takeUntold(): readonly UntoldGap[] {
    const untold = this.#untold ?? [];
    this.#untold = null;
    return untold;
  }

  /** A page is read from another tier. Returns what that may cost. */
  beginReplay(newBudget: () => ReplayBudget): ReplayBudget {
    if (this.#sinceTickMs === null) {
      this.#sinceTickMs = this.#context.environment.clock.tickMs();
      this.#context.metrics.replayStarted();
    }
    return (this.#budget ??= newBudget());
  }

  saw(tier: TierName): void {
    if (tier === 'log' || this.#deepestTier === 'recent') this.#deepestTier = tier;
  }

  sawGap(cause: GapCause): void {
    if (this.#outcome !== 'gap') this.#outcome = cause === 'fabric' ? 'gap' : 'late';
  }

  /** The farthest tier of a reader that came with a position; null for others. */
  get resumedFrom(): TierName | null {
    return this.#arrival === 'resume' ? this.#deepestTier : null;
  }

  /** The reader is at the tail. */
  end(): void {
    const { metrics, environment } = this.#context;
    if (this.#sinceTickMs !== null) metrics.replayEnded((environment.clock.tickMs() - this.#sinceTickMs) / 1_000);
    if (this.#arrival === 'resume') metrics.resumed(this.#deepestTier, this.#outcome);
  }
}
