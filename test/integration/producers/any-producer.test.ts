import kafkajs from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KafkaFixture } from '../../platform/kafka-fixture.js';
import { readMetric, startNode } from '../../platform/node-fixture.js';
import type { SelvageNode } from '../../platform/selvage-node.js';
import { sharedKafka, sharedRedis } from '../../platform/shared-services.js';
import { SseReader } from '../../platform/sse-reader.js';
import { codecs, hasGo, openFranz, openJava, openKcat } from './foreign-producers.js';
import type { ForeignProducer, ForeignRecord } from './foreign-producers.js';

const { brokers } = sharedKafka();
const buildMs = 300_000;
const keys = ['alpha', 'beta', 'gamma'];
let kafka: KafkaFixture;
let node: SelvageNode;
let topics: { crc32: string; murmur2: string; plain: string };
let producers: { kcat: ForeignProducer; franz: ForeignProducer; java: ForeignProducer };

beforeAll(async () => {
  producers = { kcat: openKcat(), franz: hasGo ? openFranz() : openJava(), java: openJava() };
  kafka = await KafkaFixture.connect(brokers);
  topics = { crc32: await kafka.makeTopic(12), murmur2: await kafka.makeTopic(12), plain: await kafka.makeTopic(3) };
  node = await startNode({
    brokers,
    redisUrl: sharedRedis().url,
    routes: [
      { topic: topics.crc32, channels: ['crc32.{key}'], keyed: 'crc32' },
      { topic: topics.murmur2, channels: ['murmur2.{key}'], keyed: 'murmur2' },
      {
        topic: topics.plain,
        channels: ['ce.{header:ce_subject}', 'key.{key|none}'],
        type: ['{header:ce_type}', 'message'],
        tombstone: { type: 'removed', data: { gone: true } },
      },
    ],
    env: { SELVAGE_STREAM_KEEP_ALIVE_MS: '300' },
  });
}, buildMs);

afterAll(async () => {
  await node.close();
  await kafka.close();
});

let runs = 0;

/** Thirty records over three keys; every key's reader must get its ten, once and in order, each with a position of one partition. */
async function expectDelivery(hash: 'crc32' | 'murmur2', produce: (records: readonly ForeignRecord[]) => Promise<void>): Promise<void> {
  const run = `${keys.join('')}${runs++}`;
  const readers = await Promise.all(keys.map((key) => SseReader.open(node, `channel=${hash}.${key}${run}`)));
  const records = Array.from({ length: 30 }, (_, n) => ({
    key: `${keys[n % 3] ?? ''}${run}`,
    value: JSON.stringify({ n, text: 'x'.repeat(200) }),
  }));
  await produce(records);
  for (const [i, reader] of readers.entries()) {
    const got = (await reader.take(10)).map((data) => (JSON.parse(data) as { n: number }).n);
    expect(got).toEqual(Array.from({ length: 10 }, (_, k) => 3 * k + i));
    for (const { id } of reader.events) expect(id).toMatch(/^1[0-9a-z]{4}\.[0-9a-z]{5}-c-[0-9a-z]+-[0-9a-z]+$/);
    expect(reader.gaps).toEqual([]);
    reader.close();
  }
}

test.concurrent.each(codecs)('kcat, which hashes keys by crc32, in codec %s', async (codec) => {
  await expectDelivery('crc32', (records) => producers.kcat({ brokers, topic: topics.crc32, codec }, records));
});

const franzTest = hasGo ? test.concurrent : test.skip;
franzTest.each([undefined, ...codecs])('franz-go in codec %s (undefined: its default, snappy)', async (codec) => {
  const send = { brokers, topic: topics.murmur2, ...(codec === undefined ? {} : { codec }) };
  await expectDelivery('murmur2', (records) => producers.franz(send, records));
});

test.concurrent.each(codecs)("Kafka's Java client in codec %s", async (codec) => {
  await expectDelivery('murmur2', (records) => producers.java({ brokers, topic: topics.murmur2, codec }, records));
});

