import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../../platform/wait-for.js';
import { expressionsOf, interpolate, metricsOf, readDashboards } from './committed-dashboards.js';
import { PrometheusServer } from './prometheus-server.js';
import { SmallFabric } from './small-fabric.js';

const dashboards = readDashboards();
const expressions = dashboards.flatMap(({ dashboard }) => expressionsOf(dashboard));
const atRest = (expr: string): string => interpolate(expr, '5s', '1m');

/** Stand-ins for the alerts of deploy/prometheus, so that there is one of each kind. */
const rules = {
  groups: [
    {
      name: 'of-the-test',
      rules: ['page', 'ticket'].map((severity) => ({ alert: `SelvageTest${severity}`, expr: 'vector(1)', labels: { severity } })),
    },
  ],
};

let fabric: SmallFabric;
let prometheus: PrometheusServer;

beforeAll(async () => {
  fabric = await SmallFabric.start();
  const targets = fabric.nodes.map(({ adminPort }) => `127.0.0.1:${adminPort}`);
  prometheus = await PrometheusServer.start({ job: 'selvage', targets, rules });
  await waitFor(async () => (await prometheus.query('count(count_over_time(up[10s]) >= 2) == 2')).length > 0, {
    timeoutMs: 20_000,
    what: 'two scrapes of both nodes',
  });
  await fabric.live();
  // The gap comes once, the rest again and again.
  const isCounted = ['selvage_gaps_total[30s]', 'selvage_window_events_written_total[5s]', 'selvage_log_records_read_total[5s]']
    .map((range) => `(sum(rate(${range})) > 0)`)
    .join(' and on () ');
  await waitFor(
    async () => {
      await fabric.publish(5); // again and again: an increase needs a sample before it
      return (await prometheus.query(`${isCounted} and on () ALERTS{severity="page"}`)).length > 0;
    },
    { timeoutMs: 30_000, everyMs: 500, what: 'a gap, an indexed event, a record read and an alert in Prometheus' },
  );
});

afterAll(async () => {
  prometheus?.close();
  await fabric?.close();
});

test('every metric of every expression is on /metrics of a running node', async () => {
  const exposed = await Promise.all(fabric.nodes.map(async ({ adminUrl }) => (await fetch(`${adminUrl}/metrics`)).text()));
  const types = new Map(
    exposed.flatMap((text) => [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', kind = '']) => [name, kind] as const)),
  );
  const used = new Set(expressions.flatMap(({ expr }) => metricsOf(expr)));
  used.delete('ALERTS');
  const nameOf = (name: string): string => (types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, ''));
  expect([...used].filter((name) => !types.has(nameOf(name)))).toEqual([]);
});

test('Prometheus answers every expression, and has something to show for each that shows more than what goes wrong', async () => {
  const silent: string[] = [];
  for (const { where, expr } of expressions) {
    const answer = await prometheus.query(atRest(expr)).catch((error: unknown) => Promise.reject(new Error(where, { cause: error })));
    const showsOnlyTrouble = expr.endsWith('> 0') || expr.endsWith('> 0)');
    if (answer.length === 0 && !showsOnlyTrouble) silent.push(`${where}: ${atRest(expr)}`);
  }
  expect(silent).toEqual([]);
});

test('the labels in legends are in what Prometheus answers', async () => {
  for (const { where, expr, of } of expressions) {
    const text = 'legendFormat' in of ? of.legendFormat : `${of.titleFormat ?? ''} ${of.textFormat ?? ''}`;
    const labels = [...text.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
    const optional = ['namespace', 'cluster', 'job', 'instance']; // not every alert has them
    for (const { metric } of await prometheus.query(atRest(expr))) {
      for (const label of labels)
        if ('legendFormat' in of || !optional.includes(label)) expect(Object.keys(metric), where).toContain(label);
    }
  }
});

test('the present of a running fabric is the one that the dashboards tell', async () => {
  const now = async (title: string): Promise<number> => {
    const found = expressions.find(({ where }) => where.includes(`"${title}"`));
    const [sample] = await prometheus.query(atRest(found?.expr ?? ''));
    return Number(sample?.value[1]);
  };
  expect(await now('Edges ready')).toBe(1);
  expect(await now('Open streams')).toBe(2);
  expect(await now('Pages firing')).toBe(1);
  expect(await now('Versions')).toBe(1);
  expect(await now('Nodes with a window')).toBe(1);
  expect(await now('Dead letters')).toBeGreaterThan(0);
  await waitFor(async () => (await now('Not yet indexed')) === 0, { what: 'an index that has caught up', everyMs: 500 });
  expect(await now('Kafka silent for')).toBeLessThan(3);
});

test('the variables find jobs and instances, and nothing but nothing where there are no clusters', async () => {
  const { templating } = dashboards[0]!.dashboard;
  const valuesOf = async (name: string): Promise<readonly string[]> => {
    const { query } = templating.list.find((variable) => variable.name === name) as { readonly query: { readonly query: string } };
    const [, selector = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(query.query) ?? [];
    return prometheus.labelValues(interpolate(selector), label);
  };
  expect(await valuesOf('job')).toEqual(['selvage']);
  expect(await valuesOf('instance')).toEqual(fabric.nodes.map(({ adminPort }) => `127.0.0.1:${adminPort}`).sort());
  expect(await valuesOf('cluster')).toEqual([]);
});
