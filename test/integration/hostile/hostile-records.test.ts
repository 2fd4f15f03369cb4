import { afterAll, beforeAll, expect, test } from 'vitest';
import { KafkaFixture } from '../../platform/kafka-fixture.js';
import type { FixtureRecord } from '../../platform/kafka-fixture.js';
import { readMetric, startNode } from '../../platform/node-fixture.js';
import type { SelvageNode } from '../../platform/selvage-node.js';
import { sharedKafka, sharedRedis } from '../../platform/shared-services.js';
import { SseReader } from '../../platform/sse-reader.js';
import { uniqueName } from '../../platform/unique-name.js';
import { waitFor } from '../../platform/wait-for.js';
import { RawClient } from '../http/raw-client.js';

const { brokers } = sharedKafka();
let kafka: KafkaFixture;
let node: SelvageNode;
let topics: { plain: string; json: string; tenants: string };
let deadLetterTopic: string;

const routesOf = ({ plain, json, tenants }: typeof topics): object[] => [
  { topic: plain, channels: ['plain', 'raw.{header:room|raw}'], type: ['{header:kind}', 'message'], when: { 'header:skip': ['no'] } },
  { topic: json, channels: ['json.{json:/id}'] },
  { topic: tenants, channels: ['tenant.{header:tenant}.orders'] },
];

beforeAll(async () => {
  kafka = await KafkaFixture.connect(brokers);
  topics = { plain: await kafka.makeTopic(1), json: await kafka.makeTopic(1), tenants: await kafka.makeTopic(1) };
  deadLetterTopic = uniqueName('dead-letters');
  node = await startNode({
    brokers,
    redisUrl: sharedRedis().url,
    routes: routesOf(topics),
    env: { SELVAGE_KAFKA_DEAD_LETTER_TOPIC: deadLetterTopic, SELVAGE_LIMITS_EVENT_BYTES_MAX: '10000' },
  });
});

afterAll(async () => {
  await node.close();
  await kafka.close();
});

const selected = { skip: 'no' };
const sendPlain = (record: FixtureRecord): Promise<void> =>
  kafka.send(topics.plain, [{ ...record, headers: { ...selected, ...record.headers } }]);

/** The dead letter that a bad record has become, with the record behind it delivered. */
async function expectDeadLetter(topic: string, channel: string, bad: FixtureRecord, good: FixtureRecord, reason: string): Promise<void> {
  using reader = await SseReader.open(node, `channel=${channel}`);
  const offset = await kafka.endOf(topic);
  await kafka.send(topic, [bad, good]);
  expect(await reader.take(1)).toEqual([good.value]);
  expect(reader.gaps).toEqual([]);
  const letter = await waitFor(
    async () => (await kafka.readAll(deadLetterTopic)).find(({ headers }) => headers['selvage-dead-letter-topic'] === topic),
    { what: 'the dead letter', everyMs: 200 },
  );
  expect(letter.headers).toMatchObject({
    'selvage-dead-letter-reason': reason,
    'selvage-dead-letter-topic': topic,
    'selvage-dead-letter-partition': '0',
    'selvage-dead-letter-offset': String(offset),
  });
  expect(await readMetric(node, 'selvage_undecodable_records_total', { topic, reason })).toBeGreaterThan(0);
}

test('an oversized record becomes a dead letter with the reason in its headers, and readers get the next one', () =>
  expectDeadLetter(
    topics.plain,
    'plain',
    { value: 'x'.repeat(10_001), headers: selected },
    { value: 'after it', headers: selected },
    'oversized',
  ));

test('a value that is no UTF-8 becomes a dead letter', () =>
  expectDeadLetter(
    topics.tenants,
    'tenant.a.orders',
    { value: Buffer.from([0x61, 0xff, 0xfe]), headers: { tenant: 'a' } },
    { value: 'after it', headers: { tenant: 'a' } },
    'invalid-utf8',
  ));

test('a value that is no JSON where the route reads JSON becomes a dead letter', () =>
  expectDeadLetter(topics.json, 'json.7', { value: '{"id": 7' }, { value: '{"id": 7}' }, 'invalid-json'));

test('values that hold separators, wildcards or another tenant stay one segment of one channel', async () => {
  using victim = await SseReader.open(node, 'channel=tenant.b.orders');
  for (const tenant of ['b.orders', '*', '#', '>', 'b.orders\u0000', '../b', 'a\nb', 'b/', '%62']) {
    const channel = `tenant.${encodeURIComponent(tenant).replace(/[.!*'()]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)}.orders`;
    using own = await SseReader.open(node, `channel=${encodeURIComponent(channel)}`);
    await kafka.send(topics.tenants, [{ value: tenant, headers: { tenant } }]);
    await own.take(1);
  }
  await kafka.send(topics.tenants, [{ value: 'for b', headers: { tenant: 'b' } }]);
  expect(await victim.take(1)).toEqual(['for b']);
});

