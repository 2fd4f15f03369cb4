import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { parse, parseAllDocuments } from 'yaml';
import { expect, test } from 'vitest';
import { provideCrds } from '../../../scripts/ops/tools/tools.mjs';
import { repositoryPath } from '../../platform/run-folder.js';

interface TestRun {
  readonly kind: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly spec: {
    readonly parallelism: number;
    readonly script: { readonly localFile: string };
    readonly runner: { readonly image: string; readonly envFrom: readonly { readonly configMapRef?: { readonly name: string } }[] };
  };
}

interface Crd {
  readonly spec: { readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: object } }[] };
}

const folder = join(repositoryPath, 'loadtest', 'k6');
const documents = parseAllDocuments(readFileSync(join(folder, 'testrun.yaml'), 'utf8')).map((one) => one.toJS() as TestRun);
const testRun = documents.find(({ kind }) => kind === 'TestRun')!;

test('the TestRun is what the operator’s own definition says, and nothing else', async () => {
  const crd = parse(readFileSync(join(await provideCrds(), 'k6.io_testruns.yaml'), 'utf8')) as Crd;
  const { name, schema } = crd.spec.versions[0]!;
  expect(testRun).toMatchObject({ apiVersion: `k6.io/${name}` });
  const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(closed(schema.openAPIV3Schema));
  expect(validate(testRun), JSON.stringify(validate.errors)).toBe(true);
  expect(validate({ ...testRun, spec: { ...testRun.spec, paralelism: 4 } })).toBe(false);
});

test('the script that it names is in the image, and every setting is one that is read', () => {
  const path = testRun.spec.script.localFile.replace('/loadtest/', '');
  expect(existsSync(join(folder, path))).toBe(true);
  const dockerfile = readFileSync(join(folder, 'Dockerfile'), 'utf8');
  expect(dockerfile).toContain('COPY loadtest/k6/scenarios /loadtest/scenarios');
  const config = documents.find(({ kind }) => kind === 'ConfigMap')!.data!;
  const docs = readFileSync(join(folder, 'README.md'), 'utf8');
  for (const setting of Object.keys(config).filter((one) => !one.startsWith('K6_'))) expect(docs).toContain(`\`${setting}\``);
  expect(config['RUN']).toMatch(/\S/);
});

/** Every object with properties takes no others: an API server would drop them silently. */
function closed(schema: unknown): object {
  if (Array.isArray(schema)) return schema.map((one) => (typeof one === 'object' && one !== null ? closed(one) : (one as unknown)));
  const entries = Object.entries(schema as Record<string, unknown>).map(([key, value]) => [
    key,
    typeof value === 'object' && value !== null ? closed(value) : value,
  ]);
  const same = Object.fromEntries(entries) as Record<string, unknown>;
  const isClosed = 'properties' in same && same['type'] === 'object' && !('x-kubernetes-preserve-unknown-fields' in same);
  // `metadata` of the whole is described by Kubernetes, not here.
  return isClosed ? { ...same, additionalProperties: false } : same;
}
