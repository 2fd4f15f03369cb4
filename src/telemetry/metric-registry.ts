import promClient from 'prom-client';
import type { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { Distribution } from './distribution.js';
import { metricCatalogue } from './metric-catalogue.js';
import type { MetricEntry, MetricKey } from './metric-catalogue.js';

type CounterChild = ReturnType<Counter['labels']>;
type GaugeChild = ReturnType<Gauge['labels']>;
type KeysOf<K extends MetricEntry['kind']> = { [M in MetricKey]: (typeof metricCatalogue)[M]['kind'] extends K ? M : never }[MetricKey];

/** A counter without labels that costs one addition a call; the registry takes the sum when it is scraped. */
export interface Tally {
  value: number;
}

/** The catalogue's metrics in a registry of their own. */
export class MetricRegistry {
  readonly registry: Registry;
  readonly #counters = new Map<string, CounterChild>();
  readonly #gauges = new Map<string, GaugeChild>();
  readonly #startTopic: ((topic: string) => void)[] = [];

  constructor() {
    this.registry = new promClient.Registry();
  }

  /** A counter's child by its label values, resolved once. */
  counter(key: KeysOf<'counter'>): (labels?: readonly string[]) => CounterChild {
    const entry: MetricEntry = metricCatalogue[key];
    const counter = new promClient.Counter({
      name: entry.name,
      help: entry.help,
      labelNames: [...(entry.labels ?? [])],
      registers: [this.registry],
    });
    const child = (labels: readonly string[] = []): CounterChild =>
      resolve(this.#counters, entry.name, labels, () => counter.labels(...labels));
    for (const row of entry.series ?? []) {
      if (entry.labels?.[0] === 'topic') this.#startTopic.push((topic) => child([topic, ...row]).inc(0));
      else child(row).inc(0);
    }
    return child;
  }

  /** Lets the counters of a topic begin at 0. */
  startTopic(topic: string): void {
    for (const start of this.#startTopic) start(topic);
  }

  tally(key: KeysOf<'counter'>): Tally {
    const entry: MetricEntry = metricCatalogue[key];
    const tally = { value: 0 };
    let exposed = 0;
    new promClient.Counter({
      name: entry.name,
      help: entry.help,
      registers: [this.registry],
      collect() {
        this.inc(tally.value - exposed);
        exposed = tally.value;
      },
    });
    return tally;
  }

  gauge(key: KeysOf<'gauge'>): GaugeChildren {
    const entry: MetricEntry = metricCatalogue[key];
    const gauge = new promClient.Gauge({
      name: entry.name,
      help: entry.help,
      labelNames: [...(entry.labels ?? [])],
      registers: [this.registry],
    });
    // prom-client begins a gauge without labels at 0.
    if (entry.isAbsentAtFirst === true) gauge.remove();
    const gauges = this.#gauges;
    return {
      set: (value, labels = []) => resolve(gauges, entry.name, labels, () => gauge.labels(...labels)).set(value),
      remove: (labels) => gauge.remove(...labels),
    };
  }

  /** A gauge without labels that is read when it is scraped. */
  readGauge(key: KeysOf<'gauge'>, read: () => number): void {
    const entry: MetricEntry = metricCatalogue[key];
    new promClient.Gauge({
      name: entry.name,
      help: entry.help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }

  histogram(key: KeysOf<'histogram'>): Histogram {
    const entry: MetricEntry = metricCatalogue[key];
    return new promClient.Histogram({
      name: entry.name,
      help: entry.help,
      buckets: [...(entry.buckets ?? [])],
      registers: [this.registry],
    });
  }

  /** A histogram for what is observed with each event. */
  distribution(key: KeysOf<'histogram'>): Distribution {
    const entry: MetricEntry = metricCatalogue[key];
    const distribution = new Distribution(entry.name, entry.help, entry.buckets ?? []);
    // Its types know prom-client's own kinds alone; all that a registry asks for is `name` and `get`.
    this.registry.registerMetric(distribution as unknown as Histogram);
    return distribution;
  }
}

export interface GaugeChildren {
  set(value: number, labels?: readonly string[]): void;
  remove(labels: readonly string[]): void;
}

function resolve<T>(cache: Map<string, T>, name: string, labels: readonly string[], make: () => T): T {
  const key = labels.length === 0 ? name : `${name}\n${labels.join('\n')}`;
  let child = cache.get(key);
  if (child === undefined) {
    child = make();
    cache.set(key, child);
  }
  return child;
}
