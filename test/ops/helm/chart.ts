import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { repositoryPath } from '../../platform/run-folder.js';
import { runTool } from './run-tool.js';

/** The folder of the chart. */
export const chartPath = join(repositoryPath, 'helm', 'selvage');

/** What a cluster with the optional parts has beside Kubernetes itself. */
const optionalApis = ['gateway.networking.k8s.io/v1', 'monitoring.coreos.com/v1', 'keda.sh/v1alpha1'];

/** Kinds of clouds of which no definition can be had outside them: nothing here can judge them. */
export const unjudgedKinds: readonly string[] = ['networking.gke.io/v1/HealthCheckPolicy', 'networking.gke.io/v1/GCPBackendPolicy'];

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** The names of the values files in a chart's `ci/`, each a way to install it that must work. */
export function ciValues(chart = chartPath): readonly string[] {
  const folder = join(chart, 'ci');
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .sort();
}

export function ciPath(name: string, chart = chartPath): string {
  return join(chart, 'ci', name);
}

/** What a release called `selvage` of the chart consists of, hooks and tests included, as YAML; throws what Helm (or `helm-template`) says when it refuses. */
export async function renderChart(helm: string, name: string, kubeVersion: string, namespace = 'selvage'): Promise<string> {
  const apis = optionalApis.flatMap((api) => ['--api-versions', api]);
  const args = [
    'template',
    'selvage',
    chartPath,
    '--namespace',
    namespace,
    '--values',
    ciPath(name),
    '--kube-version',
    kubeVersion,
    ...apis,
  ];
  const { code, stdout, stderr } = await runTool(helm, args);
  if (code !== 0) throw new Error(`helm template with ${name}: ${stderr}`);
  return stdout;
}

export function isJudged({ apiVersion, kind }: Manifest): boolean {
  return !unjudgedKinds.includes(`${apiVersion}/${kind}`);
}

export function parseManifests(text: string): readonly Manifest[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
}
