import type { Timer } from '../../std/clock.js';
import { fetchJwks } from './fetch-jwks.js';
import { reasonOf } from './file-keys.js';
import type { KeySourceContext } from './file-keys.js';
import { KeyRing } from './key-ring.js';
import type { KeySource, RefreshOutcome } from './key-source.js';

/** First wait after a fetch that failed; doubles up to the usual period. */
const retryMsMin = 1_000;

/**
 * A key set from a URL, fetched again in the background and when a token names a key that is not in it. While its server is away the last good
 * set is served, for `staleMsMax`; a key that its server no longer lists is believed no more.
 */
export class JwksKeys implements KeySource {
  readonly ring = new KeyRing();
  readonly #name: string;
  readonly #url: string;
  readonly #context: KeySourceContext;
  #fetchedAtMs: number | null = null;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #outcome: RefreshOutcome = 'away';
  #failures = 0;
  #fetching: Promise<RefreshOutcome> | null = null;
  #timer: Timer | null = null;
  #isStopped = false;

  constructor(name: string, url: string, context: KeySourceContext) {
    this.#name = name;
    this.#url = url;
    this.#context = context;
  }

  isUsable(): boolean {
    return this.#fetchedAtMs !== null && this.#context.environment.clock.tickMs() - this.#fetchedAtMs <= this.#context.times.staleMsMax;
  }

  /** Waits for the first fetch, but not for it to work: other things may be served without. */
  async start(): Promise<void> {
    await this.#fetch();
  }

  refresh(): Promise<RefreshOutcome> {
    if (this.#fetching !== null) return this.#fetching;
    const sinceMs = this.#context.environment.clock.tickMs() - this.#triedAtMs;
    return sinceMs < this.#context.times.coolDownMs ? Promise.resolve(this.#outcome) : this.#fetch();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #fetch(): Promise<RefreshOutcome> {
    this.#fetching ??= this.#fetchOnce().finally(() => (this.#fetching = null));
    return this.#fetching;
  }

  async #fetchOnce(): Promise<RefreshOutcome> {
    const { environment, times, metrics, logger } = this.#context;
    this.#timer?.cancel();
    this.#triedAtMs = environment.clock.tickMs();
    try {
      const keys = await fetchJwks(this.#url, times, environment);
      const nowMs = environment.clock.tickMs();
      const isChanged = this.ring.replace(keys, nowMs, nowMs);
      this.#fetchedAtMs = nowMs;
      if (this.#failures > 0 || isChanged) logger.info('the key set was fetched', { issuer: this.#name, keys: keys.length });
      this.#failures = 0;
      this.#outcome = 'looked';
      metrics.keysRefreshed(this.#name, isChanged ? 'changed' : 'same');
    } catch (error) {
      this.#failures += 1;
      this.#outcome = 'away';
      metrics.keysRefreshed(this.#name, 'failed');
      logger.warn('the key set cannot be fetched', { issuer: this.#name, reason: reasonOf(error), servesTheLast: this.isUsable() });
    }
    this.#tellAge();
    this.#plan();
    return this.#outcome;
  }

  #plan(): void {
    if (this.#isStopped) return;
    const { environment, times } = this.#context;
    const usualMs = times.jwksRefreshMs * (0.9 + environment.random() / 5);
    const delayMs =
      this.#failures === 0 ? usualMs : Math.min(usualMs, Math.max(retryMsMin, times.coolDownMs) * 2 ** Math.min(this.#failures - 1, 16));
    this.#timer = environment.timers.after(delayMs, () => void this.#fetch());
  }

  #tellAge(): void {
    const { environment, metrics, times } = this.#context;
    if (this.#fetchedAtMs !== null)
      metrics.keysAge(this.#name, (environment.clock.tickMs() - this.#fetchedAtMs) / 1_000, times.jwksRefreshMs / 1_000);
  }
}
