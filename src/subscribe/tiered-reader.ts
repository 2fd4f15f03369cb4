import type { Page, PageQuery, ReplayBudget, TierReader } from '../hub/tier-reader.js';
import { cutPage, mergeEvents } from '../routing/merge-events.js';
import { waitMs } from '../std/wait.js';
import type { Environment } from '../std/clock.js';
import type { GapCause } from '../protocol/names.js';
import type { RoutedEvent } from '../routing/routed-event.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { ReplayWindow, WindowAnswer } from '../window/replay-window.js';
import type { LogPageAnswer, LogPages } from './log-pages.js';
import type { ReplayGate } from './replay-gate.js';
import { SharedReads } from './share-reads.js';

export interface TieredReaderLimits {
  readonly pageEventsMax: number;
  readonly pageBytesMax: number;
  /** How long a reader between `high` and the start of `recent` waits for the indexer before it reads the log. */
  readonly indexerWaitMs: number;
  /** Offsets between a cursor and `recent` that are read from the log; over it a gap is told. */
  readonly scanOffsetsMax: number;
}

/** Budgets of replay work: a page is charged when it was read, and the owner's next one waits until the debt is paid. */
export interface ReplayCosts {
  /** How long the next page of `owner` has to wait; 0: not at all. */
  waitMs(owner: string): number;
  charge(owner: string, records: number, bytes: number): void;
}

export interface TieredReaderParts {
  readonly window: ReplayWindow | null;
  readonly logPages: LogPages;
  readonly gate: ReplayGate;
  /** What each owner may read in a minute; absent: anything. */
  readonly costs?: ReplayCosts;
  readonly limits: TieredReaderLimits;
  readonly environment: Environment;
  readonly metrics: Metrics;
  /** Whether the log below its tail proves nothing: the topic is compacted and its route does not say that the current state is enough. Null: not known yet. */
  readonly provesNothing: (topic: string) => boolean | null;
}

/** Pauses between attempts while the log does not answer; readers wait, nothing is called a gap for it. */
const retryMs = { first: 100, max: 2_000 } as const;

/** Longest time between two looks at a budget. */
const budgetLookMs = 1_000;

const bytesOf = (events: readonly RoutedEvent[]): number => events.reduce((bytes, { body }) => bytes + body.byteLength, 0);

/** Chooses, for each page anew, the cheapest tier that proves it complete: the window, then the log; else tells the gap. */
export class TieredReader implements TierReader {
  readonly #parts: TieredReaderParts;
  readonly #sharedWindowReads: SharedReads<WindowAnswer>;

  constructor(parts: TieredReaderParts) {
    this.#parts = parts;
    this.#sharedWindowReads = new SharedReads(parts.metrics);
  }

  async readPage(query: PageQuery): Promise<Page> {
    const { costs } = this.#parts;
    if (costs === undefined) return this.#readCheapest(query);
    const owner = query.owner ?? '';
    await this.#waitForBudget(costs, owner, query.signal);
    const page = await this.#readCheapest(query);
    if (page.kind === 'events') costs.charge(owner, page.provenTo - query.after, bytesOf(page.events));
    return page;
  }

