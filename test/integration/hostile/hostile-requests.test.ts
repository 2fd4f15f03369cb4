import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodePosition, encodePosition } from '../../../src/protocol/position.js';
import { KafkaFixture } from '../../platform/kafka-fixture.js';
import { startNode } from '../../platform/node-fixture.js';
import type { SelvageNode } from '../../platform/selvage-node.js';
import { sharedKafka, sharedRedis } from '../../platform/shared-services.js';
import { SseReader } from '../../platform/sse-reader.js';
import { RawClient, roundTrip } from '../http/raw-client.js';

const { brokers } = sharedKafka();
let kafka: KafkaFixture;
let node: SelvageNode;
let topic: string;
let honest: string;

beforeAll(async () => {
  kafka = await KafkaFixture.connect(brokers);
  topic = await kafka.makeTopic(3);
  node = await startNode({
    brokers,
    redisUrl: sharedRedis().url,
    routes: [
      { topic, channels: ['all'] },
      { topic: await kafka.makeTopic(12), channels: ['k.{key}'], keyed: 'murmur2' },
    ],
    env: { SELVAGE_STREAM_KEEP_ALIVE_MS: '300' },
  });
  using reader = await SseReader.open(node, 'channel=all');
  await kafka.send(topic, [{ value: 'first', partition: 0 }]);
  await reader.take(1);
  honest = reader.lastId ?? '';
});

afterAll(async () => {
  await node.close();
  await kafka.close();
});

let count = 0;

/** The stream is told its position cannot be used, and is live all the same. */
async function expectGapThenLive(position: string, reason: string): Promise<void> {
  using reader = await SseReader.open(node, 'channel=all', { lastEventId: position });
  await reader.until(() => reader.gaps.length > 0, 'a gap');
  expect(reader.gaps.map((gap) => gap.reason)).toEqual([reason]);
  expect(decodePosition(reader.lastId ?? ''), 'the gap gives a position that can be used').not.toBeNull();
  const value = `live ${count++}`;
  await kafka.send(topic, [{ value, partition: 0 }]);
  await reader.until(() => reader.datas.includes(value), 'the live event');
}

/** The honest position with another offset in its first partition. */
function withOffset(offset: number): string {
  const position = decodePosition(honest)!;
  const [entry] = position.topics;
  if (entry?.kind !== 'offsets') throw new Error(honest);
  return encodePosition({ ...position, topics: [{ ...entry, cursors: new Map([...entry.cursors, [0, offset]]) }] });
}

test.each([
  'x',
  '1',
  '-1',
  '0',
  'null',
  '1aaa',
  '1aaaa.bbbbb-c',
  '9zzzz.zzzzz-1-0-1',
  '~'.repeat(1_000),
  '../../etc/passwd',
  `1${'z'.repeat(8)}`,
])('a malformed position, %j, is told as unknown and ends nothing', (position) => expectGapThenLive(position, 'unknown-position'));

test('an honest position cut off, doubled or with a digit too many is unknown, never half believed', async () => {
  for (const forged of [honest.slice(0, 9), honest + honest, `${honest}-1`, `${honest}.`, honest.toUpperCase().replace(/^1/, '1A')]) {
    using reader = await SseReader.open(node, 'channel=all', { lastEventId: forged });
    await reader.until(() => reader.gaps.length > 0, `a gap for ${forged}`);
  }
});

test('a position beyond the end of the log is of the future: told, then live', () =>
  expectGapThenLive(withOffset(1_000_000), 'future-position'));

test('a position with the largest offset that can be written is of the future too', () =>
  expectGapThenLive(withOffset(Number.MAX_SAFE_INTEGER - 2), 'future-position'));

test('a position of another cluster is told as that', () => expectGapThenLive(`1aaaa${honest.slice(5)}`, 'other-cluster'));

test('a position of another topic says nothing of this one', () =>
  expectGapThenLive(honest.replace(/\.[0-9a-z]{5}/, '.zzzzz'), 'unknown-position'));

test('a position that claims a million partitions costs nothing and is unknown', () =>
  expectGapThenLive(honest.replace(/(\.[0-9a-z]{5})-3.*/, '$1-lfls-0-1'), 'unknown-position'));

