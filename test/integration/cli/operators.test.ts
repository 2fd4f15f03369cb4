import kafkajs from 'kafkajs';
import { expect, onTestFinished, test } from 'vitest';
import { KafkaFixture } from '../../platform/kafka-fixture.js';
import { startNode, writeConfigFile } from '../../platform/node-fixture.js';
import { RedisServer } from '../../platform/redis-server.js';
import { sharedKafka, sharedRedis } from '../../platform/shared-services.js';
import { uniqueName } from '../../platform/unique-name.js';
import { runCli } from './run-cli.js';

interface Finding {
  readonly area: string;
  readonly level: string;
  readonly what: string;
  readonly mend: string | null;
}

async function connect(): Promise<KafkaFixture> {
  const kafka = await KafkaFixture.connect(sharedKafka().brokers);
  onTestFinished(() => kafka.close());
  return kafka;
}

const kafkaEnv = (group = uniqueName('cli')) => ({
  KAFKA_BROKERS: sharedKafka().brokers,
  SELVAGE_GROUP: group,
  SELVAGE_AUTH_ANONYMOUS_READ: '**',
  SELVAGE_AUTH_ANONYMOUS_PUBLISH: '**',
});
const findingsOf = (out: string): readonly Finding[] => (JSON.parse(out) as { findings: readonly Finding[] }).findings;
const failuresOf = (out: string): readonly string[] => findingsOf(out).flatMap(({ level, what }) => (level === 'fail' ? [what] : []));

interface Told {
  readonly partitions: readonly {
    readonly partition: number;
    readonly end: number;
    readonly high: number | null;
    readonly lag: number | null;
    readonly floor: number | null;
  }[];
  readonly indexers: { readonly members: number };
  readonly nodes: readonly { readonly isReady: boolean | null; readonly tail: readonly unknown[] }[];
}

test('topics are listed, created once with settings that fit, and left alone after that', async () => {
  const kafka = await connect();
  const topic = uniqueName('declared');
  const env = { ...kafkaEnv(), SELVAGE_CONFIG: writeConfigFile({ routes: [{ topic, channels: 'x.{key}' }] }) };
  const names = [topic, `${env.SELVAGE_GROUP}.control`, `${env.SELVAGE_GROUP}.dead-letters`];
  const before = await runCli(['topics'], env);
  expect(before).toMatchObject({ code: 1, err: expect.stringContaining('selvage topics --create') as string });
  for (const name of names) expect(before.out).toMatch(new RegExp(`^${name} .* missing `, 'm'));
  expect(await runCli(['topics', '--create', '--dry-run'], env)).toMatchObject({
    code: 0,
    out: expect.stringContaining('would be created') as string,
  });
  const made = await runCli(['topics', '--create', '--partitions', '3', '--retention', '2h', '--wait', '5s', '--json'], env);
  expect(made.code).toBe(0);
  expect(JSON.parse(made.out)).toMatchObject(names.map((name) => ({ topic: name, state: 'created' })));
  const { resources } = await kafka.admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
  });
  const settings = Object.fromEntries(resources[0]!.configEntries.map(({ configName, configValue }) => [configName, configValue]));
  expect(settings).toMatchObject({ 'cleanup.policy': 'delete', 'retention.ms': '7200000', 'unclean.leader.election.enable': 'false' });
  const again = await runCli(['topics', '--create', '--partitions', '5', '--json'], env);
  expect(JSON.parse(again.out)).toMatchObject([{ topic, state: 'there', partitions: 3 }, { partitions: 1 }, { partitions: 1 }]);
  expect(await runCli(['topics', 'another'], env)).toMatchObject({
    code: 2,
    err: expect.stringContaining('does not need another') as string,
  });
});

test('lag tells log, indexer, window and nodes, and a position is held against the log', async () => {
  const kafka = await connect();
  const topic = await kafka.makeTopic(2);
  const group = uniqueName('cli');
  const routes = [{ topic, channels: 'all' }];
  const node = await startNode({ brokers: sharedKafka().brokers, redisUrl: sharedRedis().url, routes, env: { SELVAGE_GROUP: group } });
  onTestFinished(() => node.close());
  const env = { ...kafkaEnv(group), REDIS_URL: sharedRedis().url, SELVAGE_CONFIG: writeConfigFile({ routes }) };
  await kafka.send(
    topic,
    Array.from({ length: 10 }, (_, n) => ({ value: String(n), partition: n % 2 })),
  );
  const ask = async (...more: readonly string[]) => {
    const { code, out } = await runCli(['lag', '--json', ...more], env);
    return { code, told: JSON.parse(out) as Told };
  };
  await expect.poll(async () => (await ask('--max-lag', '0')).code, { timeout: 30_000 }).toBe(0);
  const { told } = await ask('--node', node.adminUrl);
  expect(told.partitions).toMatchObject([0, 1].map((partition) => ({ partition, end: 5, high: 4, lag: 0 })));
  expect(told.indexers.members).toBe(1);
  expect(told.nodes).toMatchObject([{ error: null, isReady: true }]);
  const words = await runCli(['lag', '--node', node.adminUrl], env);
  expect(words.out).toMatch(/^TOPIC +PARTITION +LOW +END +HIGH +LAG +FLOOR +COVERS$/m);

  const tail = await runCli(['tail', 'all', '--rewind', '1', '-n', '1', '--json', '--url', node.url]);
  const { id } = JSON.parse(tail.out.split('\n')[1] ?? '') as { id: string };
  const whole = await runCli(['position', id, '--live', '--json'], env);
  expect(whole.code).toBe(0);
  expect(JSON.parse(whole.out)).toMatchObject({ thisCluster: true, topics: [{ topic, partitionCount: 2 }] });

  await node.stop();
  await kafka.send(topic, [{ value: 'late', partition: 0 }]);
  const behind = await ask('--max-lag', '0', '--node', node.adminUrl);
  expect(behind.code).toBe(1);
  expect(behind.told.partitions[0]).toMatchObject({ end: 6, high: 4, lag: 1 });
  await kafka.send(
    topic,
    Array.from({ length: 3 }, () => ({ value: 'gone', partition: 0 })),
  );
  await kafka.trim(topic, 0, 9);
  const gone = await runCli(['position', id, '--live'], env);
  expect(gone).toMatchObject({ code: 1, out: expect.stringContaining('gap expired') as string });
});

