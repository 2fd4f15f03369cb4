import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { SelvageNode } from '../../platform/selvage-node.js';
import { sharedKafka, sharedRedis } from '../../platform/shared-services.js';
import { uniqueName } from '../../platform/unique-name.js';
import { environmentOf, readInPod } from './pod-files.js';
import type { Container, KubernetesObject, PodSpec } from './rendered-chart.js';
import { chartPath, podsOf, renderChart, writeValues } from './rendered-chart.js';

const run = promisify(execFile);
const ownFolder = '/etc/selvage/';

/** What the kubelet does: files of a pod are put into a folder, and the variables that name them follow. Ports are the test's own. */
function layOut(objects: readonly KubernetesObject[], pod: PodSpec, container: Container): Readonly<Record<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), 'selvage-pod-'));
  const env = environmentOf(container, {});
  for (const [name, path] of Object.entries(env)) {
    if (!path.startsWith(ownFolder)) continue;
    const here = join(folder, path.slice(ownFolder.length));
    mkdirSync(dirname(here), { recursive: true });
    writeFileSync(here, readInPod(objects, pod, container, path));
    env[name] = here;
  }
  return Object.fromEntries(Object.entries(env).filter(([name]) => name !== 'PORT' && name !== 'ADMIN_PORT'));
}

test('a release runs: its Job makes the topics, its nodes become ready, helm test passes', async () => {
  const group = uniqueName('chart');
  const topic = uniqueName('chart-topic');
  const config = {
    group,
    kafka: { brokers: sharedKafka().brokers.split(',') },
    redis: { url: sharedRedis().url },
    routes: [{ topic, keyed: 'murmur2', channels: ['demo.{key}'], publish: true }],
    drain: { balancerWaitSeconds: 1, windowSeconds: 1 },
  };
  const secrets = { adminToken: { value: 'admin-token-of-enough-characters' } };
  const values = writeValues({ config, secrets, topicsJob: { enabled: true, replication: 1 } });
  const objects = await renderChart('minimal.yaml', '--values', values);
  const envOf = (part: string): { readonly env: Readonly<Record<string, string>>; readonly args: readonly string[] } => {
    const { pod } = podsOf(objects).find(({ owner }) => owner.includes(part)) ?? { pod: null };
    const container = pod?.containers[0];
    if (pod === null || container === undefined) throw new Error(`no pods of ${part}`);
    return { env: layOut(objects, pod, container), args: container.args ?? [] };
  };

  const job = envOf('-topics-');
  const program = join(chartPath, '..', '..', 'dist', 'main.js');
  const said = await run(process.execPath, [program, ...job.args], { env: { PATH: process.env['PATH'], ...job.env } });
  expect(said.stdout).toContain(topic);

  await using edge = await SelvageNode.start({ env: envOf('-edge').env, isOpen: false });
  await using indexer = await SelvageNode.start({ env: envOf('-indexer').env, isOpen: false });
  expect(await indexer.isReady()).toBe(true);
  const check = readFileSync(join(chartPath, 'files', 'scripts', 'check-release.mjs'), 'utf8');
  const asked = { ADMIN_URL: edge.adminUrl, PUBLIC_URL: edge.url, CHANNEL: 'demo.helm-test' };
  const tried = await run(process.execPath, ['--input-type=module', '--eval', check], { env: { PATH: process.env['PATH'], ...asked } });
  expect(tried.stdout).toBe('readiness: fine\nstream: fine\n');

  // What the second pod of `helm test` runs.
  const examined = await run(process.execPath, [program, 'doctor'], { env: { PATH: process.env['PATH'], ...envOf('-edge').env } });
  expect(examined.stdout).toContain(topic);
  // The secret file reached the node: without it the admin port would answer.
  expect((await fetch(`${edge.adminUrl}/v1/config`)).status).toBe(401);
  const token = { authorization: 'Bearer admin-token-of-enough-characters' };
  expect((await fetch(`${edge.adminUrl}/v1/config`, { headers: token })).status).toBe(200);
});
