import { afterEach, expect, test } from 'vitest';
import { LogError } from '../../../src/log/event-log.js';
import type { EventLog, SharedConsumer } from '../../../src/log/event-log.js';
import { MemoryEventLog } from '../../../src/log/memory/memory-event-log.js';
import { createRouter } from '../../../src/routing/create-router.js';
import { parseRoutes } from '../../../src/routing/parse-routes.js';
import type { Router } from '../../../src/routing/router.js';
import { systemEnvironment } from '../../../src/std/system-environment.js';
import type { Environment } from '../../../src/std/clock.js';
import type { Logger } from '../../../src/telemetry/logger.js';
import { noMetrics } from '../../../src/telemetry/no-metrics.js';
import { Indexer } from '../../../src/window/indexer.js';
import type { IndexerOptions } from '../../../src/window/indexer.js';
import { MemoryReplayWindow } from '../../../src/window/memory/memory-replay-window.js';
import { waitFor } from '../../platform/wait-for.js';

const topic = 'orders';
const deadLetterTopic = 'selvage.dead-letters';
const ageMs = 60_000;
const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

function routerOf(route: Record<string, unknown> = {}): Router {
  const parsed = parseRoutes([{ topic, channels: ['{key}'], ...route }]);
  if (parsed.kind === 'problems') throw new Error(JSON.stringify(parsed.problems));
  const nothing = (): void => undefined;
  return createRouter(parsed.routes, { unrouted: nothing, channelSkipped: nothing, typeReplaced: nothing }, { eventBytesMax: 1_000 });
}

interface World {
  readonly log: MemoryEventLog;
  readonly window: MemoryReplayWindow;
  readonly lines: string[];
  /** Timers that tests fire by hand: the indexer's renewal. */
  renewNow(): void;
  pass(ms: number): void;
  index(
    route?: Record<string, unknown>,
    options?: Partial<IndexerOptions>,
    through?: EventLog,
  ): { readonly indexer: Indexer; readonly consumer: SharedConsumer };
}

/** A real log and window in memory; the clock of window and indexer is the test's. */
function world(partitionCount = 1, firstOffset = 0): World {
  let aheadMs = 0;
  const clock = { nowMs: () => Date.now() + aheadMs, tickMs: () => performance.now() + aheadMs };
  const log = new MemoryEventLog({ batchRecordsMax: 50 }, systemEnvironment);
  log.broker.createTopic(topic, { partitionCount, firstOffset });
  closing.push(() => log.close());
  const window = new MemoryReplayWindow({
    prefix: 'test',
    ageMs,
    eventsPerChannelMax: 1_000,
    clock,
    describeTopic: () => ({ fingerprint: 'f', generation: '' }),
  });
  const lines: string[] = [];
  const say = (message: string): void => void lines.push(message);
  const logger: Logger = { debug: () => undefined, info: say, warn: say, error: say };
  const periodic: (() => void)[] = [];
  const every = (_: number, callback: () => void) => {
    periodic.push(callback);
    return { cancel: () => undefined };
  };
  const environment: Environment = { ...systemEnvironment, clock, timers: { ...systemEnvironment.timers, every } };
  return {
    log,
    window,
    lines,
    renewNow: () => periodic.forEach((callback) => callback()),
    pass: (ms) => void (aheadMs += ms),
    index: (route = {}, options = {}, through = log) => {
      const deadLetters = { topic: deadLetterTopic, perSecond: 100, burst: 100 };
      const parts = { log: through, router: routerOf(route), window, environment, logger, metrics: noMetrics };
      const indexer = new Indexer({ windowAgeMs: ageMs, deadLetters, ...options }, parts);
      const consumer = log.share('indexer', [topic], indexer);
      closing.unshift(() => {
        indexer.stop();
        return consumer.stop();
      });
      return { indexer, consumer };
    },
  };
}