test.concurrent.each(['None', 'GZIP'] as const)('kafkajs in codec %s', async (codec) => {
  const producer = kafka.kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  await expectDelivery('murmur2', async (records) => {
    const messages = records.map(({ key, value }) => ({ key, value }));
    await producer.send({ topic: topics.murmur2, messages, compression: kafkajs.CompressionTypes[codec] });
  });
  await producer.disconnect();
});

test('none of those producers was found to break the keyed promise', async () => {
  for (const topic of [topics.crc32, topics.murmur2]) expect(await readMetric(node, 'selvage_keyed_breaches_total', { topic })).toBe(0);
});

test('CloudEvents in headers and as one JSON document are the same event', async () => {
  const reader = await SseReader.open(node, 'channel=ce.order%252F7');
  const ce = { specversion: '1.0', id: '1', source: '/shop', type: 'order.paid', subject: 'order/7' };
  const binary = Object.fromEntries(Object.entries(ce).map(([name, value]) => [`ce_${name}`, value]));
  await producers.franz({ brokers, topic: topics.plain }, [{ key: null, value: '{"total":3}', headers: binary }]);
  await reader.take(1);
  const structured = {
    key: 'a',
    value: JSON.stringify({ ...ce, data: { total: 3 } }),
    headers: { 'content-type': 'application/cloudevents+json' },
  };
  await producers.java({ brokers, topic: topics.plain }, [structured]);
  await reader.take(2);
  expect(reader.events.map(({ type, data }) => ({ type, data }))).toEqual(Array(2).fill({ type: 'order.paid', data: '{"total":3}' }));
});

test('records without keys spread over partitions, and each arrives once', async () => {
  const reader = await SseReader.open(node, 'channel=key.none');
  const values = Array.from({ length: 40 }, (_, n) => `plain ${n}`);
  // Four runs: clients that stick to a partition for a batch choose another for the next.
  for (let at = 0; at < 40; at += 10) {
    const produce = at % 20 === 0 ? producers.franz : producers.kcat;
    await produce(
      { brokers, topic: topics.plain },
      values.slice(at, at + 10).map((value) => ({ key: null, value })),
    );
  }
  const got = await reader.take(40);
  expect([...got].sort()).toEqual([...values].sort());
  expect(reader.gaps).toEqual([]);
});

test('a tombstone is an event of its type where the route says so, and nothing where it does not', async () => {
  const told = await SseReader.open(node, 'channel=key.tomb');
  const dropped = await SseReader.open(node, 'channel=crc32.tomb');
  const records = [
    { key: 'tomb', value: 'before' },
    { key: 'tomb', value: null },
    { key: 'tomb', value: 'after' },
  ];
  await producers.kcat({ brokers, topic: topics.plain }, records);
  await producers.kcat({ brokers, topic: topics.crc32 }, records);
  await told.take(3);
  expect(told.events.map(({ type, data }) => `${type} ${data}`)).toEqual(['message before', 'removed {"gone":true}', 'message after']);
  expect(await dropped.take(2)).toEqual(['before', 'after']);
});

test('a producer that hashes otherwise than the route says is counted; its reader is told and gets what comes from then on', async () => {
  const topic = topics.murmur2;
  const reader = await SseReader.open(node, 'channel=murmur2.stray-key');
  await producers.kcat({ brokers, topic }, [{ key: 'stray-key', value: 'elsewhere' }]);
  await reader.until(() => reader.gaps.length > 0, 'a gap');
  expect(await readMetric(node, 'selvage_keyed_breaches_total', { topic })).toBeGreaterThan(0);
  await producers.kcat({ brokers, topic }, [{ key: 'stray-key', value: 'elsewhere again' }]);
  await reader.until(() => reader.datas.includes('elsewhere again'), 'the second stray');
  await producers.franz({ brokers, topic }, [{ key: 'stray-key', value: 'at home' }]);
  await reader.until(() => reader.datas.includes('at home'), 'the event of the home partition');
  expect(new Set(reader.datas).size).toBe(reader.eventCount);
});