test('a position with bytes that are no ASCII is unknown', async () => {
  const client = await RawClient.connect(node.port);
  client.socket.write('GET /v1/events?channel=all HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 1a\xff\xc0\x80b\r\n\r\n', 'latin1');
  expect(await client.until((text) => text.includes('selvage.'))).toContain('"reason":"unknown-position"');
  client.close();
});

test('a control character in a header is no request: the connection is cut and nothing is served', async () => {
  const client = await RawClient.connect(node.port);
  client.send('GET /v1/events?channel=all HTTP/1.1\r\nHost: x\r\nLast-Event-ID: a\u0001b\r\n\r\n');
  expect(await client.closed(20_000)).not.toContain(' 200 ');
});

test.each(['%0d%0aSet-Cookie:%20a=b', '%00', '%0a', 'a%0db', '%c2%85', 'x'.repeat(256), '%e2%82'.repeat(3)])(
  'a channel named %s is refused, and nothing of it gets into the head of the answer',
  async (channel) => {
    const { status, head, body } = await roundTrip(node.port, `GET /v1/events?channel=${channel} HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect(status).toBe(400);
    expect(head.toLowerCase()).not.toContain('set-cookie');
    expect(JSON.parse(body)).toMatchObject({ status: 400 });
  },
);

test.each(['*', 'k.*', '%2A', 'al?', 'k.%23', '%7Bkey%7D'])(
  'there are no wildcards: %s subscribes to nothing but itself',
  async (channel) => {
    const answer = await fetch(`${node.url}/v1/events?channel=${channel}`, { signal: AbortSignal.timeout(5_000) });
    await answer.body?.cancel();
    if (answer.status === 404 || answer.status === 400) return;
    using reader = await SseReader.open(node, `channel=${channel}`);
    using all = await SseReader.open(node, 'channel=all');
    const value = `not for wildcards ${count++}`;
    await kafka.send(topic, [{ value, partition: 0 }]);
    await all.until(() => all.datas.includes(value), 'the event');
    expect(reader.events).toEqual([]);
  },
);

const headers = (bytes: number): string => {
  const filling = 'a'.repeat(500);
  return Array.from({ length: Math.floor(bytes / 510) }, (_, n) => `X-${String(n).padStart(3, '0')}: ${filling}\r\n`).join('');
};

test('15 KB of headers pass, whole and in fragments', async () => {
  const request = `GET /v1/events?channel=all HTTP/1.1\r\nHost: x\r\n${headers(15_000)}\r\n`;
  const whole = await RawClient.connect(node.port);
  whole.send(request);
  const pieces = await RawClient.connect(node.port);
  pieces.socket.setNoDelay(true);
  for (let at = 0; at < request.length; at += 1_000) {
    pieces.send(request.slice(at, at + 1_000));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  for (const client of [whole, pieces]) {
    expect(await client.until((text) => text.includes('selvage.position') || text.includes('HTTP/1.1 4'))).toContain('200 OK');
    client.close();
  }
});

test('more than 16 KB of headers are refused with 431, whole and in fragments', async () => {
  const request = `GET /v1/events?channel=all HTTP/1.1\r\nHost: x\r\n${headers(20_000)}\r\n`;
  expect((await roundTrip(node.port, request)).status).toBe(431);
  const pieces = await RawClient.connect(node.port);
  pieces.socket.setNoDelay(true);
  for (let at = 0; at < request.length && !pieces.isClosed; at += 1_000) {
    pieces.send(request.slice(at, at + 1_000));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(await pieces.until((text) => text.includes('\r\n\r\n'))).toContain('HTTP/1.1 431');
  pieces.close();
});

test('an address of 7 KB is served, one of 10 KB is refused with 414', async () => {
  using reader = await SseReader.open(node, `channel=all&type=message&type=${'t'.repeat(7_000)}`);
  expect(reader.status).toBe(200);
  const { status } = await roundTrip(node.port, `GET /v1/events?channel=all&type=${'t'.repeat(10_000)} HTTP/1.1\r\nHost: x\r\n\r\n`);
  expect(status).toBe(414);
});

test('after all of this the node is ready and serves', async () => {
  expect(await node.isReady()).toBe(true);
  using reader = await SseReader.open(node, 'channel=all');
  await kafka.send(topic, [{ value: 'still here', partition: 1 }]);
  expect(await reader.take(1)).toEqual(['still here']);
});