const append = (
  log: MemoryEventLog,
  count: number,
  more: { key?: string; value?: string; partition?: number; timestampMs?: number } = {},
) => log.append(Array.from({ length: count }, (_, i) => ({ topic, partition: 0, key: 'a', value: `{"n":${i}}`, ...more })));

const highIs = (window: MemoryReplayWindow, high: number) =>
  waitFor(async () => (await window.vouched(topic, 0))?.high === high, { what: `high ${high}` });

async function offsets(window: MemoryReplayWindow, after: number, channel = 'a'): Promise<unknown> {
  const answer = await window.read({ topic, partition: 0, channels: [channel], after, eventsMax: 1_000, bytesMax: 1_000_000 });
  return answer.kind === 'page' ? { events: answer.events.map(({ offset }) => offset), provenTo: answer.provenTo } : answer.reason;
}

test('records of the shared group come into the window, and empty partitions are vouched for', async () => {
  const { log, window, index } = world(2);
  index();
  await append(log, 120);
  await highIs(window, 119);
  expect(await offsets(window, 100)).toEqual({ events: Array.from({ length: 19 }, (_, i) => 101 + i), provenTo: 119 });
  expect(await window.vouched(topic, 1)).toEqual({ high: -1, floor: -1 });
});

test('a batch beyond the bounds becomes several writes without a hole', async () => {
  const { log, window, index } = world();
  await append(log, 40);
  index({}, { writeBounds: { entriesMax: 3, bytesMax: 10_000 } });
  await highIs(window, 39);
  expect(await offsets(window, -1)).toEqual({ events: Array.from({ length: 40 }, (_, i) => i), provenTo: 39 });
});

test('offsets without records carry progress', async () => {
  const { log, window, index } = world();
  index();
  await append(log, 2);
  log.broker.skipOffsets(topic, 0, 3);
  await highIs(window, 4);
  await append(log, 1);
  await highIs(window, 5);
  expect(await offsets(window, 0)).toEqual({ events: [1, 5], provenTo: 5 });
});

test('what is older than the window is skipped at the first start', async () => {
  const { log, window, index } = world();
  await append(log, 10, { timestampMs: Date.now() - 2 * ageMs });
  await append(log, 5);
  index();
  await highIs(window, 14);
  expect(await window.vouched(topic, 0)).toEqual({ high: 14, floor: 9 });
  expect(await offsets(window, 9)).toEqual({ events: [10, 11, 12, 13, 14], provenTo: 14 });
});

test('a new member goes on where the window is, and refills a window that was flushed', async () => {
  const { log, window, index } = world();
  const { consumer } = index();
  await append(log, 5);
  await highIs(window, 4);
  await consumer.stop();
  window.flush();
  await append(log, 2);
  index();
  await highIs(window, 6);
  expect(await offsets(window, -1)).toEqual({ events: [0, 1, 2, 3, 4, 5, 6], provenTo: 6 });
});

test('where latest events are kept, what came while nobody indexed is indexed however old it is', async () => {
  const { log, window, pass, index } = world();
  const route = { keyed: 'murmur2', latest: { ttlSeconds: 3_600 } };
  const first = index(route);
  await append(log, 1);
  await append(log, 1, { key: 'b' });
  await highIs(window, 1);
  first.indexer.stop();
  await first.consumer.stop();
  await append(log, 1);
  pass(3 * ageMs);
  await append(log, 1, { key: 'c', timestampMs: Date.now() + 3 * ageMs });
  index(route);
  await highIs(window, 3);
  const { channels } = await window.latest(topic, 0, ['a', 'b']);
  expect(channels.map((one) => (one.kind === 'event' ? one.event.offset : one.kind))).toEqual([2, 1]);
});

test('a topic that began anew loses its window, at assignment and while running', async () => {
  const { log, window, lines, index } = world();
  await window.write({ topic, partition: 0, from: 0, to: 500, events: [] });
  index();
  await append(log, 3);
  await highIs(window, 2);
  expect(await offsets(window, -1)).toEqual({ events: [0, 1, 2], provenTo: 2 });
  await window.write({ topic, partition: 0, from: 3, to: 900, events: [] });
  await append(log, 1);
  await highIs(window, 3);
  expect(lines.filter((line) => line.includes('began anew'))).toHaveLength(2);
});

