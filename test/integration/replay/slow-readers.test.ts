import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KafkaFixture } from '../../platform/kafka-fixture.js';
import { readMetric, startNode } from '../../platform/node-fixture.js';
import type { SelvageNode } from '../../platform/selvage-node.js';
import { sharedKafka } from '../../platform/shared-services.js';
import { SseReader } from '../../platform/sse-reader.js';
import { waitFor } from '../../platform/wait-for.js';

const { brokers } = sharedKafka();
const mebibyte = 1_048_576;
const valueBytes = 16_384;
let kafka: KafkaFixture;
const nodes: SelvageNode[] = [];

beforeAll(async () => {
  kafka = await KafkaFixture.connect(brokers);
});

afterAll(async () => {
  await Promise.all(nodes.map((node) => node.close()));
  await kafka.close();
});

/** A node that keeps so little in memory that a stopped reader has to be served from the log. */
async function prepare(env: Readonly<Record<string, string>> = {}): Promise<{ topic: string; node: SelvageNode }> {
  const topic = await kafka.makeTopic(1, {}, 'slow');
  const bounds = { SELVAGE_RECENT_BYTES_MAX: String(mebibyte), SELVAGE_LIMITS_EVENT_BYTES_MAX: '65536' };
  const node = await startNode({ brokers, redisUrl: null, routes: [{ topic, channels: ['a'] }], env: { ...bounds, ...env } });
  nodes.push(node);
  return { topic, node };
}

const filling = 'x'.repeat(valueBytes);

/** Writes `count` numbered records at an even pace over `overMs`. */
async function flood(topic: string, from: number, count: number, overMs: number): Promise<void> {
  const batch = 32;
  const startMs = performance.now();
  for (let sent = 0; sent < count; sent += batch) {
    const records = Array.from({ length: Math.min(batch, count - sent) }, (_, i) => ({ value: `${from + sent + i} ${filling}` }));
    await kafka.send(topic, records);
    const dueMs = startMs + (overMs * (sent + batch)) / count;
    await sleep(Math.max(0, dueMs - performance.now()));
  }
}

/** The numbers that a reader is given, and nothing of the filling. */
function numbered(): { readonly got: number[]; readonly onEvent: (event: { readonly data: string }) => void } {
  const got: number[] = [];
  return { got, onEvent: ({ data }) => void got.push(data.endsWith(filling) ? Number(data.slice(0, data.indexOf(' '))) : NaN) };
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const residentBytes = (node: SelvageNode): Promise<number> => readMetric(node, 'process_resident_memory_bytes');

/** Memory, looked at all the while that `work` runs. */
async function watchMemory(node: SelvageNode, work: () => Promise<void>): Promise<readonly number[]> {
  const samples = [await residentBytes(node)];
  let isDone = false;
  const watching = (async () => {
    while (!isDone) {
      samples.push(await residentBytes(node));
      await sleep(500);
    }
  })();
  try {
    await work();
  } finally {
    isDone = true;
    await watching;
  }
  return samples;
}

test.concurrent(
  'a reader that stops for a minute gets the 128 MiB that went by, once and in order, and memory stays flat',
  { timeout: 120_000 },
  async () => {
    const { topic, node } = await prepare({ SELVAGE_REPLAY_BYTES_MAX: String(256 * mebibyte) });
    const { got, onEvent } = numbered();
    using reader = await SseReader.open(node, 'channel=a', { onEvent });
    // Buffers and the collector's room are grown before memory is looked at.
    await flood(topic, 0, 512, 4_000);
    await reader.until(() => got.length === 512, 'the first 512 records');
    reader.pause();
    const count = 512 + 8_192;
    const samples = await watchMemory(node, async () => {
      await flood(topic, 512, 8_192, 60_000);
    });
    const half = Math.floor(samples.length / 2);
    // The buffers of fetches and the collector's room grow to their size at first (measured: 35 to 50 MiB); then nothing rises with what goes by.
    expect(Math.max(...samples.slice(half)) - Math.max(...samples.slice(0, half))).toBeLessThan(24 * mebibyte);
    expect(Math.max(...samples) - (samples[0] ?? 0)).toBeLessThan(80 * mebibyte);
    expect(await readMetric(node, 'selvage_connections_stalled')).toBe(1);
    expect(got.length).toBeLessThan(count / 2);
    reader.resume();
    await reader.until(() => got.length === count, 'all records', 30_000);
    expect(got).toEqual(upTo(count));
    expect(reader.gaps).toEqual([]);
  },
);

test.concurrent('fifty readers that stop cost no more than one, and each gets everything', { timeout: 120_000 }, async () => {
  const { topic, node } = await prepare();
  const count = 1_024;
  const readers: { reader: SseReader; got: number[] }[] = [];
  for (let n = 0; n < 50; n++) {
    const { got, onEvent } = numbered();
    readers.push({ got, reader: await SseReader.open(node, 'channel=a', { onEvent }) });
  }
  await flood(topic, 0, 32, 500);
  for (const { reader, got } of readers) await reader.until(() => got.length === 32, 'the first 32 records');
  for (const { reader } of readers) reader.pause();
  const samples = await watchMemory(node, async () => {
    await flood(topic, 32, count - 32, 15_000);
    await sleep(2_000);
  });
  // 50 x 16 MiB went by them.
  expect(Math.max(...samples) - (samples[0] ?? 0)).toBeLessThan(160 * mebibyte);
  for (const { reader } of readers) reader.resume();
  for (const { reader, got } of readers) {
    await reader.until(() => got.length === count, 'all records', 60_000);
    expect(got).toEqual(upTo(count));
    expect(reader.gaps).toEqual([]);
    reader.close();
  }
});

test.concurrent(
  'a reader that never reads again is closed as `slow-reader`, is counted so, and may resume',
  { timeout: 90_000 },
  async () => {
    const { topic, node } = await prepare({ SELVAGE_STREAM_STALL_SECONDS: '3', SELVAGE_STREAM_KEEP_ALIVE_MS: '500' });
    const { got, onEvent } = numbered();
    using reader = await SseReader.open(node, 'channel=a', { onEvent });
    const count = 1_024;
    reader.pause();
    await flood(topic, 0, count, 3_000);
    await waitFor(() => readMetric(node, 'selvage_connections_closed_total', { reason: 'slow-reader' }), {
      what: 'the close',
      timeoutMs: 30_000,
    });
    expect(await readMetric(node, 'selvage_connections')).toBe(0);
    // What the kernel held is still good: the reader goes on from there.
    reader.resume();
    await reader.until(() => reader.ended !== null, 'the end of the connection', 30_000);
    expect(got).toEqual(upTo(got.length));
    using resumed = await SseReader.open(node, 'channel=a', { lastEventId: reader.lastId, onEvent });
    await resumed.until(() => got.length === count, 'the rest');
    expect(got).toEqual(upTo(count));
    expect(resumed.gaps).toEqual([]);
  },
);
