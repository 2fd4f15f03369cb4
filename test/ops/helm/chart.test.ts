import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { provideHelm4, provideHelmUnittest, provideKubeconform, provideKubernetesSchemas } from '../../../scripts/ops/tools/tools.mjs';
import { chartPath, ciPath, ciValues, parseManifests, renderChart } from './chart.js';
import { kubernetesVersion } from './kubernetes-version.js';
import { runTool } from './run-tool.js';

let helm: string;

beforeAll(async () => {
  helm = await provideHelm4();
});

test('there are values files to try', () => {
  expect(ciValues().length).toBeGreaterThan(3);
});

test('Helm 4 finds nothing to object to in the chart with its own values', async () => {
  const { code, stdout, stderr } = await runTool(helm, ['lint', '--strict', chartPath]);
  expect(code, `${stdout}\n${stderr}`).toBe(0);
});

test.each(ciValues())('Helm 4 finds nothing to object to with %s', async (name) => {
  const { code, stdout, stderr } = await runTool(helm, ['lint', '--strict', '--values', ciPath(name), chartPath]);
  expect(code, `${stdout}\n${stderr}`).toBe(0);
});

test.each(ciValues())('with %s every manifest has only fields that its kind has', async (name) => {
  const [kubeconform, schemas] = await Promise.all([provideKubeconform(), provideKubernetesSchemas()]);
  const rendered = await renderChart(helm, name, kubernetesVersion());
  const args = ['-strict', '-summary', '-output', 'json', '-schema-location', schemas, '-'];
  const { code, stdout, stderr } = await runTool(kubeconform, args, { input: rendered });
  expect(code, `${stdout}\n${stderr}`).toBe(0);
  // A kind that no schema is known of would be an error too; that each was looked at is what the summary says.
  const { summary } = JSON.parse(stdout) as { readonly summary: Readonly<Record<'valid' | 'invalid' | 'errors' | 'skipped', number>> };
  expect(summary).toEqual({ valid: parseManifests(rendered).length, invalid: 0, errors: 0, skipped: 0 });
});

test("the chart's own tests pass", async () => {
  const unittest = await provideHelmUnittest();
  const { code, stdout, stderr } = await runTool(unittest, ['--strict', '--file', join('tests', '**', '*_test.yaml'), chartPath]);
  expect(code, `${stdout}\n${stderr}`).toBe(0);
  const passed = Number(/Tests:\s+(?:\d+ failed, )?(\d+) passed/.exec(stdout)?.[1]);
  expect(passed, stdout).toBeGreaterThan(20);
});
