import { afterAll, beforeAll, expect, test } from 'vitest';
import { RedisIdempotencyStore } from '../../../src/publish/redis/redis-idempotency-store.js';
import type { KafkaEventLog } from '../../../src/log/kafka/kafka-event-log.js';
import { parseRedisUrl } from '../../../src/redis/redis-connection-options.js';
import { RedisConnection } from '../../../src/redis/redis-connection.js';
import { systemEnvironment } from '../../../src/std/system-environment.js';
import { silentLogger } from '../../../src/telemetry/silent-logger.js';
import { sharedKafka, sharedRedis } from '../../platform/shared-services.js';
import { uniqueName } from '../../platform/unique-name.js';
import { setUpPublisher } from '../../unit/publish/publisher-fixture.js';
import { KafkaLogHarness } from '../log/kafka-log-harness.js';

let harness: KafkaLogHarness;
let log: KafkaEventLog;
let redis: RedisConnection;
beforeAll(async () => {
  harness = new KafkaLogHarness(sharedKafka().brokers);
  await harness.admin.connect();
  log = await harness.openLog();
  redis = new RedisConnection(parseRedisUrl(sharedRedis().url), silentLogger, systemEnvironment);
  await redis.waitUntilUp(10_000);
});
afterAll(async () => {
  await redis?.close();
  await harness?.close();
});

async function setUp() {
  const topic = await harness.makeTopic(4, 'published');
  const route = {
    topic,
    channels: 'task:{key}',
    keyed: 'murmur2',
    type: ['{header:ce_type}', '{header:selvage-type|message}'],
    attributes: { session: '{header:session}' },
    publish: true,
  };
  const store = new RedisIdempotencyStore(redis, uniqueName('publish'), { rememberMs: 60_000, leaseMs: 60_000 });
  // Two nodes on one log and one store.
  const [one, two] = [await setUpPublisher({ log, store, routes: [route] }), await setUpPublisher({ log, store, routes: [route] })];
  const readRouted = async () => {
    const seen: { channel: string; type: string; attributes: unknown; offset: number }[] = [];
    for (const { partition, end } of await log.offsets(topic)) {
      if (end === 0) continue;
      for await (const batch of log.scan({ topic, partition, from: 0, to: end - 1 })) {
        for (const record of batch.records) {
          const routed = one.router.route(topic, partition, record);
          expect(typeof routed).toBe('object');
          if (typeof routed === 'string') continue;
          seen.push(...routed.map(({ channels, type, attributes, offset }) => ({ channel: channels.join(), type, attributes, offset })));
        }
      }
    }
    return seen;
  };
  return { one, two, topic, readRouted };
}

test('published events come through the routes with the channel, type and attributes that they were given', async () => {
  const { one, readRouted } = await setUp();
  await one.publish({ channel: 'task:a%2Eb', type: 'progress', data: { n: 1 }, attributes: { session: 'ä 1' } });
  const cloud = { specversion: '1.0', id: '1', source: '/x', type: 'done', subject: 'task:c', data: 1 };
  await one.publish(cloud, { contentType: 'application/cloudevents+json' });
  const seen = await readRouted();
  expect(seen.sort((x, y) => (x.channel < y.channel ? -1 : 1))).toEqual([
    { channel: 'task:a%2Eb', type: 'progress', attributes: { session: 'ä 1' }, offset: expect.any(Number) as number },
    { channel: 'task:c', type: 'done', attributes: null, offset: expect.any(Number) as number },
  ]);
});

test('fifty requests with one key at once, at two nodes, append once', async () => {
  const { one, two, readRouted } = await setUp();
  const request = { headers: { 'idempotency-key': uniqueName('key') } };
  const post = (node: typeof one) => node.publish({ channel: 'task:once', data: 1 }, request);
  await Promise.all(Array.from({ length: 50 }, (_, i) => post(i % 2 === 0 ? one : two)));
  const [first, second] = [await post(one), await post(two)];
  expect(first).toMatchObject({ kind: 'answered', isReplay: true });
  expect(second).toEqual(first);
  expect((await readRouted()).length).toBe(1);
});

test('the order of a key is that of the requests, with many under way', async () => {
  const { one, topic } = await setUp();
  const keys = ['a', 'b', 'c', 'd', 'e'];
  await Promise.all(
    keys.map(async (key) => {
      for (let from = 0; from < 100; from += 20) {
        const events = Array.from({ length: 20 }, (_, i) => ({ channel: `task:${key}`, data: { key, n: from + i } }));
        expect(await one.publish({ events })).toMatchObject({ status: 200 });
      }
    }),
  );
  const read = new Map<string, number[]>();
  for (const { partition, end } of await log.offsets(topic)) {
    if (end === 0) continue;
    for await (const batch of log.scan({ topic, partition, from: 0, to: end - 1 })) {
      for (const { value } of batch.records) {
        const { key, n } = JSON.parse(Buffer.from(value ?? []).toString()) as { key: string; n: number };
        read.set(key, [...(read.get(key) ?? []), n]);
      }
    }
  }
  for (const key of keys) expect(read.get(key)).toEqual(Array.from({ length: 100 }, (_, n) => n));
});
