import type { CountMark } from '../../routing/recent-counts.js';
import type { Clock } from '../../std/clock.js';
import type {
  LatestAnswer,
  NewestEntry,
  NewestQuery,
  ReplayWindow,
  Vouched,
  WindowAnswer,
  WindowHealth,
  WindowQuery,
  WindowStretch,
} from '../replay-window.js';
import { WindowError } from '../replay-window.js';
import type { WindowOptions } from '../window-options.js';
import { MemoryWindowCore } from './memory-window-core.js';
import type { WindowSnapshot } from './memory-window-store.js';

export interface MemoryWindowOptions extends WindowOptions {
  /** Plays the part of Redis's own clock. */
  readonly clock: Clock;
}

/**
 * The window in this process's memory: the embedded default, and the base of simulations. Bounded by age and by events a channel. Every
 * operation takes effect at once, within the call. The controls below play a store that fails.
 */
export class MemoryReplayWindow implements ReplayWindow {
  readonly #core: MemoryWindowCore;
  #away: string | null = null;

  constructor(options: MemoryWindowOptions, core = new MemoryWindowCore(options, options.clock)) {
    this.#core = core;
  }

  /** Another window on the same store, as a node with other options would have. */
  sibling(options: MemoryWindowOptions): MemoryReplayWindow {
    return new MemoryReplayWindow(options, new MemoryWindowCore(options, options.clock, this.#core.store));
  }

  write(stretch: WindowStretch): Promise<Vouched> {
    return this.#answer(() => this.#core.write(stretch));
  }

  renew(topic: string, partition: number, next: number): Promise<boolean> {
    return this.#answer(() => this.#core.renew(topic, partition, next));
  }

  vouched(topic: string, partition: number): Promise<Vouched | null> {
    return this.#answer(() => this.#core.vouched(topic, partition));
  }

  drop(topic: string, partition: number): Promise<void> {
    return this.#answer(() => this.#core.drop(topic, partition));
  }

  read(query: WindowQuery): Promise<WindowAnswer> {
    return this.#answer(() => this.#core.read(query));
  }

  newest(query: NewestQuery): Promise<readonly NewestEntry[]> {
    return this.#answer(() => this.#core.newest(query));
  }

  latest(topic: string, partition: number, channels: readonly string[]): Promise<LatestAnswer> {
    return this.#answer(() => this.#core.latest(topic, partition, channels));
  }

  latchBreach(topic: string): Promise<void> {
    return this.#answer(() => this.#core.latchBreach(topic));
  }

  breaches(): Promise<ReadonlySet<string>> {
    return this.#answer(() => this.#core.breaches());
  }

  shareCounts(topic: string, known: readonly CountMark[]): Promise<readonly CountMark[]> {
    return this.#answer(() => this.#core.shareCounts(topic, known));
  }

  health(): WindowHealth {
    return this.#away === null ? { usable: true, reason: 'in memory' } : { usable: false, reason: this.#away };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Loses everything, as FLUSHALL does. */
  flush(): void {
    this.#core.store.clear();
  }

  /** Copies everything held, to `restore` later: a replica that was so far behind. */
  snapshot(): WindowSnapshot {
    return this.#core.store.snapshot();
  }

  /** Fails over to what the snapshot holds; lives run on by the clock. */
  restore(snapshot: WindowSnapshot): void {
    this.#core.store.restore(snapshot);
  }

  /** Makes every operation fail with this reason until it is set to null. */
  setAway(reason: string | null): void {
    this.#away = reason;
  }

  #answer<Answer>(operate: () => Answer): Promise<Answer> {
    if (this.#away !== null) return Promise.reject(new WindowError(this.#away));
    try {
      return Promise.resolve(operate());
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
