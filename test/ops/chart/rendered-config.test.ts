import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Config } from '../../../src/config/config.js';
import { loadConfig } from '../../../src/config/load-config.js';
import { graceMsOf } from '../../../src/lifecycle/drain.js';
import type { Container, KubernetesObject, PodSpec } from './rendered-chart.js';
import { chartPath, objectOf, podsOf, renderChart, valuesFiles } from './rendered-chart.js';
import { environmentOf, readInPod, sampleSecrets, withRack } from './pod-files.js';

const zoneField = "metadata.labels['topology.kubernetes.io/zone']";
const initPath = '/run/selvage/selvage.json';

/** What the program makes of what a pod is given; throws what it would refuse to start with. */
function startConfig(objects: readonly KubernetesObject[], pod: PodSpec, container: Container, zone: string): Config {
  const configMap = pod.volumes.find(({ name }) => name === 'config')?.configMap?.name ?? '';
  const read = (path: string): string =>
    path === initPath ? withRack(objects, configMap, 'zone-of-node') : readInPod(objects, pod, container, path);
  return loadConfig(environmentOf(container, { [zoneField]: zone }), read, 'node');
}

/** Every path of a file in a configuration. */
function filesIn(value: unknown, name = ''): readonly string[] {
  if (typeof value === 'string') return /File$/.test(name) ? [value] : [];
  if (Array.isArray(value)) return value.flatMap((one) => filesIn(one, name));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([inner, one]) => filesIn(one, inner));
}

const mainContainerOf = ({ containers }: PodSpec): Container => {
  const [first] = containers;
  if (first === undefined) throw new Error('a pod without containers');
  return first;
};

for (const valuesFile of valuesFiles) {
  test(`the program accepts what each pod of ci/${valuesFile} is given`, async () => {
    const objects = await renderChart(valuesFile);
    const pods = podsOf(objects);
    expect(pods.length).toBeGreaterThan(0);
    const fabrics: unknown[] = [];
    for (const { owner, pod } of pods) {
      const container = mainContainerOf(pod);
      const config = startConfig(objects, pod, container, 'zone-a');
      expect(config.isEmbedded, owner).toBe(false);
      expect(config.port).toBe(8_080);
      expect(config.adminPort).toBe(9_090);
      expect(config.host).toBe('0.0.0.0');
      expect(config.routes.length).toBeGreaterThan(0);
      for (const path of [...filesIn(config), ...Object.values(config.secretFiles)]) {
        expect(() => readInPod(objects, pod, container, path), `${owner} reads ${path}`).not.toThrow();
      }
      const { group, routes, window, recent, redis, kafka, control } = config;
      fabrics.push({ group, routes, window, recent, redis, kafka, control });
      if (pod.terminationGracePeriodSeconds === undefined) continue;
      const { balancerWaitSeconds, windowSeconds } = config.drain;
      // An indexer has no streams: its window ends at once.
      const windowMs = config.roles.includes('edge') ? windowSeconds * 1_000 : 0;
      const graceMs = graceMsOf({ balancerWaitMs: balancerWaitSeconds * 1_000, windowMs });
      expect(pod.terminationGracePeriodSeconds * 1_000, owner).toBeGreaterThanOrEqual(graceMs);
    }
    // Edges and indexers of other routes, windows or topics would not be one fabric.
    for (const fabric of fabrics) expect(fabric).toEqual(fabrics[0]);
  });
}

test('edges and indexers have one role each; combined pods have both', async () => {
  const rolesOf = async (valuesFile: string): Promise<Record<string, readonly string[]>> => {
    const objects = await renderChart(valuesFile);
    return Object.fromEntries(
      podsOf(objects)
        .filter(({ owner }) => owner.startsWith('Deployment'))
        .map(({ owner, pod }) => [owner, startConfig(objects, pod, mainContainerOf(pod), '').roles]),
    );
  };
  expect(await rolesOf('minimal.yaml')).toEqual({ 'Deployment rel-selvage-edge': ['edge'], 'Deployment rel-selvage-indexer': ['indexer'] });
  expect(await rolesOf('combined.yaml')).toEqual({ 'Deployment rel-selvage-edge': ['edge', 'indexer'] });
});

test('the rack is the zone of the pod, or none where the cluster has no such label', async () => {
  const objects = await renderChart('minimal.yaml');
  for (const { pod } of podsOf(objects)) {
    expect(startConfig(objects, pod, mainContainerOf(pod), 'eu-central-1a').kafka.rackId).toBe('eu-central-1a');
    expect(startConfig(objects, pod, mainContainerOf(pod), '').kafka.rackId).toBeNull();
  }
  const asked = await renderChart('msk-iam.yaml');
  for (const { pod } of podsOf(asked)) expect(startConfig(asked, pod, mainContainerOf(pod), '').kafka.rackId).toBe('zone-of-node');
});

