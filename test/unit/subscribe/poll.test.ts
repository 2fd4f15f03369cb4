import { expect, test } from 'vitest';
import { Hub } from '../../../src/hub/hub.js';
import { TopicTable } from '../../../src/hub/topic-table.js';
import type { Page, TierReader } from '../../../src/hub/tier-reader.js';
import { clusterTag } from '../../../src/protocol/position.js';
import { RecentStore } from '../../../src/recent/recent-store.js';
import { createRouter } from '../../../src/routing/create-router.js';
import { defaultRoutes, parseRoutes } from '../../../src/routing/parse-routes.js';
import { poll } from '../../../src/subscribe/poll.js';
import { SubscriptionResolver } from '../../../src/subscribe/resolve-subscription.js';
import { startAtTail } from '../../../src/subscribe/starting-point.js';
import { noFilter } from '../../../src/routing/filter.js';
import { noMetrics } from '../../../src/telemetry/no-metrics.js';
import { SimEnvironment, seededRandom } from '../../simulation/sim-environment.js';

const limits = { eventsMax: 100, bytesMax: 100_000 };

/** A node at offset 9 of each of four partitions, whose other tiers never answer. */
function startNode(): { hub: Hub; environment: SimEnvironment; resolver: SubscriptionResolver } {
  const environment = new SimEnvironment(seededRandom(1));
  const parsed = parseRoutes(defaultRoutes);
  if (parsed.kind !== 'routes') throw new Error('the default routes are in order');
  const router = createRouter(parsed.routes, noMetrics, { eventBytesMax: 1_000 });
  const topics = new TopicTable(clusterTag('poll'), router.topics);
  const tiers: TierReader = { readPage: () => new Promise<Page>(() => undefined) };
  const hub = new Hub({
    options: {
      keepAliveMs: 15_000,
      maxAgeMs: 0,
      retryMs: 2_000,
      stallMs: 120_000,
      pageEventsMax: 10,
      chunkBytesMax: 1_000,
      timeSlackMs: 0,
    },
    environment,
    metrics: noMetrics,
    tiers,
    recentStore: new RecentStore({ ageMs: 1_000, bytesMax: 1_000_000 }, environment.clock),
    topics,
    newBudget: () => ({ recordsLeft: 1_000, bytesLeft: 1_000_000, msLeft: 1_000_000 }),
    hearStray: () => undefined,
  });
  const [topic] = topics.all();
  if (topic === undefined) throw new Error('there is one topic');
  topic.setPartitionCount(4);
  for (const partition of topic.partitions()) hub.startPartition(partition, 10);
  return { hub, environment, resolver: new SubscriptionResolver(router, topics) };
}

test.each([
  ['ahead of this node, whose tail does not move', 20],
  ['behind what this node has, while no other tier answers', 5],
])('a poll with wait=0 of a reader %s is answered all the same, with the position that it came with', async (_, cursor) => {
  const { hub, environment, resolver } = startNode();
  const { subscription } = resolver.resolve({
    channels: ['a'],
    filter: noFilter,
    format: 'json',
    position: null,
    sinceMs: null,
    rewind: 0,
    rewindTo: null,
    wantsState: true,
    hasEnd: false,
    waitMs: 0,
  });
  const start = startAtTail(subscription, hub.safeTimeMs());
  for (const partition of start.at.keys()) start.at.set(partition, cursor);
  const from = start.toCursor(hub.topics.clusterTag).text(0);
  const began = { cursor: start.toCursor(hub.topics.clusterTag), gap: null, latest: [], isResume: true };
  let body: string | null = null;
  void poll((sink) => hub.attach(subscription, began, sink, null), 0, limits, environment.timers, new AbortController().signal).then(
    (answer) => (body = answer.body),
  );
  await environment.settle();
  expect(body).toBeNull();
  await environment.advance(30_000);
  expect(body).toBe(JSON.stringify({ events: [], position: from }));
  expect(hub.subscriberCount).toBe(0);
});

test('a poll whose client is gone lets go of its reader', async () => {
  const { hub, environment, resolver } = startNode();
  const { subscription } = resolver.resolve({
    channels: ['a'],
    filter: noFilter,
    format: 'json',
    position: null,
    sinceMs: null,
    rewind: 0,
    rewindTo: null,
    wantsState: true,
    hasEnd: false,
    waitMs: 20_000,
  });
  const start = startAtTail(subscription, 0);
  const gone = new AbortController();
  const began = { cursor: start.toCursor(hub.topics.clusterTag), gap: null, latest: [], isResume: false };
  const answer = poll((sink) => hub.attach(subscription, began, sink, null), 20_000, limits, environment.timers, gone.signal);
  await environment.settle();
  expect(hub.subscriberCount).toBe(1);
  gone.abort();
  await answer;
  expect(hub.subscriberCount).toBe(0);
});
