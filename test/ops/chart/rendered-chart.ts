import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { provideHelmTemplate } from '../../../scripts/ops/tools/tools.mjs';

const run = promisify(execFile);
const outputBytesMax = 64 * 1_048_576;

export const chartPath = fileURLToPath(new URL('../../../helm/selvage/', import.meta.url));

/** Any object of Kubernetes, as far as these tests look into it. */
export interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly template?: { readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> }; readonly spec: PodSpec };
  };
}

export interface PodSpec {
  readonly terminationGracePeriodSeconds?: number;
  readonly containers: readonly Container[];
  readonly volumes: readonly Volume[];
}

export interface Container {
  readonly name: string;
  readonly env: readonly EnvironmentVariable[];
  readonly args?: readonly string[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
}

export interface EnvironmentVariable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly fieldRef?: { readonly fieldPath: string } };
}

interface KeyedSource {
  readonly name: string;
  readonly items?: readonly { readonly key: string; readonly path: string }[];
}

export interface Volume {
  readonly name: string;
  readonly configMap?: KeyedSource;
  readonly secret?: { readonly secretName: string };
  readonly projected?: { readonly sources: readonly { readonly secret?: KeyedSource; readonly configMap?: KeyedSource }[] };
  readonly emptyDir?: object;
}

/** Names of the values files that each install alone. */
export const valuesFiles = readdirSync(join(chartPath, 'ci')).filter((name) => name.endsWith('.yaml'));

/** What `helm template` makes of the chart as the release `rel`. `args` follow, such as `--set`. */
export async function renderChart(valuesFile: string, ...args: readonly string[]): Promise<readonly KubernetesObject[]> {
  const helm = await provideHelmTemplate();
  const where = ['--namespace', 'fabric', '--kube-version', '1.36.0'];
  const given = ['template', 'rel', chartPath, ...where, '--values', join(chartPath, 'ci', valuesFile), ...args];
  const { stdout } = await run(helm, given, { maxBuffer: outputBytesMax });
  return parseAllDocuments(stdout)
    .map((document) => document.toJS() as KubernetesObject | null)
    .filter((object) => object !== null);
}

/** A values file of the test's own, for `--values`. */
export function writeValues(values: object): string {
  const path = join(mkdtempSync(join(tmpdir(), 'selvage-values-')), 'values.yaml');
  writeFileSync(path, JSON.stringify(values));
  return path;
}

export function objectOf(objects: readonly KubernetesObject[], kind: string, name: string): KubernetesObject {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return found;
}

/** The pods that run the program: of each Deployment and Job. */
export function podsOf(objects: readonly KubernetesObject[]): readonly { readonly owner: string; readonly pod: PodSpec }[] {
  return objects.flatMap(({ kind, metadata, spec }) =>
    ['Deployment', 'Job'].includes(kind) && spec?.template !== undefined
      ? [{ owner: `${kind} ${metadata.name}`, pod: spec.template.spec }]
      : [],
  );
}