test('doctor finds nothing that fails in a healthy set-up, through to a published event', async () => {
  const kafka = await connect();
  const topic = await kafka.makeTopic(1);
  const group = uniqueName('cli');
  const routes = [{ topic, channels: 'x.{key}', keyed: 'murmur2', publish: true, type: '{header:type|message}' }];
  const fast = { SELVAGE_STREAM_KEEP_ALIVE_MS: '500' };
  const node = await startNode({
    brokers: sharedKafka().brokers,
    redisUrl: sharedRedis().url,
    routes,
    env: { SELVAGE_GROUP: group, ...fast },
  });
  onTestFinished(() => node.close());
  const env = { ...kafkaEnv(group), ...fast, REDIS_URL: sharedRedis().url, SELVAGE_CONFIG: writeConfigFile({ routes }) };
  const { code, out } = await runCli(['doctor', '--json', '--url', node.url, '--channel', 'x.y', '--publish'], env);
  expect({ failures: failuresOf(out), code }).toEqual({ failures: [], code: 0 });
  const said = findingsOf(out).map(({ area, what }) => `${area}: ${what}`);
  for (const part of [
    /^kafka: cluster \S+ answers/,
    /^kafka: the brokers are of Kafka 4\.\d or later/,
    /^kafka: 1 of 1 brokers can be reached/,
    new RegExp(`^topics: ${topic} \\(routes\\) is there: 1 partition, 1 replica`),
    /^redis: version 7\./,
    /^redis: maxmemory-policy is noeviction/,
    /^redis: its clock is/,
    /^window: 1 indexer in the group/,
    /^window: \S+: nodes agree on 1 partition/,
    /^url: the first frame came/,
    /^url: Last-Event-ID comes through/,
    /^url: a published event arrives/,
    /^url: a quiet stream is kept, and keep-alives come/,
  ]) {
    expect(
      said.some((line) => part.test(line)),
      `${String(part)} among\n${said.join('\n')}`,
    ).toBe(true);
  }
  expect(await runCli(['doctor', '--strict', '--only', 'kafka'], env)).toMatchObject({
    code: 1,
    out: expect.stringMatching(/warn {2}kafka +the cluster has 1 broker/) as string,
  });
});

test('doctor tells what is wrong, and how to mend it', async () => {
  const kafka = await connect();
  await using redis = await RedisServer.start({ args: ['--maxmemory', '64mb', '--maxmemory-policy', 'allkeys-lru'] });
  const short = await kafka.makeTopic(1, { 'retention.ms': '60000', 'segment.ms': '60000' });
  const routes = [
    { topic: short, channels: 'a.{key}' },
    { topic: uniqueName('mistyped'), channels: 'b.{key}' },
  ];
  const env = {
    ...kafkaEnv(),
    REDIS_URL: redis.url,
    SELVAGE_CONFIG: writeConfigFile({ routes }),
    SELVAGE_JWKS_URL: 'http://127.0.0.1:1/keys',
    SELVAGE_JWT_ISSUER: 'https://id.example/',
    UWS_HTTP_MAX_HEADERS_SIZE: '1024',
  };
  const { code, out } = await runCli(['doctor', '--json'], env);
  expect(code).toBe(1);
  const failures = findingsOf(out).filter(({ level }) => level === 'fail');
  const about = (part: string): Finding | undefined => failures.find(({ what }) => what.includes(part));
  expect(about('before the window does')?.mend).toContain(`--topic ${short} --add-config retention.ms=`);
  expect(about('does not exist')?.mend).toContain('see its name in the route');
  expect(about('maxmemory-policy is allkeys-lru')?.mend).toContain('noeviction');
  expect(about('http://127.0.0.1:1/keys')?.area).toBe('identity');
  expect(about('UWS_HTTP_MAX_HEADERS_SIZE')?.mend).toContain('unset');
  expect(about('the window cannot be used')?.area).toBe('window');
});

test('doctor says that Kafka and Redis do not answer, where, and goes on', async () => {
  const env = { ...kafkaEnv(), KAFKA_BROKERS: '127.0.0.1:1', REDIS_URL: 'redis://127.0.0.1:1' };
  const { code, out } = await runCli(['doctor', '--json', '--only', 'kafka', '--only', 'redis'], env);
  expect(code).toBe(1);
  expect(failuresOf(out)).toEqual([
    expect.stringContaining('Kafka does not answer at 127.0.0.1:1') as string,
    expect.stringContaining('Redis does not answer') as string,
  ]);
});
