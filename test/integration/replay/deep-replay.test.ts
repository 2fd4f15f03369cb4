import { afterAll, beforeAll, expect, test } from 'vitest';
import { KafkaFixture } from '../../platform/kafka-fixture.js';
import { readMetric, startNode } from '../../platform/node-fixture.js';
import type { SelvageNode } from '../../platform/selvage-node.js';
import { sharedKafka, sharedRedis } from '../../platform/shared-services.js';
import { SseReader } from '../../platform/sse-reader.js';

const { brokers } = sharedKafka();
let kafka: KafkaFixture;
const nodes: SelvageNode[] = [];

beforeAll(async () => {
  kafka = await KafkaFixture.connect(brokers);
});

afterAll(async () => {
  await Promise.all(nodes.map((node) => node.close()));
  await kafka.close();
});

const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, n) => String(from + n));

async function send(topic: string, values: readonly string[]): Promise<void> {
  await kafka.send(
    topic,
    values.map((value) => ({ key: 'k', value })),
  );
}

interface Scene {
  readonly topic: string;
  readonly node: SelvageNode;
  /** A position before the first record. */
  readonly start: string | null;
}

/** A node whose memory begins behind the records 0 to `count`, which it has indexed before if it has a window. */
async function prepare(count: number, redisUrl: string | null, env: Readonly<Record<string, string>> = {}): Promise<Scene> {
  const topic = await kafka.makeTopic(1);
  const node = await startNode({ brokers, redisUrl, routes: [{ topic, channels: ['k.{key}'], keyed: 'murmur2' }], env });
  nodes.push(node);
  using reader = await SseReader.open(node, 'channel=k.k');
  const start = reader.lastId;
  await send(topic, numbers(0, count));
  await reader.take(count);
  await node.stop();
  await node.start();
  return { topic, node, start };
}

/** What every replay has to be: all of it once, in order, then live. */
async function expectExact({ topic, node }: Scene, reader: SseReader, from: number, count: number): Promise<void> {
  expect(await reader.take(count - from)).toEqual(numbers(from, count));
  expect(reader.gaps).toEqual([]);
  await send(topic, ['live']);
  await reader.until(() => reader.datas.includes('live'), 'the live event');
  expect(reader.datas).toEqual([...numbers(from, count), 'live']);
  expect(await readMetric(node, 'selvage_gaps_total')).toBe(0);
}

test.concurrent('a position below what the window kept by count is served from the log, exactly', async () => {
  const scene = await prepare(300, sharedRedis().url, { SELVAGE_WINDOW_EVENTS_PER_CHANNEL_MAX: '50' });
  using reader = await SseReader.open(scene.node, 'channel=k.k', { lastEventId: scene.start });
  await expectExact(scene, reader, 0, 300);
  expect(await readMetric(scene.node, 'selvage_resumes_total', { tier: 'log', outcome: 'complete' })).toBe(1);
});

test.concurrent('a position within the window is served from it, and the log is not read', async () => {
  const scene = await prepare(300, sharedRedis().url);
  using reader = await SseReader.open(scene.node, 'channel=k.k', { lastEventId: scene.start });
  await expectExact(scene, reader, 0, 300);
  expect(await readMetric(scene.node, 'selvage_resumes_total', { tier: 'window', outcome: 'complete' })).toBe(1);
  expect(await readMetric(scene.node, 'selvage_scanned_records_total')).toBe(0);
});

test.concurrent('without Redis everything is exact from memory and the log, and `since` reaches minutes back', async () => {
  const scene = await prepare(300, null);
  using since = await SseReader.open(scene.node, 'channel=k.k&since=5m');
  await since.take(300);
  using reader = await SseReader.open(scene.node, 'channel=k.k', { lastEventId: scene.start });
  await expectExact(scene, reader, 0, 300);
  expect(since.datas.slice(0, 300)).toEqual(numbers(0, 300));
  expect(since.gaps).toEqual([]);
});

test.concurrent('`since` a time begins at the first record that is not older, whatever the window has', async () => {
  const topic = await kafka.makeTopic(1);
  const now = Date.now();
  const records = numbers(0, 60).map((value) => ({ key: 'k', value, timestamp: String(now - (60 - Number(value)) * 60_000) }));
  await kafka.send(topic, records);
  const routes = [{ topic, channels: ['k.{key}'], keyed: 'murmur2' }];
  const node = await startNode({ brokers, redisUrl: sharedRedis().url, routes });
  nodes.push(node);
  using reader = await SseReader.open(node, `channel=k.k&since=${encodeURIComponent(new Date(now - 30.5 * 60_000).toISOString())}`);
  await expectExact({ topic, node, start: null }, reader, 30, 60);
});

test.concurrent('fifty readers that want overlapping ranges ride the same scans', async () => {
  const count = 4_000;
  const scene = await prepare(count, null);
  using first = await SseReader.open(scene.node, 'channel=k.k', { lastEventId: scene.start });
  await first.take(count);
  const ids = Array.from({ length: 49 }, (_, n) => ({ from: n * 20, id: n === 0 ? scene.start : (first.events[n * 20 - 1]?.id ?? null) }));
  const before = await readMetric(scene.node, 'selvage_scanned_records_total');
  const readers = await Promise.all(ids.map(({ id }) => SseReader.open(scene.node, 'channel=k.k', { lastEventId: id })));
  for (const [i, reader] of readers.entries()) {
    expect(await reader.take(count - (ids[i]?.from ?? 0))).toEqual(numbers(ids[i]?.from ?? 0, count));
    reader.close();
  }
  const scanned = (await readMetric(scene.node, 'selvage_scanned_records_total')) - before;
  // Each alone would have read the topic: 49 times.
  expect(scanned).toBeLessThanOrEqual(2 * count);
});

test.concurrent('past the bound of a catch-up a gap `too-far` is told, then the stream is live', async () => {
  const scene = await prepare(500, null, { SELVAGE_REPLAY_SCAN_RECORDS_MAX: '100' });
  using reader = await SseReader.open(scene.node, 'channel=k.k', { lastEventId: scene.start });
  await reader.until(() => reader.gaps.length > 0, 'a gap');
  expect(reader.gaps).toMatchObject([{ reason: 'too-far', from: scene.start }]);
  await send(scene.topic, ['live']);
  expect(await reader.take(1)).toEqual(['live']);
});

test.concurrent.each([
  { how: 'within the bound of a catch-up', env: {} },
  { how: 'far beyond the bound of a catch-up', env: { SELVAGE_REPLAY_SCAN_RECORDS_MAX: '100' } },
])('what retention took is a gap `expired`, and what the log still has follows it ($how)', async ({ env }) => {
  const scene = await prepare(500, null, env);
  await kafka.trim(scene.topic, 0, 450);
  using reader = await SseReader.open(scene.node, 'channel=k.k', { lastEventId: scene.start });
  expect(await reader.take(50)).toEqual(numbers(450, 500));
  expect(reader.gaps).toMatchObject([{ reason: 'expired', from: scene.start }]);
  using since = await SseReader.open(scene.node, 'channel=k.k&since=10m');
  expect(await since.take(50)).toEqual(numbers(450, 500));
  expect(since.gaps).toMatchObject([{ reason: 'expired' }]);
  await send(scene.topic, ['live']);
  for (const one of [reader, since]) await one.until(() => one.datas.at(-1) === 'live', 'the live event');
});
