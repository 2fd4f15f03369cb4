import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  provideHelmTemplate,
  provideHelmUnittest,
  provideKubeconform,
  provideKubernetesSchemas,
} from '../../../scripts/ops/tools/tools.mjs';
import { chartPath, ciValues, isJudged, parseManifests, renderChart, unjudgedKinds } from './chart.js';
import { kubernetesVersion } from './kubernetes-version.js';
import { runTool } from './run-tool.js';

test('there are values files to try', () => {
  expect(ciValues().length).toBeGreaterThan(3);
});

test.each(ciValues())('with %s every manifest has only fields that its kind has', async (name) => {
  const [template, kubeconform, schemas] = [await provideHelmTemplate(), await provideKubeconform(), await provideKubernetesSchemas()];
  const rendered = await renderChart(template, name, kubernetesVersion());
  const args = ['-strict', '-summary', '-output', 'json', '-schema-location', schemas, '-skip', unjudgedKinds.join(','), '-'];
  const { code, stdout, stderr } = await runTool(kubeconform, args, { input: rendered });
  expect(code, `${stdout}\n${stderr}`).toBe(0);
  // A kind that no schema is known of would be an error too; that each was looked at is what the summary says.
  const { summary } = JSON.parse(stdout) as { readonly summary: Readonly<Record<'valid' | 'invalid' | 'errors' | 'skipped', number>> };
  const manifests = parseManifests(rendered);
  const judged = manifests.filter(isJudged).length;
  expect(summary).toEqual({ valid: judged, invalid: 0, errors: 0, skipped: manifests.length - judged });
});

test.skip(`the fields of ${unjudgedKinds.join(' and ')}: no definition of them can be had outside Google's cloud`);

test("the chart's own tests pass", async () => {
  const unittest = await provideHelmUnittest();
  const { code, stdout, stderr } = await runTool(unittest, ['--strict', '--file', join('tests', '**', '*_test.yaml'), chartPath]);
  expect(code, `${stdout}\n${stderr}`).toBe(0);
  const passed = Number(/Tests:\s+(?:\d+ failed, )?(\d+) passed/.exec(stdout)?.[1]);
  expect(passed, stdout).toBeGreaterThan(20);
});