test('an idle partition is renewed for as long as it is owned, and vouched for again after a flush', async () => {
  const { log, window, index, pass, renewNow } = world();
  const { indexer } = index();
  await append(log, 3);
  await highIs(window, 2);
  for (let i = 0; i < 5; i += 1) {
    pass(ageMs / 3);
    renewNow();
    await waitFor(async () => (await window.vouched(topic, 0))?.floor !== null, { what: 'renewal' });
  }
  window.flush();
  pass(ageMs / 3);
  renewNow();
  await waitFor(() => window.vouched(topic, 0), { what: 'a new start' });
  expect(await window.vouched(topic, 0)).toEqual({ high: 2, floor: 2 });
  indexer.onRevoked();
  pass(ageMs + 1);
  renewNow();
  expect(await window.vouched(topic, 0)).toEqual({ high: 2, floor: null });
});

test('while the store is away nothing is lost or committed, and it is said once', async () => {
  const { log, window, lines, index } = world();
  index();
  await append(log, 3);
  await highIs(window, 2);
  window.setAway('redis is away');
  await append(log, 3);
  await waitFor(() => lines.length > 0, { what: 'a word' });
  expect(log.broker.group('indexer').committedOf({ topic, partition: 0 })).toBe(3);
  window.setAway(null);
  await highIs(window, 5);
  expect(await offsets(window, -1)).toEqual({ events: [0, 1, 2, 3, 4, 5], provenTo: 5 });
  await waitFor(() => lines.includes('indexing goes on'), { what: 'the recovery to be said' });
  expect(lines).toEqual(['indexing waits; trying again', 'indexing goes on']);
});

test('what cannot be decoded goes to the dead-letter topic with its reason, once, before high passes it', async () => {
  const { log, window, index } = world();
  index();
  await log.append([
    { topic, partition: 0, key: 'a', value: '1' },
    { topic, partition: 0, key: 'bad', value: Uint8Array.of(0xff, 0xfe), headers: { trace: 't1' } },
    { topic, partition: 0, key: 'a', value: '2' },
  ]);
  await highIs(window, 2);
  expect(await offsets(window, -1)).toEqual({ events: [0, 2], provenTo: 2 });
  const letters = [];
  for await (const batch of log.scan({ topic: deadLetterTopic, partition: 0, from: 0, to: 0 })) letters.push(...batch.records);
  const texts = letters.map(({ key, value, headers }) => ({
    key: Buffer.from(key ?? []).toString(),
    value: Buffer.from(value ?? []).toString('hex'),
    headers: Object.fromEntries(Object.entries(headers).map(([name, bytes]) => [name, Buffer.from(bytes as Uint8Array).toString()])),
  }));
  expect(texts).toEqual([
    {
      key: 'bad',
      value: 'fffe',
      headers: {
        trace: 't1',
        'selvage-dead-letter-reason': 'invalid-utf8',
        'selvage-dead-letter-topic': topic,
        'selvage-dead-letter-partition': '0',
        'selvage-dead-letter-offset': '1',
      },
    },
  ]);
});

test('a batch that is tried again writes its dead letters once', async () => {
  const { log, window, lines, index } = world();
  index();
  await highIs(window, -1);
  window.setAway('redis is away');
  await log.append([{ topic, partition: 0, key: 'a', value: Uint8Array.of(0xff) }]);
  await waitFor(() => lines.length > 0, { what: 'a first try' });
  window.setAway(null);
  await highIs(window, 0);
  expect((await log.offsets(deadLetterTopic))[0]?.end).toBe(1);
});

