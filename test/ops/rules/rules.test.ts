import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { expect, test } from 'vitest';
import { metricCatalogue } from '../../../src/telemetry/metric-catalogue.js';
import type { MetricEntry } from '../../../src/telemetry/metric-catalogue.js';
import { alertsOf, prometheusFolder, readRules } from './rule-files.js';

const rules = readRules();
const alerts = alertsOf(rules);
const runbook = readFileSync(new URL('../../../deploy/RUNBOOK.md', import.meta.url), 'utf8');
const names = alerts.map(({ alert }) => alert);

interface RuleTest {
  readonly promql_expr_test?: readonly { readonly expr: string; readonly exp_samples: readonly unknown[] }[];
}

const ruleTests = readdirSync(`${prometheusFolder}tests/`)
  .filter((name) => name.endsWith('.test.yaml'))
  .flatMap((name) => (parse(readFileSync(`${prometheusFolder}tests/${name}`, 'utf8')) as { tests: RuleTest[] }).tests);

test('no two alerts have one name, and at most five page', () => {
  expect(new Set(names).size).toBe(names.length);
  expect(alerts.filter(({ labels }) => labels?.['severity'] === 'page').length).toBeLessThanOrEqual(5);
});

test.each(alerts)('$alert says what is the matter, how much, where, and what to do', ({ alert, labels = {}, annotations = {} }) => {
  expect(labels['severity']).toMatch(/^(page|ticket)$/);
  const { summary = '', description = '', runbook_url: url = '' } = annotations;
  expect(summary).not.toBe('');
  expect(summary).not.toContain('{{');
  for (const part of ['{{ $value', '{{ $labels.cluster }}', '{{ $labels.namespace }}']) expect(description).toContain(part);
  expect(url).toMatch(new RegExp(`/RUNBOOK\\.md#${alert.toLowerCase()}$`));
});

test.each(names)('%s has a section of the runbook with all that is asked at night', (name) => {
  const section = new RegExp(`^### ${name}$([^]*?)(?=^##|$(?![^]))`, 'm').exec(runbook)?.[1] ?? '';
  for (const part of ['Meaning', 'Readers feel', 'First look', 'Likely causes', 'Mending', 'Afterwards']) {
    expect(section, part).toContain(`**${part}.**`);
  }
});

test('the runbook has no section for an alert that is gone', () => {
  const sections = [...runbook.matchAll(/^### (Selvage\w+)$/gm)].map(([, name]) => name);
  expect(sections.sort()).toEqual([...names].sort());
});

test('links inside the runbook lead somewhere', () => {
  const anchors = [...runbook.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
  for (const [, anchor] of runbook.matchAll(/\]\(#([^)]*)\)/g)) expect(anchors).toContain(anchor);
});

test.each(names)('%s has a test in which it fires, and one in which it does not', (name) => {
  const looks = ruleTests.flatMap(({ promql_expr_test: tests = [] }) => tests).filter(({ expr }) => expr.includes(`alertname="${name}"`));
  expect(looks.some(({ exp_samples: samples }) => samples.length > 0)).toBe(true);
  expect(looks.some(({ exp_samples: samples }) => samples.length === 0)).toBe(true);
});

/** What Prometheus and the runtime say of every target. */
const foreignMetrics = ['up', 'process_resident_memory_bytes'];
const entries = new Map<string, MetricEntry>(
  Object.values(metricCatalogue as Record<string, MetricEntry>).flatMap((entry) =>
    (entry.kind === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']).map((suffix) => [entry.name + suffix, entry] as const),
  ),
);
const recorded = new Set(rules.groups.flatMap((group) => group.rules).flatMap(({ record }) => (record === undefined ? [] : [record])));

test.each(rules.groups.flatMap((group) => group.rules).map((rule) => ({ name: rule.alert ?? rule.record, expr: rule.expr })))(
  '$name asks for metrics that nodes have, by labels and values that they have',
  ({ expr }) => {
    for (const [name] of expr.matchAll(/\b(job:)?(selvage|process|nodejs)_[a-z0-9_:]+[a-z0-9]+\b/g)) {
      expect(entries.has(name) || recorded.has(name) || foreignMetrics.includes(name), name).toBe(true);
    }
    for (const [, name = '', matchers = ''] of expr.matchAll(/\b(selvage_\w+)\{([^}]*)\}/g)) {
      const entry = entries.get(name) as MetricEntry;
      for (const [, label = '', operator = '', value = ''] of matchers.matchAll(/(\w+)(=~|!~|=|!=)"([^"]*)"/g)) {
        expect([...(entry.labels ?? []), ...(entry.kind === 'histogram' ? ['le'] : [])]).toContain(label);
        const index = (entry.labels ?? []).indexOf(label) - (entry.labels?.[0] === 'topic' ? 1 : 0);
        const known = entry.series?.map((row) => row[index]);
        if (known !== undefined && operator.endsWith('~') && !value.includes('*'))
          for (const one of value.split('|')) expect(known).toContain(one);
        else if (known !== undefined && operator === '=') expect(known).toContain(value);
      }
    }
  },
);

test('what one alert holds back is an alert, and so is what holds it back', () => {
  const file = parse(readFileSync(`${prometheusFolder}alertmanager.yml`, 'utf8')) as {
    readonly inhibit_rules: readonly { readonly source_matchers: readonly string[]; readonly target_matchers: readonly string[] }[];
  };
  const named = file.inhibit_rules
    .flatMap((rule) => [...rule.source_matchers, ...rule.target_matchers])
    .flatMap((matcher) => /^alertname =~? "(.*)"$/.exec(matcher)?.[1]?.split('|') ?? []);
  expect(named.length).toBeGreaterThan(20);
  for (const name of named) expect(names).toContain(name);
});
