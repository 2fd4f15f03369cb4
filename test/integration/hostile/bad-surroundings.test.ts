import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../platform/free-port.js';
import { KafkaCluster } from '../../platform/kafka-cluster.js';
import { KafkaFixture } from '../../platform/kafka-fixture.js';
import { readMetric, startNode, writeConfigFile } from '../../platform/node-fixture.js';
import { RedisServer } from '../../platform/redis-server.js';
import { SelvageNode } from '../../platform/selvage-node.js';
import { sharedKafka, sharedRedis } from '../../platform/shared-services.js';
import { SseReader } from '../../platform/sse-reader.js';
import { uniqueName } from '../../platform/unique-name.js';
import { waitFor } from '../../platform/wait-for.js';

const { brokers, isProvided } = sharedKafka();
let kafka: KafkaFixture;

beforeAll(async () => {
  kafka = await KafkaFixture.connect(brokers);
});
afterAll(() => kafka.close());

/** Starts a node that must not start; its exit code and what it said. */
async function refuse(env: Readonly<Record<string, string>>): Promise<{ code: number | null; said: string }> {
  await using node = await SelvageNode.start({ env, waitsUntilReady: false });
  const code = await node.ended();
  return { code, said: node.logTail() };
}

test('a configuration with many mistakes ends with 2 and names every one of them at once', async () => {
  const config = writeConfigFile({
    kafka: { borkers: ['a:1'] },
    stream: { keepAliveMs: 'soon' },
    limits: { urlBytesMax: 1 },
    routes: [{ topic: 'bad topic', channels: ['{kee}'], keyd: 'murmur2' }, { channels: ['a'] }],
  });
  const { code, said } = await refuse({ SELVAGE_CONFIG: config, SELVAGE_STREAM_RETRYMS: '5', PORT: '99999', SELVAGE_ROLES: 'egde' });
  expect(code).toBe(2);
  const expected = [
    /kafka\.borkers: is not an option.*brokers/,
    /stream\.keepAliveMs: /,
    /limits\.urlBytesMax: /,
    /routes\[0\]\.topic: /,
    /routes\[0\]\.channels.*: /,
    /routes\[0\]\.keyd.*keyed/,
    /routes\[1\]\.topic: is missing/,
    /SELVAGE_STREAM_RETRYMS.*SELVAGE_STREAM_RETRY_MS/,
    /port: .*PORT/,
    /roles: .*SELVAGE_ROLES/,
  ];
  for (const sentence of expected) expect(said).toMatch(sentence);
});

test.each([
  { what: 'a file that is not there', env: { SELVAGE_CONFIG: '/nowhere/selvage.yaml' }, says: /\/nowhere\/selvage\.yaml/ },
  { what: 'a file that is no YAML', env: { SELVAGE_CONFIG: writeConfigFile('routes: [\n  - {') }, says: /selvage\.yaml/ },
  { what: 'a Redis URL of another kind', env: { KAFKA_BROKERS: 'a:1', REDIS_URL: 'http://redis' }, says: /redis\.url: .*REDIS_URL/ },
  { what: 'brokers without a port', env: { KAFKA_BROKERS: 'kafka' }, says: /kafka\.brokers: .*host:port.*KAFKA_BROKERS/ },
])('$what ends with 2 and a sentence that names it', async ({ env, says }) => {
  const { code, said } = await refuse(env);
  expect(code).toBe(2);
  expect(said).toMatch(says);
});

