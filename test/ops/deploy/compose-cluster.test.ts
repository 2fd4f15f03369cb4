import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { providePrometheus } from '../../../scripts/ops/tools/tools.mjs';
import { createTopic } from '../../platform/create-topic.js';
import { freePort } from '../../platform/free-port.js';
import { KafkaCluster } from '../../platform/kafka-cluster.js';
import { KafkaFixture } from '../../platform/kafka-fixture.js';
import { OwnedProcess } from '../../platform/owned-process.js';
import { RedisServer } from '../../platform/redis-server.js';
import { makeRunFolder } from '../../platform/run-folder.js';
import { SelvageNode } from '../../platform/selvage-node.js';
import { waitFor } from '../../platform/wait-for.js';
import { Http2Connection, askWhole } from '../proxies/proxy-client.js';
import { Proxy } from '../proxies/proxy.js';
import { ResumingReader } from '../proxies/resuming-reader.js';
import { loadComposeProject, mountedAt, serviceOf } from './compose-project.js';
import type { ComposeProject } from './compose-project.js';

/** What compose.yaml describes, started as processes: its commands, environments and configuration files, with other addresses. */
class ComposeCluster {
  readonly kafka: KafkaCluster;
  readonly nodes: readonly [SelvageNode, SelvageNode];
  readonly proxy: Proxy;
  readonly prometheusUrl: string;
  readonly #closers: readonly (() => Promise<unknown>)[];

  private constructor(
    kafka: KafkaCluster,
    nodes: readonly [SelvageNode, SelvageNode],
    proxy: Proxy,
    prometheusUrl: string,
    closers: readonly (() => Promise<unknown>)[],
  ) {
    this.kafka = kafka;
    this.nodes = nodes;
    this.proxy = proxy;
    this.prometheusUrl = prometheusUrl;
    this.#closers = closers;
  }

  static async start(project: ComposeProject): Promise<ComposeCluster> {
    const folder = makeRunFolder('compose');
    const [kafka, redis] = await Promise.all([
      KafkaCluster.start({ properties: brokerPropertiesOf(serviceOf(project, 'kafka').environment ?? {}) }),
      RedisServer.start({ args: (serviceOf(project, 'redis').command ?? []).slice(1) }),
    ]);
    await makeTopics(project, kafka.brokers);
    const nodes = await Promise.all([startNode(project, 'selvage-1', kafka, redis), startNode(project, 'selvage-2', kafka, redis)]);
    const proxy = await Proxy.start('nginx', nodes);
    const producer = new OwnedProcess({
      file: process.execPath,
      args: [mountedAt(serviceOf(project, 'producer'), '/app/producer.mjs')],
      env: { ...serviceOf(project, 'producer').environment, KAFKA_BROKERS: kafka.brokers, PATH: process.env['PATH'] ?? '' },
      folder,
      name: 'producer',
    });
    const prometheus = await startPrometheus(project, folder, nodes);
    const servers = [...nodes, proxy, redis, kafka].map((one) => () => one.close());
    const closers = [() => producer.stop(5_000), () => prometheus.process.stop(5_000), ...servers];
    return new ComposeCluster(kafka, nodes, proxy, prometheus.url, closers);
  }

