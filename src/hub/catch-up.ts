import type { GapCause, TierName } from '../protocol/names.js';
import type { HubContext } from './hub-options.js';
import type { ReplayBudget } from './tier-reader.js';

/** How a reader has just come: with a position, or without. */
type Arrival = 'resume' | 'fresh';

/** One reader's way to the tail: what it may still cost, and what is counted of it. */
export class CatchUp {
  readonly #context: HubContext;
  readonly #arrival: Arrival | null;
  #sinceTickMs: number | null = null;
  #budget: ReplayBudget | null = null;
  #deepestTier: TierName = 'recent';
  #outcome: 'complete' | 'late' | 'gap' = 'complete';

  /** `arrival` null: it was at the tail before. */
  constructor(context: HubContext, arrival: Arrival | null) {
    this.#context = context;
    this.#arrival = arrival;
  }

  /** What is read was there before the reader, or is not in `recent` any more: its age tells nothing of how prompt this node is. */
  get isOfThePast(): boolean {
    return this.#arrival !== null || this.#sinceTickMs !== null;
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