  async #readCheapest(query: PageQuery): Promise<Page> {
    const found = await this.#fromWindow(query);
    return typeof found === 'string' ? this.#fromLog(query, found) : found;
  }

  /** Looks again after each wait: others of the same owner wait for the same. */
  async #waitForBudget(costs: ReplayCosts, owner: string, signal: AbortSignal): Promise<void> {
    for (let ms = costs.waitMs(owner); ms > 0 && !signal.aborted; ms = costs.waitMs(owner)) {
      await waitMs(this.#parts.environment.timers, Math.min(ms, budgetLookMs), signal);
    }
  }

  /** A page; or, when the log has to be read, whose doing that is: a window that is as it should be lacks only what readers were too long away for. */
  async #fromWindow(query: PageQuery): Promise<Page | GapCause> {
    if (this.#parts.window === null) return 'reader';
    const { indexerWaitMs } = this.#parts.limits;
    let mayWait = indexerWaitMs > 0;
    while (this.#parts.window.health().usable && !query.signal.aborted) {
      const answer = await this.#readWindow(query);
      if (answer === 'crowded') return tooFar(query, 'fabric');
      if (answer === null) return 'fabric';
      if (answer.kind === 'page') return { kind: 'events', tier: 'window', events: answer.events, provenTo: answer.provenTo };
      if (answer.reason === 'below-floor' || answer.reason === 'trimmed') return 'reader';
      if (answer.reason !== 'behind' || !mayWait) return 'fabric';
      mayWait = false;
      await waitMs(this.#parts.environment.timers, indexerWaitMs, query.signal);
    }
    return 'fabric';
  }

  async #readWindow(query: PageQuery): Promise<WindowAnswer | 'crowded' | null> {
    const { window, gate, limits, metrics } = this.#parts;
    if (window === null) return null;
    const { topic, partition, channels, after, owner } = query;
    const key = `${partition} ${after} ${topic}\n${channels.join('\n')}`;
    const read = (): Promise<WindowAnswer> =>
      this.#sharedWindowReads.run(key, () =>
        window.read({ topic, partition, channels, after, eventsMax: limits.pageEventsMax, bytesMax: limits.pageBytesMax }),
      );
    try {
      return (await gate.run(read, owner)) ?? 'crowded';
    } catch {
      metrics.windowFailed('read');
      return null;
    }
  }

  async #fromLog(query: PageQuery, cause: GapCause): Promise<Page> {
    const { limits, provesNothing, environment } = this.#parts;
    const { after, recentStart, budget, signal } = query;
    // Time is short where the log answers slowly.
    if (budget.recordsLeft <= 0 || budget.bytesLeft <= 0 || budget.msLeft <= 0) return tooFar(query, budget.msLeft <= 0 ? 'fabric' : cause);
    const isFar = recentStart - after > limits.scanOffsetsMax;
    for (let pauseMs: number = retryMs.first; !signal.aborted; pauseMs = Math.min(retryMs.max, pauseMs * 2)) {
      const isProofless = provesNothing(query.topic);
      if (isProofless === true) return { kind: 'gap', reason: 'compacted', cause, to: recentStart };
      const answer = isProofless === null ? null : isFar ? await this.#lookBelowLow(query) : await this.#readLog(query);
      if (answer === 'crowded' || answer === 'too-far') return tooFar(query, answer === 'crowded' ? 'fabric' : cause);
      if (answer !== null) return charge(budget, toPage(answer, query, limits), after);
      await waitMs(environment.timers, pauseMs, signal);
    }
    return tooFar(query, cause);
  }

  /** Most of what is too far to read may be gone already: then only that is the gap, and what the log still has is read. */
  async #lookBelowLow({ topic, partition, after, owner }: PageQuery): Promise<LogPageAnswer | 'too-far' | 'crowded' | null> {
    try {
      const low = await this.#parts.gate.run(() => this.#parts.logPages.lowEnd(topic, partition), owner);
      if (low === null) return 'crowded';
      return low > after + 1 ? { kind: 'below-low', low } : 'too-far';
    } catch {
      return null;
    }
  }

  async #readLog({ topic, partition, after, recentStart, budget, owner }: PageQuery): Promise<LogPageAnswer | 'crowded' | null> {
    const { gate, logPages, environment } = this.#parts;
    let startedTickMs = environment.clock.tickMs();
    try {
      const answer = await gate.run(() => {
        startedTickMs = environment.clock.tickMs();
        return logPages.read(topic, partition, after + 1, recentStart);
      }, owner);
      if (answer === null) return 'crowded';
      budget.msLeft -= environment.clock.tickMs() - startedTickMs;
      return answer;
    } catch {
      return null;
    }
  }
}

/** What was looked through and handed over counts, shared with other readers or not: the bound is one reader's. */
function charge(budget: ReplayBudget, page: Page, after: number): Page {
  if (page.kind === 'gap') return page;
  budget.recordsLeft -= page.provenTo - after;
  for (const { body } of page.events) budget.bytesLeft -= body.byteLength;
  return page;
}

const tooFar = ({ recentStart }: PageQuery, cause: GapCause): Page => ({ kind: 'gap', reason: 'too-far', cause, to: recentStart });

function toPage(answer: LogPageAnswer, { after, recentStart, channels }: PageQuery, limits: TieredReaderLimits): Page {
  if (answer.kind === 'below-low') return { kind: 'gap', reason: 'expired', cause: 'reader', to: Math.max(after + 1, answer.low - 1) };
  const { page } = answer;
  if (page.to <= after) return { kind: 'gap', reason: 'store-lost', cause: 'fabric', to: recentStart };
  const lists = channels.map((channel) => page.byChannel.get(channel) ?? []).filter((list) => list.length > 0);
  const events = (lists.length === 0 ? [] : mergeEvents(lists)).filter((event) => event.offset > after);
  // A page of the log serves many readers; each takes it in pieces that fit its socket.
  return { kind: 'events', tier: 'log', ...cutPage({ events, provenTo: page.to }, limits.pageEventsMax, limits.pageBytesMax) };
}
