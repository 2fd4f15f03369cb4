import { metricCatalogue } from '../../../src/telemetry/metric-catalogue.js';
import type { MetricKey } from '../../../src/telemetry/metric-catalogue.js';

/** Metrics of Node and of the process that every node exports besides its own catalogue. */
export type ProcessMetric =
  | 'process_cpu_seconds_total'
  | 'process_resident_memory_bytes'
  | 'process_open_fds'
  | 'process_max_fds'
  | 'process_start_time_seconds'
  | 'nodejs_heap_size_used_bytes'
  | 'nodejs_heap_size_total_bytes'
  | 'nodejs_external_memory_bytes'
  | 'nodejs_gc_duration_seconds_sum'
  | 'nodejs_version_info';

type KeysOf<K extends string> = { [M in MetricKey]: (typeof metricCatalogue)[M]['kind'] extends K ? M : never }[MetricKey];

/** What every expression is narrowed to. `cluster` and `namespace` may be absent: their "all" matches that too. */
export const ofChosenNodes = 'cluster=~"$cluster",namespace=~"$namespace",job=~"$job",instance=~"$instance"';

/** The labels that name a node. */
export const node = 'cluster,namespace,job,instance';

/** A gauge or counter of the catalogue, of the chosen nodes: `of('gaps', 'cause="fabric"')`. */
export function of(key: KeysOf<'counter' | 'gauge'>, matchers = ''): string {
  return select(metricCatalogue[key].name, matchers);
}

/** A metric of Node or the process, of the chosen nodes. */
export function ofProcess(name: ProcessMetric): string {
  return select(name, '');
}

/** A counter's increase a second. */
export function rate(key: KeysOf<'counter'>, matchers = ''): string {
  return `rate(${of(key, matchers)}[$__rate_interval])`;
}

/** A counter's increase over the time that the dashboard shows. */
export function increase(key: KeysOf<'counter'>, matchers = ''): string {
  return `increase(${of(key, matchers)}[$__range])`;
}

/** `quantile` of a histogram over the chosen nodes; `by` further labels, e.g. `instance`. */
export function quantile(q: number, key: KeysOf<'histogram'>, by = ''): string {
  return `histogram_quantile(${q}, sum by (le${by === '' ? '' : `, ${by}`}) (rate(${select(`${metricCatalogue[key].name}_bucket`, '')}[$__rate_interval])))`;
}

/** Observations of a histogram in each bucket, for a heatmap. */
export function buckets(key: KeysOf<'histogram'>): string {
  return `sum by (le) (increase(${select(`${metricCatalogue[key].name}_bucket`, '')}[$__rate_interval]))`;
}

/** The share of a histogram's observations above one of its bounds. */
export function shareAbove(bound: number, key: KeysOf<'histogram'>): string {
  const name = metricCatalogue[key].name;
  // Before version 3, Prometheus keeps `1` as it is exposed; since then it writes `1.0`.
  const le = Number.isInteger(bound) ? `le=~"${bound}|${bound}[.]0"` : `le="${bound}"`;
  return `1 - sum(rate(${select(`${name}_bucket`, le)}[$__rate_interval])) / sum(rate(${select(`${name}_count`, '')}[$__rate_interval]))`;
}

/** A gauge of those nodes alone that have the role. */
export function ofRole(role: 'edge' | 'indexer', key: KeysOf<'gauge'>): string {
  return `(${of(key)} and on (${node}) ${of('nodeInfo', `roles=~".*${role}.*"`)})`;
}

/** The alerts of deploy/prometheus that fire. They have no `instance`, and some compare jobs and have none: narrowed to cluster and namespace alone. */
export function firing(matchers = ''): string {
  const more = matchers === '' ? '' : `,${matchers}`;
  return `ALERTS{alertname=~"Selvage.+",alertstate="firing",cluster=~"$cluster",namespace=~"$namespace"${more}}`;
}

function select(name: string, matchers: string): string {
  return `${name}{${ofChosenNodes}${matchers === '' ? '' : `,${matchers}`}}`;
}
