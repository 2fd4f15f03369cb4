import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { staleChartFiles } from '../../../scripts/ops/sync-chart-files.mjs';
import { configSchema } from '../../../src/config/config-schema.js';
import { optionEntries } from '../../../src/config/option-entries.js';
import { options } from '../../../src/config/options.js';
import { chartPath } from './rendered-chart.js';

const entries = optionEntries(options);
const secretPaths = entries.filter(({ option }) => option.isSecret).map(({ path }) => path);

test('rules, dashboards, options and the table of values are those of their sources: node scripts/ops/sync-chart-files.mjs writes them', async () => {
  expect(await staleChartFiles({ configSchema: configSchema(), secretPaths })).toEqual([]);
});

/** A YAML table that stands in a template between its `define` and its `end`. */
function tableOf(name: string): Readonly<Record<string, Readonly<Record<string, string | boolean>>>> {
  const source = readFileSync(join(chartPath, 'templates', '_secrets.tpl'), 'utf8');
  const text = new RegExp(`define "${name}" -}}\n([\\s\\S]*?){{- end }}`).exec(source)?.[1];
  return parse(text ?? '') as Readonly<Record<string, Readonly<Record<string, string | boolean>>>>;
}

test('every secret option of the program can be given as a file', () => {
  const expected = entries.filter(({ option }) => option.isSecret).map(({ env }) => `${env}_FILE`);
  const table = Object.values(tableOf('selvage.secretTable')).map(({ env }) => env);
  expect([...table].sort()).toEqual([...expected].sort());
});

test('every certificate and key of the program can be given as a file', () => {
  const expected = entries.filter(({ path }) => /\.(ca|cert|key)File$/.test(path)).map(({ env }) => env);
  const table = Object.values(tableOf('selvage.certificateTable')).flatMap(({ env, certEnv, keyEnv }) =>
    [env, certEnv, keyEnv].filter((one) => one !== undefined),
  );
  expect([...table].sort()).toEqual([...expected].sort());
});

/** Every value of values.yaml has a place in the schema, and every place has a default to read about. */
function compare(schema: Schema, value: unknown, path: string, problems: string[]): void {
  const { properties } = schema;
  if (properties === undefined || path === '.config' || value === null || typeof value !== 'object' || Array.isArray(value)) return;
  const given = value as Readonly<Record<string, unknown>>;
  for (const [name, inner] of Object.entries(properties)) {
    if (name === 'global' || (path.endsWith('.resources') && ['requests', 'limits', 'claims'].includes(name)) || path.endsWith('.affinity'))
      continue;
    if (name in given) compare(inner, given[name], `${path}.${name}`, problems);
    else problems.push(`${path}.${name} has no default`);
  }
  for (const name of Object.keys(given)) if (!(name in properties)) problems.push(`${path}.${name} has no schema`);
}

interface Schema {
  readonly type?: string | readonly string[];
  readonly additionalProperties?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
}

test('the schema knows every value, every value has a default, and no section takes names that it does not know', () => {
  const schema = JSON.parse(readFileSync(join(chartPath, 'values.schema.json'), 'utf8')) as Schema;
  const values: unknown = parse(readFileSync(join(chartPath, 'values.yaml'), 'utf8'));
  const problems: string[] = [];
  compare(schema, values, '', problems);
  const walk = (node: Schema, path: string): void => {
    if (node.properties !== undefined && node.additionalProperties !== false) problems.push(`${path} is open`);
    for (const [name, inner] of Object.entries(node.properties ?? {})) walk(inner, `${path}.${name}`);
  };
  walk(schema, '');
  expect(problems).toEqual([]);
});

test('every refusal is tried by a suite of the chart', () => {
  const source = readFileSync(join(chartPath, 'templates', '_refusals.tpl'), 'utf8');
  const sentences = [...source.matchAll(/include "selvage\.problem" (?:\(printf )?"((?:[^"\\]|\\.)*)"/g)].map(
    ([, sentence = '']) => sentence,
  );
  expect(sentences.length).toBeGreaterThan(50);
  const suites = ['refusals_test.yaml', 'stores_test.yaml'].map((name) => readFileSync(join(chartPath, 'tests', name), 'utf8')).join('\n');
  const patterns = [...suites.matchAll(/errorPattern: (?:'((?:[^']|'')*)'|"([^"]*)"|([^}]*)) }/g)].map(([, single, double, plain]) =>
    (single?.replaceAll("''", "'") ?? double ?? plain ?? '').trim(),
  );
  const untried = sentences.filter((sentence) => !patterns.some((pattern) => shareWords(sentence, pattern.replaceAll('\\', ''))));
  expect(untried.filter((sentence) => !sentence.includes('the chart was packed without'))).toEqual([]);
});

/** Long enough to be of one sentence only. */
const sharedLength = 18;

/** Whether a pattern has a stretch of what stands in a sentence between its places for names and numbers. */
function shareWords(sentence: string, pattern: string): boolean {
  return sentence.split(/%[dsvq]/).some((part) => {
    const starts = Array.from({ length: Math.max(0, part.length - sharedLength) }, (_, start) => start);
    return starts.some((start) => pattern.includes(part.slice(start, start + sharedLength)));
  });
}
