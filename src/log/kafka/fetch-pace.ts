import { watchBusyShare } from './busy-share.js';
import type { Environment } from '../../std/clock.js';

export interface FetchPaceOptions {
  /** Share of the core that fetching may take while the node does nothing else. Default 0.15. */
  readonly shareMax?: number;
  /** Longest pause between two fetches. Default 20. */
  readonly paceMsMax?: number;
  /** How busy the event loop is, 0 to 1; default: as Node measures it. */
  readonly busyShare?: () => number;
}

/** Weight of the newest fetch in the running mean of what a fetch costs. */
const newestWeight = 0.05;
/**
 * A fetch is also made and sent, which cannot be seen from outside kafkajs: so many milliseconds, and for each partition it names so many more
 * (measured: 200 partitions cost 1.2 ms a fetch more than reading the answer does).
 */
const sendingMs = 0.15;
const sendingMsPerPartition = 0.006;
/** Timers are not finer than a millisecond: shorter waits are left out. */
const shortestWaitMs = 0.5;
/** One slow turn of the event loop must not be taken for the price of a fetch. */
const costMsMax = 50;

/**
 * Keeps fetching to a bounded share of what the core has idle, so that a quiet node is prompt and a busy one is thrifty. What a fetch costs is
 * measured: from the arrival of its answer to the end of its last batch, without the listener's own time. The batches of one fetch all wait for one
 * shared pause, and only as long as fetches come faster than the pace: sparse traffic is not delayed, dense traffic is bounded in fetches.
 */
export class FetchPace {
  private readonly environment: Environment;
  private readonly shareMax: number;
  private readonly paceMsMax: number;
  private readonly busyShare: () => number;
  /** Partitions that a fetch names. */
  partitionCount = 0;
  private meanCostMs = 0;
  private answeredAtTickMs = 0;
  /** When the next fetch may leave. */
  private allowedAtTickMs = -Infinity;
  private costMs = 0;
  private listenerMs = 0;
  private batchCount = 0;
  private gate: Promise<void> | null = null;

  constructor(environment: Environment, options: FetchPaceOptions = {}) {
    this.environment = environment;
    this.shareMax = options.shareMax ?? 0.15;
    this.paceMsMax = options.paceMsMax ?? 20;
    this.busyShare = options.busyShare ?? watchBusyShare();
  }

  /** The pause that dense traffic gets now. */
  get paceMs(): number {
    const costMs = this.meanCostMs + sendingMs + this.partitionCount * sendingMsPerPartition;
    const share = this.shareMax * (1 - this.busyShare());
    return Math.min(this.paceMsMax, costMs * (1 / share - 1));
  }

  /** A fetch was answered: call it when the answer arrives, before its batches. */
  onAnswered(): void {
    this.learn();
    const now = this.environment.clock.tickMs();
    this.answeredAtTickMs = now;
    // Answers of several brokers share one rate; none waits longer than the longest pause.
    this.allowedAtTickMs = Math.min(Math.max(this.allowedAtTickMs + this.paceMs, now), now + this.paceMsMax);
    this.gate = null;
  }

  /** A batch of the answer was read; `listenerMs` of the time was the listener's. The fetch is over when the promise resolves. */
  afterBatch(listenerMs: number): Promise<void> {
    const now = this.environment.clock.tickMs();
    this.batchCount++;
    this.listenerMs += listenerMs;
    this.costMs = now - this.answeredAtTickMs - this.listenerMs;
    this.gate ??= this.makeGate(this.allowedAtTickMs - now);
    return this.gate;
  }

  private makeGate(waitMs: number): Promise<void> {
    if (waitMs < shortestWaitMs) return Promise.resolve();
    return new Promise((resolve) => this.environment.timers.after(waitMs, resolve));
  }

  private learn(): void {
    // A long poll that ended empty tells nothing of what a fetch costs.
    if (this.batchCount > 0) this.meanCostMs += newestWeight * (Math.min(this.costMs, costMsMax) - this.meanCostMs);
    this.batchCount = 0;
    this.listenerMs = 0;
    this.costMs = 0;
  }
}