  async close(): Promise<void> {
    for (const close of this.#closers) await close();
  }
}

/** As the image does it: KAFKA_A_B is a.b. Addresses are the test's. */
function brokerPropertiesOf(environment: Readonly<Record<string, string>>): Record<string, string> {
  const isAddress = /LISTENER|VOTERS|HEAP/;
  const entries = Object.entries(environment).filter(([name]) => name.startsWith('KAFKA_') && !isAddress.test(name));
  return Object.fromEntries(entries.map(([name, value]) => [name.slice('KAFKA_'.length).toLowerCase().replaceAll('_', '.'), value]));
}

/** The topic of the service's command; its program, a script around the broker's jars, is not among ours. */
async function makeTopics(project: ComposeProject, brokers: string): Promise<void> {
  const words = serviceOf(project, 'topics').command ?? [];
  const valueOf = (flag: string): string => words[words.indexOf(flag) + 1] ?? '';
  const kafka = await KafkaFixture.connect(brokers);
  try {
    await createTopic(kafka.admin, valueOf('--topic'), Number(valueOf('--partitions')));
  } finally {
    await kafka.close();
  }
}

function startNode(project: ComposeProject, name: string, kafka: KafkaCluster, redis: RedisServer): Promise<SelvageNode> {
  const service = serviceOf(project, name);
  const config = mountedAt(service, service.environment?.['SELVAGE_CONFIG'] ?? '');
  const env = { ...service.environment, KAFKA_BROKERS: kafka.brokers, REDIS_URL: redis.url, SELVAGE_CONFIG: config, HOST: '127.0.0.1' };
  return SelvageNode.start({ env });
}

async function startPrometheus(
  project: ComposeProject,
  folder: string,
  nodes: readonly SelvageNode[],
): Promise<{ readonly process: OwnedProcess; readonly url: string }> {
  const service = serviceOf(project, 'prometheus');
  const port = await freePort();
  let text = readFileSync(mountedAt(service, '/etc/prometheus/prometheus.yml'), 'utf8')
    .replaceAll('rules/*.yaml', `${mountedAt(service, '/etc/prometheus/rules')}/*.yaml`)
    .replaceAll('_interval: 15s', '_interval: 1s')
    .replaceAll('scrape_timeout: 10s', 'scrape_timeout: 1s');
  for (const [index, node] of nodes.entries()) text = text.replace(`selvage-${index + 1}:9090`, `127.0.0.1:${node.adminPort}`);
  writeFileSync(join(folder, 'prometheus.yaml'), text);
  const args = (service.command ?? []).map((word) =>
    word.replace('/etc/prometheus/prometheus.yml', join(folder, 'prometheus.yaml')).replace('=/prometheus', `=${join(folder, 'data')}`),
  );
  const listen = `--web.listen-address=127.0.0.1:${port}`;
  const started = new OwnedProcess({ file: await providePrometheus(), args: [...args, listen], folder, name: 'prometheus' });
  return { process: started, url: `http://127.0.0.1:${port}` };
}

let cluster: ComposeCluster;
beforeAll(async () => {
  cluster = await ComposeCluster.start(await loadComposeProject());
}, 180_000);
afterAll(() => cluster?.close());

test('the tasks of the producer are read through nginx, and go on when one of the nodes goes', { timeout: 60_000 }, async () => {
  using connection = new Http2Connection(cluster.proxy);
  using reader = await ResumingReader.open(connection.ask, 'channel=task.t1');
  await waitFor(() => reader.datas.length >= 3, { what: 'progress', timeoutMs: 30_000 });
  const [first, second] = reader.events;
  expect(first?.type).toMatch(/^(progress|complete)$/);
  expect(JSON.parse(second?.data ?? '')).toMatchObject({ task: 't1' });
  await cluster.nodes[0].stop();
  const count = reader.datas.length;
  await waitFor(() => reader.datas.length >= count + 3, { what: 'progress from the other node', timeoutMs: 30_000 });
  const steps = reader.datas.map((data) => (JSON.parse(data) as { progress: number }).progress);
  for (const [at, progress] of steps.entries()) if (at > 0) expect(progress).toBe(steps[at - 1]! >= 100 ? 0 : steps[at - 1]! + 2);
  expect(reader.gaps).toEqual([]);
  await cluster.nodes[0].start();
});

test('who opens a task sees its present state at once', { timeout: 30_000 }, async () => {
  using connection = new Http2Connection(cluster.proxy);
  const answer = await askWhole(connection.ask, '/v1/events?channel=task.t2&format=json&wait=0');
  const { events } = JSON.parse(answer.body.toString()) as { events: { type: string }[] };
  expect(events.length).toBeGreaterThan(0);
});

test('what is published through nginx is read through nginx', { timeout: 30_000 }, async () => {
  using connection = new Http2Connection(cluster.proxy);
  using reader = await ResumingReader.open(connection.ask, 'channel=demo');
  const asked = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"channel":"demo","type":"greeting","data":{"hello":"world"}}',
  };
  expect((await askWhole(connection.ask, '/v1/publish', asked)).status).toBe(200);
  await waitFor(() => reader.events.length > 0, { what: 'the greeting' });
  expect(reader.events[0]).toMatchObject({ type: 'greeting', data: '{"hello":"world"}' });
});

test('Prometheus scrapes both nodes and evaluates every rule', { timeout: 60_000 }, async () => {
  const ask = async (path: string): Promise<unknown> => (await fetch(`${cluster.prometheusUrl}${path}`)).json();
  const query = async (expression: string): Promise<readonly { value: [number, string] }[]> => {
    const answer = (await ask(`/api/v1/query?query=${encodeURIComponent(expression)}`)) as {
      data: { result: { value: [number, string] }[] };
    };
    return answer.data.result;
  };
  await waitFor(async () => (await query('sum(up{job="selvage"}) == 2')).length > 0, { what: 'two scraped nodes', timeoutMs: 30_000 });
  await waitFor(async () => (await query('sum(rate(selvage_events_sent_total[10s]))')).length > 0, { what: 'a rate', timeoutMs: 30_000 });
  const rules = await waitFor(
    async () => {
      const { data } = (await ask('/api/v1/rules')) as { data: { groups: { rules: { name: string; health: string }[] }[] } };
      const all = data.groups.flatMap((group) => group.rules);
      return all.length > 0 && all.every(({ health }) => health !== 'unknown') ? all : null;
    },
    { what: 'every rule evaluated', timeoutMs: 30_000 },
  );
  expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
});
