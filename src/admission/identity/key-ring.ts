import type { Algorithm } from './issuer.js';
import type { VerificationKey } from './verification-key.js';

/** Most keys that one signature is tried with, where the token does not say which. */
const triesMax = 8;

/** The keys of one issuer now, with those that were replaced a while ago. */
export class KeyRing {
  #current: readonly VerificationKey[] = [];
  #replaced: readonly { readonly key: VerificationKey; readonly untilMs: number }[] = [];
  #ids: ReadonlySet<string> = new Set();
  #version = 0;

  /** Grows with every change of the keys. */
  get version(): number {
    return this.#version;
  }

  get current(): readonly VerificationKey[] {
    return this.#current;
  }

  /** The keys from now on; those that are no longer among them stay until `overlapUntilMs`. Tells whether anything changed. */
  replace(keys: readonly VerificationKey[], nowMs: number, overlapUntilMs: number): boolean {
    const ids = new Set(keys.map(({ id }) => id));
    const gone = this.#current.filter(({ id }) => !ids.has(id)).map((key) => ({ key, untilMs: overlapUntilMs }));
    const isSame = gone.length === 0 && keys.length === this.#current.length;
    if (isSame) return false;
    this.#replaced = [...this.#replaced.filter(({ key }) => !ids.has(key.id)), ...gone];
    this.#current = keys;
    this.#version += 1;
    this.#index(nowMs);
    return true;
  }

  /** Whether the key is still believed: asked again for what was verified with it earlier. */
  holds(id: string, nowMs: number): boolean {
    this.#lapse(nowMs);
    return this.#ids.has(id);
  }

  /** The keys to try, the newest first; a token's `kid` (null: it has none) narrows them. */
  find(algorithm: Algorithm, kid: string | null, nowMs: number): readonly VerificationKey[] {
    this.#lapse(nowMs);
    const all = [...this.#current, ...this.#replaced.map(({ key }) => key).reverse()];
    const fits = (key: VerificationKey): boolean =>
      key.algorithms.includes(algorithm) && (kid === null || key.kid === null || key.kid === kid);
    return all.filter(fits).slice(0, triesMax);
  }

  #lapse(nowMs: number): void {
    if (!this.#replaced.some(({ untilMs }) => untilMs <= nowMs)) return;
    this.#version += 1;
    this.#index(nowMs);
  }

  #index(nowMs: number): void {
    this.#replaced = this.#replaced.filter(({ untilMs }) => untilMs > nowMs);
    this.#ids = new Set([...this.#current, ...this.#replaced.map(({ key }) => key)].map(({ id }) => id));
  }
}
