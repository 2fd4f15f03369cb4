import promClient from 'prom-client';
import { expect, test } from 'vitest';
import { metricCatalogue } from '../../../src/telemetry/metric-catalogue.js';
import type { MetricEntry } from '../../../src/telemetry/metric-catalogue.js';
import { createPrometheusMetrics } from '../../../src/telemetry/prometheus-metrics.js';
import { noMetrics } from '../../../src/telemetry/no-metrics.js';

const entries: readonly MetricEntry[] = Object.values(metricCatalogue);

test('every metric of the catalogue is registered with its help text, and nothing else of ours is', async () => {
  const { body } = await createPrometheusMetrics({ processMetrics: false }).expose();
  const declared = [...body.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, kind]) => `${name} ${kind}`).sort();
  expect(declared).toEqual(entries.map(({ name, kind }) => `${name} ${kind}`).sort());
  for (const { name, help } of entries) expect(body).toContain(`# HELP ${name} ${help}`);
});

test('names follow the conventions of Prometheus', () => {
  for (const { name, kind } of entries) {
    expect(name).toMatch(/^selvage_[a-z_]+$/);
    expect(name.endsWith('_total')).toBe(kind === 'counter');
    if (kind === 'histogram') expect(name).toMatch(/_(seconds|bytes)$/);
  }
});

test('hot counters are exact over several scrapes', async () => {
  const metrics = createPrometheusMetrics({ processMetrics: false });
  metrics.eventsSent(3, 300);
  metrics.eventsSent(2, 100);
  expect((await metrics.expose()).body).toContain('selvage_events_sent_total 5');
  metrics.eventsSent(1, 1);
  const { body } = await metrics.expose();
  expect(body).toContain('selvage_events_sent_total 6');
  expect(body).toContain('selvage_sent_bytes_total 401');
});

test('a floor that lapsed is absent rather than old', async () => {
  const metrics = createPrometheusMetrics({ processMetrics: false });
  metrics.windowVouched('orders', 2, 10, 4);
  expect((await metrics.expose()).body).toContain('selvage_window_floor_offset{topic="orders",partition="2"} 4');
  metrics.windowVouched('orders', 2, 11, null);
  const lapsed = (await metrics.expose()).body;
  expect(lapsed).not.toContain('selvage_window_floor_offset{');
  expect(lapsed).toContain('selvage_window_high_offset{topic="orders",partition="2"} 11');
  metrics.windowVouched('orders', 2, 12, 11);
  expect((await metrics.expose()).body).toContain('selvage_window_floor_offset{topic="orders",partition="2"} 11');
});

test('open connections are what was opened less what was closed', async () => {
  const metrics = createPrometheusMetrics({ processMetrics: false });
  metrics.connectionOpened();
  metrics.connectionOpened();
  metrics.connectionClosed('client-gone', 3);
  const { body } = await metrics.expose();
  expect(body).toContain('selvage_connections 1');
  expect(body).toContain('selvage_connections_closed_total{reason="client-gone"} 1');
});

test('a counter whose labels are known begins at 0, so that its first increment is an increase', async () => {
  const metrics = createPrometheusMetrics({ processMetrics: false });
  metrics.topicRouted('orders');
  const { body } = await metrics.expose();
  expect(body).toContain('selvage_gaps_total{reason="store-lost",cause="fabric"} 0');
  expect(body).toContain('selvage_resumes_total{tier="log",outcome="gap"} 0');
  expect(body).toContain('selvage_log_tail_holes_total{topic="orders"} 0');
  expect(body).toContain('selvage_undecodable_records_total{topic="orders",reason="oversized"} 0');
  for (const { kind, labels, name } of entries) {
    const isOfNamedThings = labels?.some((label) => ['issuer', 'route', 'kind'].includes(label)) === true;
    const isTraffic =
      name === 'selvage_log_records_read_total' || name === 'selvage_log_read_bytes_total' || name.startsWith('selvage_window_events');
    if (kind === 'counter' && !isOfNamedThings && !isTraffic) expect(body, name).toMatch(new RegExp(`^${name}(\\{.*\\})? 0$`, 'm'));
  }
});

test('two instances never meet, and the process is measured on request', async () => {
  const one = createPrometheusMetrics();
  const other = createPrometheusMetrics();
  one.published('accepted', 4);
  expect((await other.expose()).body).toContain('selvage_published_events_total{outcome="accepted"} 0');
  expect((await other.expose()).body).toContain('nodejs_eventloop_lag_seconds');
});

test('the twin that does nothing has every verb', async () => {
  expect(Object.keys(noMetrics).sort()).toEqual(Object.keys(createPrometheusMetrics({ processMetrics: false })).sort());
  expect((await noMetrics.expose()).body).toBe('');
});

test('what is observed with each event reads as any histogram does', async () => {
  const metrics = createPrometheusMetrics({ processMetrics: false });
  const { name, help, buckets }: MetricEntry = metricCatalogue.delivery;
  const usual = new promClient.Histogram({ name, help, buckets: [...(buckets ?? [])], registers: [] });
  for (const seconds of [0, 0.001, 0.0011, 0.7, 1, 1.5, 30, 31, 1_000]) {
    metrics.delivered(seconds);
    usual.observe(seconds);
  }
  const registry = new promClient.Registry();
  registry.registerMetric(usual);
  expect((await metrics.expose()).body).toContain((await registry.metrics()).trim());
});
