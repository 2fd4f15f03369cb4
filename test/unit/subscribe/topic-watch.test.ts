import { afterEach, expect, test } from 'vitest';
import { Hub } from '../../../src/hub/hub.js';
import { TopicTable } from '../../../src/hub/topic-table.js';
import { MemoryEventLog } from '../../../src/log/memory/memory-event-log.js';
import { RecentStore } from '../../../src/recent/recent-store.js';
import { createRouter } from '../../../src/routing/create-router.js';
import { parseRoutes } from '../../../src/routing/parse-routes.js';
import { systemEnvironment } from '../../../src/std/system-environment.js';
import { TopicWatch } from '../../../src/subscribe/topic-watch.js';
import { noMetrics } from '../../../src/telemetry/no-metrics.js';
import { silentLogger } from '../../../src/telemetry/silent-logger.js';
import { waitFor } from '../../platform/wait-for.js';

const topic = 'orders';
const key = 'order-1';
const closing: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A node's view of a keyed topic with two partitions, on a log where the topic may meanwhile have more. */
function follow(partitionCountNow: number) {
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
  const watch = new TopicWatch({ ...parts, hub, log, window: null, periodMs: 60_000 });
  closing.push(
    () => log.close(),
    () => watch.stop(),
    () => hub.stop(),
  );
  let asked = 0;
  const describe = log.describe.bind(log);
  log.describe = (names) => describe(names).finally(() => asked++);
  const hear = (partition: number): void => {
    const record = { offset: 0, timestampMs: 0, key: Buffer.from(key), value: null, headers: {} };
    watch.hearStray(orders, (count) => !router.isStray(topic, partition, record, count));
  };
  hub.grow(orders, 2);
  const homeUnder = (count: number): number =>
    Array.from({ length: count }, (_, partition) => partition).find(
      (partition) =>
        !router.isStray(topic, partition, { offset: 0, timestampMs: 0, key: Buffer.from(key), value: null, headers: {} }, count),
    )!;
  return { orders, hear, homeUnder, asked: () => asked };
}

test('a record that a growth put where this node does not know yet is no breach', async () => {
  const { orders, hear, homeUnder, asked } = follow(7);
  hear(homeUnder(7));
  await waitFor(() => asked() > 0, { what: 'the question' });
  expect(orders.isBreached).toBe(false);
});

test('a record where no count puts it is a breach, also beside a growth', async () => {
  const { orders, hear, homeUnder } = follow(7);
  const homes = new Set([2, 3, 4, 5, 6, 7].map(homeUnder));
  hear(homeUnder(7));
  hear([0, 1, 2, 3, 4, 5, 6].find((partition) => !homes.has(partition))!);
  await waitFor(() => orders.isBreached, { what: 'the breach' });
});