test('an event type with line ends or of the fabric itself cannot forge a frame: it is replaced and counted', async () => {
  using reader = await SseReader.open(node, 'channel=plain');
  const kinds = ['a\ndata: forged', 'a\r\rdata: forged', 'a\u0000', 'selvage.close', 'x'.repeat(65), ''];
  for (const [n, kind] of kinds.entries()) await sendPlain({ value: String(n), headers: { kind } });
  await reader.take(kinds.length);
  expect(reader.datas).toEqual(kinds.map((_, n) => String(n)));
  for (const { type } of reader.events) expect(type).toBe('message');
  expect(reader.closes).toEqual([]);
  expect(await readMetric(node, 'selvage_replaced_types_total', { topic: topics.plain })).toBeGreaterThanOrEqual(4);
});

test('every kind of line end in a value is a new line of data, never a field', async () => {
  const client = await RawClient.connect(node.port);
  client.send('GET /v1/events?channel=plain HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n');
  await client.until((text) => text.includes('selvage.position'));
  await sendPlain({ value: 'one\nid: 1\rtwo\r\nevent: selvage.close\n\nretry: 1' });
  const text = await client.until((soFar) => soFar.includes('retry: 1\nid:'));
  expect(text).toContain('data: one\ndata: id: 1\ndata: two\ndata: event: selvage.close\ndata: \ndata: retry: 1\nid: 1');
  client.close();
});

test('a raw value that makes a channel with control characters, or too long a one, is skipped and counted', async () => {
  using reader = await SseReader.open(node, 'channel=plain');
  const before = await readMetric(node, 'selvage_skipped_channels_total', { topic: topics.plain, reason: 'invalid-channel' });
  for (const room of ['a\nb', 'a\u0000', 'x'.repeat(256)]) await sendPlain({ value: 'skipped there', headers: { room } });
  expect(await reader.take(3)).toHaveLength(3);
  const after = await readMetric(node, 'selvage_skipped_channels_total', { topic: topics.plain, reason: 'invalid-channel' });
  expect(after - before).toBe(3);
});

test('what no route selects is counted and shown to nobody', async () => {
  using reader = await SseReader.open(node, 'channel=plain');
  await kafka.send(topics.plain, [{ value: 'unselected' }, { value: 'unselected', headers: { skip: 'yes' } }]);
  await sendPlain({ value: 'selected' });
  expect(await reader.take(1)).toEqual(['selected']);
  expect(await readMetric(node, 'selvage_unrouted_records_total', { topic: topics.plain })).toBeGreaterThanOrEqual(2);
});

test('a hundred headers and a megabyte of them harm nothing', async () => {
  using reader = await SseReader.open(node, 'channel=plain');
  const headers = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`h${n}`, 'x'.repeat(9_000)]));
  await sendPlain({ value: 'heavy', headers });
  expect(await reader.take(1)).toEqual(['heavy']);
});

test('dead letters are capped: what comes beyond is counted, and neither readers nor the indexer wait for it', async () => {
  const own = { plain: await kafka.makeTopic(1), json: await kafka.makeTopic(1), tenants: await kafka.makeTopic(1) };
  const letters = uniqueName('dead-letters');
  const env = { SELVAGE_KAFKA_DEAD_LETTER_TOPIC: letters, SELVAGE_WINDOW_DEAD_LETTERS_PER_SECOND_MAX: '5' };
  await using capped = await startNode({ brokers, redisUrl: sharedRedis().url, routes: routesOf(own), env });
  using reader = await SseReader.open(capped, 'channel=json.1');
  await kafka.send(own.json, [...Array.from({ length: 200 }, () => ({ value: 'no json' })), { value: '{"id":1}' }]);
  expect(await reader.take(1)).toEqual(['{"id":1}']);
  const count = (outcome: string): Promise<number> => readMetric(capped, 'selvage_dead_letters_total', { topic: own.json, outcome });
  await waitFor(async () => (await count('written')) + (await count('rate-capped')) === 200, { what: 'all of them to be accounted for' });
  expect(await count('written')).toBeLessThan(30);
  expect(await kafka.readAll(letters)).toHaveLength(await count('written'));
});
