import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { provideAmtool, providePromtool } from '../../../scripts/ops/tools/tools.mjs';
import { makeRunFolder } from '../../platform/run-folder.js';
import { alertsOf, prometheusFolder, readRules } from './rule-files.js';
import { runTool } from './run-tool.js';
import { durationMs, scaleRules } from './scale-rules.js';

const promtool = await providePromtool();
/** Days of samples: minutes of work. */
const isLong = (name: string): boolean => name.startsWith('budgets') || name.startsWith('promises-bounds');
const tests = readdirSync(`${prometheusFolder}tests/`).filter((name) => name.endsWith('.test.yaml') && !isLong(name));

test('promtool finds nothing wrong with the rules', async () => {
  expect(await runTool(promtool, 'check', 'rules', 'rules/selvage-causes.yaml', 'rules/selvage-promises.yaml')).not.toContain('FAILED');
});

test.each(tests)('%s: rules fire when they must, not just below, and clear', async (name) => {
  expect(await runTool(promtool, 'test', 'rules', `tests/${name}`)).toContain('SUCCESS');
});

test('the scrape configuration of compose can be used', async () => {
  expect(await runTool(promtool, 'check', 'config', 'prometheus.yml')).toContain('2 rule files found');
});

test('so can that of Kubernetes, but for the discovery, which this promtool is built without', async () => {
  const folder = makeRunFolder('prometheus');
  const text = readFileSync(`${prometheusFolder}prometheus.kubernetes.yml`, 'utf8');
  const withoutDiscovery = text.replaceAll(/kubernetes_sd_configs:\n( +)- role: pod/g, 'static_configs:\n$1- targets: [one:1]');
  const path = join(folder, 'prometheus.yml');
  writeFileSync(path, withoutDiscovery);
  expect(await runTool(promtool, 'check', 'config', '--syntax-only', path)).toContain('SUCCESS');
});

test('Alertmanager can use its configuration', async () => {
  expect(await runTool(await provideAmtool(), 'check-config', 'alertmanager.yml')).toContain('SUCCESS');
});

test('rules in other time are rules, and have the same names and bounds', async () => {
  const path = join(makeRunFolder('prometheus'), 'scaled.yaml');
  const rules = readRules();
  const scaled = scaleRules(rules, 1 / 60);
  writeFileSync(path, stringify(scaled));
  expect(await runTool(promtool, 'check', 'rules', path)).toContain('SUCCESS');
  const one = alertsOf(scaled).find(({ alert }) => alert === 'SelvageLimitsRefusing');
  expect(one?.expr).toContain('[15000ms]');
  expect(one?.expr).toContain('> 0.2 *');
  expect(one?.for).toBe('15000ms');
  expect(alertsOf(scaled).map(({ alert }) => alert)).toEqual(alertsOf(rules).map(({ alert }) => alert));
  for (const { for: wait } of alertsOf(scaled)) if (wait !== undefined) expect(durationMs(wait)).toBeLessThanOrEqual(30_000);
});
