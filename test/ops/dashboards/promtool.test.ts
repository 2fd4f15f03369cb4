import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { metricCatalogue } from '../../../src/telemetry/metric-catalogue.js';
import type { MetricEntry } from '../../../src/telemetry/metric-catalogue.js';
import { providePromtool } from '../../../scripts/ops/tools/tools.mjs';
import { makeRunFolder, removeRunFolder } from '../../platform/run-folder.js';
import { expressionsOf, interpolate, metricsOf, readDashboards } from './committed-dashboards.js';

const expressions = readDashboards().flatMap(({ dashboard }) => expressionsOf(dashboard));

test('promtool understands every expression', async () => {
  const promtool = await providePromtool();
  const folder = makeRunFolder('promtool');
  const rules = expressions.map(({ where, expr }, index) => ({ record: `dashboard:${index}`, expr: interpolate(expr), labels: { where } }));
  const path = join(folder, 'rules.yaml');
  writeFileSync(path, JSON.stringify({ groups: [{ name: 'dashboards', rules }] })); // JSON is YAML
  const { status, stdout, stderr } = spawnSync(promtool, ['check', 'rules', '--lint=none', path], { encoding: 'utf8' });
  removeRunFolder(folder);
  expect(`${stdout}${stderr}`).toContain(`SUCCESS: ${rules.length} rules found`);
  expect(status).toBe(0);
});

test('every metric of ours is in the catalogue, and every metric of the catalogue but some is on a dashboard', () => {
  const entries: readonly MetricEntry[] = Object.values(metricCatalogue);
  const known = entries.flatMap(({ name, kind }) =>
    kind === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name],
  );
  const used = new Set(expressions.flatMap(({ expr }) => metricsOf(expr)));
  expect([...used].filter((name) => name.startsWith('selvage_') && !known.includes(name))).toEqual([]);
  const unused = entries.filter(({ name }) => ![...used].some((one) => one === name || one.startsWith(`${name}_`))).map(({ name }) => name);
  // Sizes that no operator's decision hangs on: how many events, and the tail's own pace, which the lag tells the effect of.
  expect(unused.sort()).toEqual(['selvage_log_fetch_pace_seconds', 'selvage_recent_events', 'selvage_sent_bytes_total']);
});

test('a label that is matched or summed by is a label of that metric', () => {
  const ofTarget = ['cluster', 'namespace', 'job', 'instance', 'le'];
  const labelsOf = new Map(Object.values<MetricEntry>(metricCatalogue).map(({ name, labels = [] }) => [name, labels]));
  for (const { where, expr } of expressions) {
    for (const [, name = '', matchers = ''] of expr.matchAll(/\b(selvage_\w+)\{([^}]*)\}/g)) {
      const own = labelsOf.get(name) ?? labelsOf.get(name.replace(/_(bucket|sum|count)$/, '')) ?? [];
      for (const [, label = ''] of matchers.matchAll(/(\w+)(?:=~|!~|!=|=)"/g))
        expect([...ofTarget, ...own], `${where}: ${name}`).toContain(label);
    }
  }
});