test('each secret reaches the option that it is for, as a file that is read again', async () => {
  const read = async (valuesFile: string, role: string): Promise<Config> => {
    const objects = await renderChart(valuesFile);
    const found = podsOf(objects).find(({ owner }) => owner.endsWith(`-${role}`));
    if (found === undefined) throw new Error(`no pods of ${role}`);
    return startConfig(objects, found.pod, mainContainerOf(found.pod), '');
  };
  const edge = await read('production.yaml', 'edge');
  expect(edge.kafka.sasl.password).toBe(sampleSecrets['kafka-sasl-password']);
  expect(edge.redis.url).toBe(sampleSecrets['redis-url']);
  expect(edge.auth.ticketSecret).toBe(sampleSecrets['ticket-secret']);
  expect(edge.auth.permissionHook.secret).toBe(sampleSecrets['permission-hook-secret']);
  expect(edge.admin.token).toBe(sampleSecrets['admin-token']);
  expect(edge.kafka.tls.caFile).toBe('/etc/selvage/certificates/kafka-ca.crt');
  expect(edge.secretFiles['kafka.sasl.password']).toBe('/etc/selvage/secrets/kafka-sasl-password');
  const indexer = await read('production.yaml', 'indexer');
  expect(indexer.kafka.sasl.password).toBe(sampleSecrets['kafka-sasl-password']);
  // An indexer asks nobody who they are, and is given nothing that could seal or sign.
  expect(indexer.auth.ticketSecret).toBeNull();
  expect(Object.keys(indexer.secretFiles).some((path) => path.startsWith('auth.'))).toBe(false);
  const oauth = await read('oauth.yaml', 'indexer');
  expect(oauth.kafka.sasl.clientSecret).toBe(sampleSecrets['kafka-sasl-client-secret']);
  expect(oauth.tracing.headers).toBe(sampleSecrets['tracing-headers']);
  const mutual = await read('mtls.yaml', 'edge');
  expect(mutual.redis.tls.certFile).toBe('/etc/selvage/certificates/redis.crt');
  expect(mutual.kafka.tls.keyFile).toBe('/etc/selvage/certificates/kafka.key');
  expect((await read('combined.yaml', 'edge')).auth.jwtSecret).toBe('a secret of at least thirty-two bytes, of your own');
  expect((await read('load-balancer.yaml', 'edge')).tls.certFile).toBe('/etc/selvage/certificates/serving.crt');
});

test('what concerns edges alone rolls no indexer, and what concerns both rolls both', async () => {
  const sums = async (...args: readonly string[]): Promise<readonly (string | undefined)[]> => {
    const objects = await renderChart('production.yaml', ...args);
    const deployments = objects.filter(({ kind }) => kind === 'Deployment');
    return deployments.map(({ spec }) => spec?.template?.metadata?.annotations?.['checksum/config']);
  };
  const [edge, indexer] = await sums();
  const [edgeAfterCors, indexerAfterCors] = await sums('--set', 'config.cors.origins={https://other.example.com}');
  expect(edgeAfterCors).not.toBe(edge);
  expect(indexerAfterCors).toBe(indexer);
  const [edgeAfterWindow, indexerAfterWindow] = await sums('--set', 'config.window.ageSeconds=600');
  expect(edgeAfterWindow).not.toBe(edge);
  expect(indexerAfterWindow).not.toBe(indexer);
});

test('a secret given as a value is in the Secret of the chart and nowhere else', async () => {
  const objects = await renderChart('combined.yaml');
  const others = JSON.stringify(objects.filter(({ kind }) => kind !== 'Secret'));
  for (const secret of ['a secret of at least thirty-two bytes', 'a password of Redis']) expect(others).not.toContain(secret);
  expect(objectOf(objects, 'Secret', 'rel-selvage').data).toEqual({
    'jwt-secret': Buffer.from('a secret of at least thirty-two bytes, of your own').toString('base64'),
    'redis-password': Buffer.from('a password of Redis').toString('base64'),
  });
});

interface RuleGroups {
  readonly groups: readonly { readonly name: string; readonly rules: readonly { readonly alert?: string; readonly labels?: object }[] }[];
}

test('a PrometheusRule has the rules as they are, but for labels and alerts that are chosen', async () => {
  const folder = join(chartPath, 'files', 'rules');
  const source = readdirSync(folder).flatMap((name) => (parse(readFileSync(join(folder, name), 'utf8')) as RuleGroups).groups);
  const rulesWith = async (...args: readonly string[]): Promise<RuleGroups['groups']> => {
    const objects = await renderChart('minimal.yaml', '--set', 'prometheusRule.enabled=true', ...args);
    return (objectOf(objects, 'PrometheusRule', 'rel-selvage').spec as unknown as RuleGroups).groups;
  };
  expect(await rulesWith()).toEqual(source);
  const left = source.flatMap(({ rules }) => rules).find(({ alert }) => alert !== undefined)?.alert ?? '';
  const chosen = await rulesWith('--set', `prometheusRule.leaveOut={${left}},prometheusRule.alertLabels.team=platform`);
  const alerts = chosen.flatMap(({ rules }) => rules).filter(({ alert }) => alert !== undefined);
  expect(alerts.map(({ alert }) => alert)).not.toContain(left);
  for (const { labels } of alerts) expect(labels).toMatchObject({ team: 'platform' });
});
