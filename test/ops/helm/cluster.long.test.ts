import { afterAll, beforeAll, expect, test } from 'vitest';
import { provideHelm3, provideHelm4 } from '../../../scripts/ops/tools/tools.mjs';
import { uniqueName } from '../../platform/unique-name.js';
import { chartPath, ciPath, ciValues, isJudged, parseManifests, renderChart } from './chart.js';
import type { Manifest } from './chart.js';
import { installCrds } from './install-crds.js';
import { KubeApiserver } from './kube-apiserver.js';
import { kubernetesVersion } from './kubernetes-version.js';
import { previousCharts } from './previous-charts.js';
import { runTool } from './run-tool.js';

let server: KubeApiserver;
let helm4: string;
let helm3: string;

beforeAll(async () => {
  [helm4, helm3] = [await provideHelm4(), await provideHelm3()];
  server = await KubeApiserver.start();
  await installCrds(server.client);
});

afterAll(async () => {
  await server.close();
});

test.each(ciValues())('with %s the API server takes every object, and has nothing to warn of', async (name) => {
  const { namespace, manifests } = await prepare(name);
  for (const manifest of manifests.filter(isJudged)) {
    const { status, body, warnings } = await server.client.apply(manifest, namespace);
    expect(status, `${manifest.kind} ${manifest.metadata.name}: ${JSON.stringify(body)}`).toBeLessThan(300);
    expect(warnings, `${manifest.kind} ${manifest.metadata.name}`).toEqual([]);
  }
});

test.each(ciValues())('with %s a namespace that lets in only restricted pods lets in every pod', async (name) => {
  const { manifests, namespace } = await prepare(name);
  const pods = manifests.flatMap((manifest) => podsOf(manifest));
  expect(pods.length).toBeGreaterThan(0);
  for (const pod of pods) {
    const { status, body, warnings } = await server.client.tryPod(pod, namespace);
    expect(status, `${pod.metadata.name}: ${JSON.stringify(body)}`).toBe(201);
    expect(warnings, pod.metadata.name).toEqual([]);
  }
});

/** What the server knows no kind of it cannot take. */
const installable = ciValues().filter((name) => name !== 'gke.yaml');

test.each(installable)('with %s it is installed, upgraded and removed by Helm 4', async (name) => {
  await installUpgradeRemove(helm4, name);
});

test('it is installed, upgraded and removed by Helm 3', async () => {
  await installUpgradeRemove(helm3, installable[0]!);
});

const previous = previousCharts();

test('there is a previous chart to upgrade from', () => {
  expect(previous.length).toBeGreaterThan(0);
});

test.each(
  previous.flatMap((chart) => chart.values.filter((name) => name !== 'gke.yaml').map((name) => ({ chart, name, version: chart.version }))),
)('an install of $version with $name is upgraded to this chart, and rolled back', async ({ chart, name }) => {
  const namespace = await makeNamespace();
  const helm = (...args: readonly string[]) => runHelm(helm4, namespace, args);
  await helm('install', 'selvage', chart.packagePath, '--values', chart.valuesPath(name));
  await helm('upgrade', 'selvage', chartPath, '--values', ciValues().includes(name) ? ciPath(name) : chart.valuesPath(name));
  await helm('rollback', 'selvage', '1');
});

/** The manifests with these values, and a namespace that has what pods are only let in with: their service accounts, and the priority that the values name. */
async function prepare(name: string): Promise<{ readonly namespace: string; readonly manifests: readonly Manifest[] }> {
  const namespace = await makeNamespace();
  const manifests = parseManifests(await renderChart(helm4, name, kubernetesVersion(), namespace));
  const accounts = manifests.filter(({ kind }) => kind === 'ServiceAccount');
  const priority = { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'high-priority' }, value: 1_000 };
  for (const object of [...accounts, priority]) {
    const { status, body } = await server.client.apply(object, namespace, 'for-real');
    expect(status, JSON.stringify(body)).toBeLessThan(300);
  }
  return { namespace, manifests };
}

async function installUpgradeRemove(file: string, name: string): Promise<void> {
  const namespace = await makeNamespace();
  const helm = (...args: readonly string[]) => runHelm(file, namespace, args);
  await helm('install', 'selvage', chartPath, '--values', ciPath(name));
  await helm('upgrade', 'selvage', chartPath, '--values', ciPath(name));
  expect(await helm('status', 'selvage')).toContain('STATUS: deployed');
  await helm('uninstall', 'selvage');
}

/** Hooks are jobs, which nothing would run here; as objects they are tried with the rest. */
async function runHelm(file: string, namespace: string, args: readonly string[]): Promise<string> {
  const noHooks = ['install', 'upgrade', 'rollback', 'uninstall'].includes(args[0]!) ? ['--no-hooks'] : [];
  const line = [...args, ...noHooks, '--namespace', namespace, '--kubeconfig', server.kubeconfigPath];
  const { code, stdout, stderr } = await runTool(file, line);
  expect(code, `helm ${args.join(' ')}: ${stderr}`).toBe(0);
  return stdout;
}

async function makeNamespace(): Promise<string> {
  const name = uniqueName('chart');
  await server.client.makeRestrictedNamespace(name);
  return name;
}

interface PodTemplate {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
  readonly spec: unknown;
}

/** What a controller would make of it: the pod of a Deployment, a Job or a CronJob, and a pod itself. */
function podsOf(manifest: Manifest): readonly { readonly metadata: { readonly name: string }; readonly spec: unknown }[] {
  const { kind, metadata, spec } = manifest;
  if (kind === 'Pod') return [{ metadata: { name: metadata.name }, spec }];
  const job = kind === 'CronJob' ? (spec?.['jobTemplate'] as { readonly spec: Readonly<Record<string, unknown>> }).spec : spec;
  const template = job?.['template'] as PodTemplate | undefined;
  return template?.spec ? [{ metadata: { ...template.metadata, name: metadata.name }, spec: template.spec }] : [];
}
