import { afterEach, expect, test } from 'vitest';
import { Hub } from '../../../src/hub/hub.js';
import { TopicTable } from '../../../src/hub/topic-table.js';
import { LogError } from '../../../src/log/event-log.js';
import { MemoryEventLog } from '../../../src/log/memory/memory-event-log.js';
import { RecentStore } from '../../../src/recent/recent-store.js';
import { createRouter } from '../../../src/routing/create-router.js';
import { parseRoutes } from '../../../src/routing/parse-routes.js';
import { systemEnvironment } from '../../../src/std/system-environment.js';
import { TopicWatch } from '../../../src/subscribe/topic-watch.js';
import { noMetrics } from '../../../src/telemetry/no-metrics.js';
import { silentLogger } from '../../../src/telemetry/silent-logger.js';
import { MemoryReplayWindow } from '../../../src/window/memory/memory-replay-window.js';
import type { ReplayWindow } from '../../../src/window/replay-window.js';
import { waitFor } from '../../platform/wait-for.js';

const topic = 'orders';
const key = 'order-1';
const closing: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A node's view of a keyed topic with two partitions, on a log where the topic may meanwhile have more. */
function follow(partitionCountNow: number, window: ReplayWindow | null = null) {
  const parsed = parseRoutes([{ topic, channels: ['{key|raw}'], keyed: 'murmur2' }]);
  if (parsed.kind === 'problems') throw new Error(JSON.stringify(parsed.problems));
  const nothing = (): void => undefined;
  const observer = { unrouted: nothing, channelSkipped: nothing, typeReplaced: nothing };
  const router = createRouter(parsed.routes, observer, { eventBytesMax: 1_000 });
  const log = new MemoryEventLog({}, systemEnvironment);
  log.broker.createTopic(topic, { partitionCount: partitionCountNow });
  const parts = { environment: systemEnvironment, metrics: noMetrics, logger: silentLogger };
  const topics = new TopicTable('test', router.topics);
  const orders = topics.get(topic)!;
  const hub = new Hub({
    ...parts,
    options: { keepAliveMs: 60_000, maxAgeMs: 0, retryMs: 1, stallMs: 1, pageEventsMax: 1, chunkBytesMax: 1, timeSlackMs: 0 },
    tiers: { readPage: () => Promise.reject(new Error('nobody reads')) },
    recentStore: new RecentStore({ ageMs: 60_000, bytesMax: 1_000 }, systemEnvironment.clock),
    topics,
    newBudget: () => ({ recordsLeft: 1, bytesLeft: 1, msLeft: 1 }),
    hearStray: nothing,
  });
  const watch = new TopicWatch({ ...parts, hub, log, window, periodMs: 60_000 });
  closing.push(
    () => log.close(),
    () => watch.stop(),
    () => hub.stop(),
  );
  let asked = 0;
  const describe = log.describe.bind(log);
  let told = (count: number): number => count;
  log.describe = async (names) => {
    try {
      const described = await describe(names);
      return new Map([...described].map(([name, one]) => [name, { ...one, partitionCount: told(one.partitionCount) }]));
    } finally {
      asked++;
    }
  };
  const hear = (partition: number): void => {
    const record = { offset: 0, timestampMs: 0, key: Buffer.from(key), value: null, headers: {} };
    watch.hearStray(orders, (count) => !router.isStray(topic, partition, record, count));
  };
  const homeUnder = (count: number): number =>
    Array.from({ length: count }, (_, partition) => partition).find(
      (partition) =>
        !router.isStray(topic, partition, { offset: 0, timestampMs: 0, key: Buffer.from(key), value: null, headers: {} }, count),
    )!;
  const begin = (): void => hub.grow(orders, 2);
  const tell = (by: typeof told): void => void (told = by);
  return { orders, watch, hear, homeUnder, begin, tell, asked: () => asked };
}

function openWindow(): MemoryReplayWindow {
  const describeTopic = () => ({ fingerprint: 'f', generation: '' });
  return new MemoryReplayWindow({ prefix: 'test', ageMs: 60_000, eventsPerChannelMax: 10, clock: systemEnvironment.clock, describeTopic });
}

test('a record that a growth put where this node does not know yet is no breach', async () => {
  const { orders, hear, homeUnder, begin, asked } = follow(7);
  begin();
  hear(homeUnder(7));
  await waitFor(() => asked() > 0, { what: 'the question' });
  expect(orders.isBreached).toBe(false);
});

test('a record where no count puts it is a breach, also beside a growth', async () => {
  const { orders, hear, homeUnder, begin } = follow(7);
  begin();
  const homes = new Set([2, 3, 4, 5, 6, 7].map(homeUnder));
  hear(homeUnder(7));
  hear([0, 1, 2, 3, 4, 5, 6].find((partition) => !homes.has(partition))!);
  await waitFor(() => orders.isBreached, { what: 'the breach' });
});

test('a log that does not answer, or answers what was true before, is asked again', async () => {
  const { orders, hear, homeUnder, begin, tell, asked } = follow(7);
  begin();
  tell((count) => {
    if (asked() === 0) throw new LogError('no answer', true);
    return asked() < 3 ? 2 : count;
  });
  hear(homeUnder(7));
  await waitFor(() => asked() > 3, { what: 'the questions' });
  expect(orders.isBreached).toBe(false);
});

test('a breach that could not be latched is latched when the window is back', async () => {
  const window = openWindow();
  const { orders, watch, hear, homeUnder, begin } = follow(2, window);
  begin();
  window.setAway('stopped');
  hear(1 - homeUnder(2));
  await waitFor(() => orders.isBreached, { what: 'the breach' });
  window.setAway(null);
  expect(await window.breaches()).toEqual(new Set());
  await watch.look();
  await waitFor(async () => (await window.breaches()).has(topic), { what: 'the latch' });
});

test('a node that begins after a growth looks, and lets records be, where the older count puts them', async () => {
  const window = openWindow();
  await window.shareCounts(topic, [{ kind: 'current', count: 1, agoMs: 599_000 }]);
  const { orders, watch, begin } = follow(2, window);
  await watch.look();
  begin();
  expect([orders.firstPartitionCount, orders.demandedFrom, orders.acceptedFrom]).toEqual([1, 1, 1]);
});

test('an older count is let go of in steps: records and positions first, the looking last', async () => {
  const window = openWindow();
  await window.shareCounts(topic, [{ kind: 'current', count: 1, agoMs: 601_000 }]);
  const { orders, watch, begin } = follow(2, window);
  await watch.look();
  begin();
  expect([orders.firstPartitionCount, orders.demandedFrom, orders.acceptedFrom]).toEqual([1, 2, 2]);
});

test('a node that learns of an older count after it began says so, and no node takes its records for at home', async () => {
  const window = openWindow();
  const knowing = follow(2, window);
  await window.shareCounts(topic, [{ kind: 'current', count: 1, agoMs: 1_000 }]);
  await knowing.watch.look();
  knowing.begin();
  window.setAway('stopped');
  const blind = follow(2, window);
  await blind.watch.look();
  blind.begin();
  window.setAway(null);
  await blind.watch.look();
  expect(blind.orders.firstPartitionCount).toBe(2);
  await knowing.watch.look();
  expect([knowing.orders.firstPartitionCount, knowing.orders.demandedFrom, knowing.orders.acceptedFrom]).toEqual([1, 1, 2]);
});
