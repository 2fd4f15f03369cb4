import type { Clock } from '../../std/clock.js';
import type { IdempotencyBegin, IdempotencyOptions, IdempotencyStore } from '../idempotency-store.js';

interface Entry {
  readonly fingerprint: string;
  readonly owner: string;
  readonly leaseEndsAtMs: number;
  answer: string | null;
  forgetAtMs: number;
}

/** Keys of one process, in its memory. */
export class MemoryIdempotencyStore implements IdempotencyStore {
  /** In the order in which they are forgotten. */
  readonly #entries = new Map<string, Entry>();
  readonly #options: IdempotencyOptions;
  readonly #clock: Clock;
  readonly #keysMax: number;

  /** With `keysMax` keys remembered (default 100,000) the store counts as away. */
  constructor(options: IdempotencyOptions, clock: Clock, keysMax = 100_000) {
    this.#options = options;
    this.#clock = clock;
    this.#keysMax = keysMax;
  }

  begin(key: string, fingerprint: string, owner: string): Promise<IdempotencyBegin> {
    const now = this.#clock.tickMs();
    this.#forget(now);
    const entry = this.#entries.get(key);
    if (entry === undefined) {
      if (this.#entries.size >= this.#keysMax) return Promise.reject(new Error('too many idempotency keys are remembered'));
      const { leaseMs, rememberMs } = this.#options;
      this.#entries.set(key, { fingerprint, owner, leaseEndsAtMs: now + leaseMs, answer: null, forgetAtMs: now + rememberMs });
      return Promise.resolve({ kind: 'new' });
    }
    if (entry.fingerprint !== fingerprint) return Promise.resolve({ kind: 'mismatch' });
    if (entry.answer !== null) return Promise.resolve({ kind: 'answered', answer: entry.answer });
    return Promise.resolve({ kind: now < entry.leaseEndsAtMs ? 'in-flight' : 'unknown' });
  }

  complete(key: string, owner: string, answer: string): Promise<void> {
    const entry = this.#entries.get(key);
    if (entry?.owner !== owner) return Promise.resolve();
    this.#entries.delete(key);
    this.#entries.set(key, { ...entry, answer, forgetAtMs: this.#clock.tickMs() + this.#options.rememberMs });
    return Promise.resolve();
  }

  abandon(key: string, owner: string): Promise<void> {
    const entry = this.#entries.get(key);
    if (entry?.owner === owner && entry.answer === null) this.#entries.delete(key);
    return Promise.resolve();
  }

  #forget(now: number): void {
    for (const [key, { forgetAtMs }] of this.#entries) {
      if (forgetAtMs > now) return;
      this.#entries.delete(key);
    }
  }
}
