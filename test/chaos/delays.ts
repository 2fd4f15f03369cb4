/** Delivery delays of the steady readers: from the moment the record was made. */
export class Delays {
  readonly #madeAtMs: number[] = [];
  readonly #delayMs: number[] = [];
  readonly #newest = new Map<string, number>();

  add(reader: string, madeAtMs: number, delayMs: number): void {
    this.#madeAtMs.push(madeAtMs);
    this.#delayMs.push(delayMs);
    this.#newest.set(reader, Math.max(this.newest(reader), madeAtMs));
  }

  /** When the newest record was made that the reader has had; 0: none. */
  newest(reader: string): number {
    return this.#newest.get(reader) ?? 0;
  }

  /** Of records made in [fromMs, toMs]; nulls when there were none. */
  between(fromMs: number, toMs: number): { readonly medianMs: number | null; readonly worstMs: number | null } {
    const delays = this.#delayMs.filter((_, i) => (this.#madeAtMs[i] as number) >= fromMs && (this.#madeAtMs[i] as number) <= toMs);
    delays.sort((a, b) => a - b);
    return { medianMs: delays[delays.length >> 1] ?? null, worstMs: delays.at(-1) ?? null };
  }
}
