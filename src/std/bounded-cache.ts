/**
 * Remembers the `sizeMax` keys used last, and at most twice as many. Two generations, and no entry is ever deleted alone: V8's Map walks the
 * deleted entries of a key that is deleted and set again and again, which made a plain LRU take 36 us for its most popular key.
 */
export class BoundedCache<K, V> {
  readonly #sizeMax: number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  get(key: K): V | undefined {
    const value = this.#young.get(key);
    if (value !== undefined) return value;
    const older = this.#old.get(key);
    if (older !== undefined) this.set(key, older);
    return older;
  }

  set(key: K, value: V): void {
    if (this.#young.size >= this.#sizeMax) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }
}
