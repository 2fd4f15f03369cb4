export interface DelaySummary {
  readonly medianMs: number;
  readonly worstMs: number;
  readonly worstReader: string;
}

/** Delivery delays of the steady readers: from the moment the record was made. */
export class Delays {
  readonly #madeAtMs: number[] = [];
  readonly #delayMs: number[] = [];
  readonly #readers: string[] = [];
  readonly #newest = new Map<string, number>();

  add(reader: string, madeAtMs: number, delayMs: number): void {
    this.#madeAtMs.push(madeAtMs);
    this.#delayMs.push(delayMs);
    this.#readers.push(reader);
    this.#newest.set(reader, Math.max(this.newest(reader), madeAtMs));
  }

  /** When the newest record was made that the reader has had; 0: none. */
  newest(reader: string): number {
    return this.#newest.get(reader) ?? 0;
  }

  /** Of records made in [fromMs, toMs]; null when there were none. */
  between(fromMs: number, toMs: number): DelaySummary | null {
    const indexes = this.#madeAtMs.flatMap((madeAtMs, i) => (madeAtMs >= fromMs && madeAtMs <= toMs ? [i] : []));
    indexes.sort((a, b) => this.#delay(a) - this.#delay(b));
    const worst = indexes.at(-1);
    if (worst === undefined) return null;
    return {
      medianMs: this.#delay(indexes[indexes.length >> 1] ?? worst),
      worstMs: this.#delay(worst),
      worstReader: this.#readers[worst] ?? '',
    };
  }

  #delay(index: number): number {
    return this.#delayMs[index] ?? 0;
  }
}