test('high waits for the dead letter to be acknowledged', async () => {
  const { log, window, lines, index } = world();
  const refusing = Object.create(log) as MemoryEventLog;
  refusing.append = () => Promise.reject(new LogError('away', true));
  index({}, {}, refusing);
  await highIs(window, -1);
  await log.append([{ topic, partition: 0, key: 'a', value: Uint8Array.of(0xff) }]);
  await waitFor(() => lines.length > 0, { what: 'a first try' });
  expect(await window.vouched(topic, 0)).toEqual({ high: -1, floor: -1 });
  refusing.append = (records) => log.append(records);
  await highIs(window, 0);
});

test('dead letters over the cap are counted, not written, and hold nothing up', async () => {
  const { log, window, index } = world();
  index({}, { deadLetters: { topic: deadLetterTopic, perSecond: 0.001, burst: 2 } });
  await log.append(Array.from({ length: 20 }, () => ({ topic, partition: 0, key: 'a', value: Uint8Array.of(0xff) })));
  await highIs(window, 19);
  expect((await log.offsets(deadLetterTopic))[0]?.end).toBe(2);
});

test('a stray of a keyed topic latches the breach; a record at home does not', async () => {
  const { log, window, index } = world(8);
  index({ channels: ['{key|raw}'], keyed: 'murmur2' });
  const [home] = await log.append([{ topic, key: 'order-1', value: '1' }]);
  await waitFor(async () => (await window.vouched(topic, home?.partition ?? 0))?.high === 0, { what: 'the first record' });
  expect(await window.breaches()).toEqual(new Set());
  await log.append([{ topic, key: 'order-1', value: '2', partition: ((home?.partition ?? 0) + 1) % 8 }]);
  await waitFor(async () => (await window.breaches()).size > 0, { what: 'the breach' });
  expect(await window.breaches()).toEqual(new Set([topic]));
});

test('a keyed topic that grows is no breach', async () => {
  const { log, window, index } = world(1);
  index({ channels: ['{key|raw}'], keyed: 'murmur2' });
  await append(log, 1);
  await highIs(window, 0);
  log.broker.addPartitions(topic, 7);
  const written = await log.append(Array.from({ length: 20 }, (_, i) => ({ topic, key: `order-${i}`, value: '1' })));
  for (const { partition, offset } of written) {
    await waitFor(async () => ((await window.vouched(topic, partition))?.high ?? -1) >= offset, { what: `partition ${partition}` });
  }
  expect(await window.breaches()).toEqual(new Set());
});

test('an indexer that begins after a growth accepts records of producers that do not know of it yet', async () => {
  const { log, window, index } = world(8);
  await window.shareCounts(topic, [{ kind: 'current', count: 1, agoMs: 300_000 }]);
  index({ channels: ['{key|raw}'], keyed: 'murmur2' });
  await highIs(window, -1);
  const late = await log.append(Array.from({ length: 20 }, (_, i) => ({ topic, key: `order-${i}`, value: '1', partition: 0 })));
  await highIs(window, late.length - 1);
  expect(await window.breaches()).toEqual(new Set());
});

test('where readers may have begun without knowing of the older count, its records are strays', async () => {
  const { log, window, index } = world(8);
  await window.shareCounts(topic, [
    { kind: 'current', count: 1, agoMs: 300_000 },
    { kind: 'blind', count: 8, agoMs: 200_000 },
  ]);
  index({ channels: ['{key|raw}'], keyed: 'murmur2' });
  await highIs(window, -1);
  await log.append(Array.from({ length: 20 }, (_, i) => ({ topic, key: `order-${i}`, value: '1', partition: 0 })));
  await waitFor(async () => (await window.breaches()).size > 0, { what: 'the breach' });
});

test('an indexer that goes back to before a growth of a keyed topic finds no breach in it', async () => {
  const { log, window, index, pass } = world(1);
  const older = await log.append(Array.from({ length: 20 }, (_, i) => ({ topic, key: `order-${i}`, value: '1' })));
  log.broker.addPartitions(topic, 8);
  pass(1_000);
  index({ channels: ['{key|raw}'], keyed: 'murmur2' });
  await highIs(window, older.length - 1);
  expect(await window.breaches()).toEqual(new Set());
});
