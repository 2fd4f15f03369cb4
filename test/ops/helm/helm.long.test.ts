import { beforeAll, expect, test } from 'vitest';
import { provideHelm3, provideHelm4, provideHelmTemplate } from '../../../scripts/ops/tools/tools.mjs';
import { chartPath, ciPath, ciValues, parseManifests, renderChart } from './chart.js';
import { kubernetesVersion } from './kubernetes-version.js';
import { runTool } from './run-tool.js';

const versions = ['Helm 3', 'Helm 4'] as const;
let helms: Readonly<Record<(typeof versions)[number], string>>;

beforeAll(async () => {
  helms = { 'Helm 3': await provideHelm3(), 'Helm 4': await provideHelm4() };
});

test.each(versions)('%s finds nothing to object to in the chart with its own values', async (version) => {
  const { code, stdout, stderr } = await runTool(helms[version], ['lint', '--strict', chartPath]);
  expect(code, `${stdout}\n${stderr}`).toBe(0);
});

test.each(versions.flatMap((version) => ciValues().map((name) => [version, name] as const)))(
  '%s finds nothing to object to with %s',
  async (version, name) => {
    const { code, stdout, stderr } = await runTool(helms[version], ['lint', '--strict', '--values', ciPath(name), chartPath]);
    expect(code, `${stdout}\n${stderr}`).toBe(0);
  },
);

test.each(ciValues())('with %s both make the manifests that the other tests look at', async (name) => {
  const [template, ...others] = [await provideHelmTemplate(), helms['Helm 3'], helms['Helm 4']];
  const render = async (file: string) => inOrder(parseManifests(await renderChart(file, name, kubernetesVersion())));
  const expected = await render(template);
  expect(expected.length).toBeGreaterThan(3);
  for (const other of others) expect(await render(other)).toEqual(expected);
});

/** Helm sorts by kind, the others by file. */
function inOrder<T extends { readonly kind: string; readonly metadata: { readonly name: string } }>(manifests: readonly T[]): readonly T[] {
  const keyOf = ({ kind, metadata }: T): string => `${kind} ${metadata.name}`;
  return manifests.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}