async function askReady(node: SelvageNode): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${node.adminUrl}/healthz/ready`);
  return { status: answer.status, text: await answer.text() };
}

test.skipIf(isProvided)(
  'without Kafka a node lives, is not ready and says why; when Kafka comes it serves, in the same process',
  { timeout: 90_000 },
  async () => {
    await using cluster = await KafkaCluster.start();
    const own = await KafkaFixture.connect(cluster.brokers);
    const topic = await own.makeTopic(1);
    await cluster.stop();
    await using node = await startNode({
      brokers: cluster.brokers,
      redisUrl: null,
      routes: [{ topic, channels: ['a'] }],
      waitsUntilReady: false,
    });
    await waitFor(async () => (await fetch(`${node.adminUrl}/healthz/live`)).status === 200, { what: 'liveness' });
    const ready = await askReady(node);
    expect(ready.status).toBe(503);
    expect(ready.text).toContain('waiting for the log');
    const { pid } = node;
    await waitFor(() => node.logTail(1_000).includes(cluster.brokers), { what: 'a line that names the brokers', timeoutMs: 30_000 });
    expect(node.logTail(1_000).split('\n').length).toBeLessThan(50);
    await cluster.start();
    await waitFor(() => node.isReady(), { what: 'readiness', timeoutMs: 30_000 });
    expect(node.pid).toBe(pid);
    using reader = await SseReader.open(node, 'channel=a');
    await own.send(topic, [{ value: 'here' }]);
    expect(await reader.take(1)).toEqual(['here']);
    await own.close();
  },
);

interface Resumable {
  readonly node: SelvageNode;
  readonly topic: string;
}

/** Whatever its Redis is, a node serves live and resumes exactly. */
async function expectServing({ node, topic }: Resumable): Promise<void> {
  using live = await SseReader.open(node, 'channel=a');
  const start = live.lastId;
  await kafka.send(topic, [{ value: 'one' }, { value: 'two' }]);
  expect(await live.take(2)).toEqual(['one', 'two']);
  await node.kill();
  await node.start();
  using resumed = await SseReader.open(node, 'channel=a', { lastEventId: start });
  expect(await resumed.take(2)).toEqual(['one', 'two']);
  expect(resumed.gaps).toEqual([]);
  expect(await readMetric(node, 'selvage_resumes_total', { tier: 'log', outcome: 'complete' })).toBe(1);
}

async function startOn(redisUrl: string): Promise<Resumable> {
  const topic = await kafka.makeTopic(1);
  const node = await startNode({ brokers, redisUrl, routes: [{ topic, channels: ['a'] }] });
  return { node, topic };
}

test('Redis absent at the start: readers are served from the log; when it comes, the window is used', { timeout: 90_000 }, async () => {
  const port = await freePort();
  const scene = await startOn(`redis://127.0.0.1:${port}`);
  await using node = scene.node;
  expect(await readMetric(node, 'selvage_window_usable')).toBe(0);
  await expectServing(scene);
  expect(node.logTail(1_000)).toMatch(/"level":"(warn|error)".*redis/i);
  await using redis = await RedisServer.start({ port });
  await waitFor(async () => (await readMetric(node, 'selvage_window_usable')) === 1, { what: 'the window', timeoutMs: 30_000 });
  using live = await SseReader.open(node, 'channel=a');
  await kafka.send(scene.topic, [{ value: 'three' }]);
  await live.take(1);
  await waitFor(async () => (await readMetric(node, 'selvage_window_events_written_total')) > 0, { what: 'the index', timeoutMs: 30_000 });
  await node.kill();
  await node.start();
  await waitFor(async () => (await readMetric(node, 'selvage_window_usable')) === 1, { what: 'the window', timeoutMs: 30_000 });
  using resumed = await SseReader.open(node, 'channel=a', { lastEventId: live.lastId });
  await kafka.send(scene.topic, [{ value: 'four' }]);
  expect(await resumed.take(1)).toEqual(['four']);
  expect([...live.gaps, ...resumed.gaps]).toEqual([]);
  expect(redis.port).toBe(port);
});

test.each([
  { what: 'a wrong host', url: () => 'redis://no-such-host.invalid:6379' },
  { what: 'something that is no Redis', url: () => `redis://${brokers.split(',')[0] ?? ''}` },
])('a Redis URL with $what: the window is not usable, that is said, and readers are served exactly', async ({ url }) => {
  const scene = await startOn(url());
  await using node = scene.node;
  await expectServing(scene);
  expect(await readMetric(node, 'selvage_window_usable')).toBe(0);
  expect(node.logTail(1_000)).toMatch(/"level":"(warn|error)".*redis/i);
  expect(node.logTail(1_000).split('\n').length).toBeLessThan(80);
});

test('a Redis that refuses the password is said to be away, with its own words, and readers are served exactly', async () => {
  await using redis = await RedisServer.start({ password: 'right' });
  const scene = await startOn(redis.url.replace('right', 'wrong'));
  await using node = scene.node;
  await expectServing(scene);
  expect(await readMetric(node, 'selvage_window_usable')).toBe(0);
  expect(node.logTail(1_000)).toMatch(/"level":"(warn|error)".*(WRONGPASS|NOAUTH)/);
  expect(node.logTail(1_000)).not.toContain('wrong@');
});

test('a Redis that may evict is not believed: the node says which setting is wrong and reads the log', async () => {
  await using redis = await RedisServer.start({ args: ['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru'] });
  const scene = await startOn(redis.url);
  await using node = scene.node;
  await expectServing(scene);
  expect(await readMetric(node, 'selvage_window_usable')).toBe(0);
  expect(node.logTail(1_000)).toContain('maxmemory-policy is allkeys-lru, it must be noeviction');
});

test('two nodes with the same routes and another group share one Redis and see nothing of each other', async () => {
  const topic = await kafka.makeTopic(1);
  const routes = [{ topic, channels: ['a'] }];
  await using one = await startNode({ brokers, redisUrl: sharedRedis().url, routes });
  await using other = await startNode({ brokers, redisUrl: sharedRedis().url, routes, env: { SELVAGE_GROUP: uniqueName('other') } });
  using readerOfOne = await SseReader.open(one, 'channel=a');
  using readerOfOther = await SseReader.open(other, 'channel=a');
  await kafka.send(topic, [{ value: 'both' }]);
  expect([await readerOfOne.take(1), await readerOfOther.take(1)]).toEqual([['both'], ['both']]);
});
