import type { GapCause, TierName } from '../protocol/names.js';
import type { HubContext } from './hub-options.js';
import type { ReplayBudget } from './tier-reader.js';

/** One reader's way to the tail: what it may still cost, and what is counted of it. */
export class CatchUp {
  readonly #context: HubContext;
  readonly #isResume: boolean;
  #sinceTickMs: number | null = null;
  #budget: ReplayBudget | null = null;
  #deepestTier: TierName = 'recent';
  #outcome: 'complete' | 'late' | 'gap' = 'complete';

  /** `isResume`: the reader has just come with a position. */
  constructor(context: HubContext, isResume: boolean) {
    this.#context = context;
    this.#isResume = isResume;
  }

  /** Something was not in `recent`. */
  get isReplaying(): boolean {
    return this.#sinceTickMs !== null;
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
    return this.#isResume ? this.#deepestTier : null;
  }

  /** The reader is at the tail. */
  end(): void {
    const { metrics, environment } = this.#context;
    if (this.#sinceTickMs !== null) metrics.replayEnded((environment.clock.tickMs() - this.#sinceTickMs) / 1_000);
    if (this.#isResume) metrics.resumed(this.#deepestTier, this.#outcome);
  }
}
