interface Sample {
  readonly metricName: string;
  readonly labels: { readonly le?: number | string };
  readonly value: number;
}

/** A histogram without labels that costs a few comparisons a call, for what is observed with each event; its text is that of prom-client's. */
export class Distribution {
  readonly name: string;
  readonly #help: string;
  /** Ascending. */
  readonly #bounds: readonly number[];
  /** Of each bucket alone; the last is beyond every bound. */
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(name: string, help: string, bounds: readonly number[]) {
    this.name = name;
    this.#help = help;
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.#bounds.length && value > (this.#bounds[bucket] as number)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#sum += value;
  }

  /** What a registry asks of a metric when it is scraped. */
  get(): Promise<{ readonly name: string; readonly help: string; readonly type: string; readonly values: readonly Sample[] }> {
    const values: Sample[] = [];
    let count = 0;
    for (const [i, own] of this.#counts.entries()) {
      count += own;
      values.push({ metricName: `${this.name}_bucket`, labels: { le: this.#bounds[i] ?? '+Inf' }, value: count });
    }
    values.push({ metricName: `${this.name}_sum`, labels: {}, value: this.#sum });
    values.push({ metricName: `${this.name}_count`, labels: {}, value: count });
    return Promise.resolve({ name: this.name, help: this.#help, type: 'histogram', values });
  }
}
