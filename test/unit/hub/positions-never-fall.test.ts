import { expect, test } from 'vitest';
import { Hub } from '../../../src/hub/hub.js';
import { plainFormat } from '../../../src/hub/frame-format.js';
import type { Subscription } from '../../../src/hub/subscription.js';
import { TopicTable } from '../../../src/hub/topic-table.js';
import { decodePosition } from '../../../src/protocol/position.js';
import { RecentStore } from '../../../src/recent/recent-store.js';
import { noFilter } from '../../../src/routing/filter.js';
import { systemEnvironment } from '../../../src/std/system-environment.js';
import { startAtTail } from '../../../src/subscribe/starting-point.js';
import { noMetrics } from '../../../src/telemetry/no-metrics.js';
import { recordEvent } from '../../platform/record-event.js';

test('a reader that joins live readers gets no position below the one it began with', () => {
  const topics = new TopicTable('test', [
    { topic: 't', generation: '', fingerprint: 'f', compactedMeans: 'gap' } as ConstructorParameters<typeof TopicTable>[1][number],
  ]);
  const topic = topics.get('t')!;
  const hub = new Hub({
    options: {
      keepAliveMs: 60_000,
      maxAgeMs: 0,
      retryMs: 1_000,
      stallMs: 60_000,
      pageEventsMax: 100,
      chunkBytesMax: 65_536,
      timeSlackMs: 0,
    },
    environment: systemEnvironment,
    metrics: noMetrics,
    tiers: { readPage: () => Promise.reject(new Error('everything is in memory')) },
    recentStore: new RecentStore({ ageMs: 60_000, bytesMax: 1_000_000 }, systemEnvironment.clock),
    topics,
    newBudget: () => ({ recordsLeft: 1, bytesLeft: 1, msLeft: 1 }),
    hearStray: () => undefined,
  });
  hub.grow(topic, 2);
  for (const partition of topic.partitions()) hub.startPartition(partition, 0);
  const subscription: Subscription = {
    key: 'plain c',
    channels: ['c'],
    filter: noFilter,
    format: plainFormat,
    sources: [{ topic, homes: null, byTime: false }],
  };
  const join = (): (() => number[][]) => {
    let text = '';
    const cursor = startAtTail(subscription, 0).toCursor(topics.clusterTag);
    const sink = { write: (bytes: Uint8Array) => ((text += new TextDecoder().decode(bytes)), true), end: () => undefined };
    hub.attach(subscription, { cursor, gap: null, latest: [], isResume: false }, sink);
    return () => [...text.matchAll(/^id: (.*)$/gm)].map(([, id]) => cursorsIn(id ?? ''));
  };

  join();
  hub.ingest(topic.partition(1), [], 0); // another channel's record: nobody here is told
  const positions = join();
  hub.ingest(topic.partition(0), [recordEvent({ partition: 0, offset: 0 })], 0);
  hub.ingest(topic.partition(1), [recordEvent({ partition: 1, offset: 1 })], 1);
  hub.flush();
  hub.stop();

  expect(positions()).toEqual([
    [-1, 0],
    [0, 0],
    [0, 1],
  ]);
});

function cursorsIn(id: string): number[] {
  const entry = decodePosition(id)?.topics[0];
  return entry?.kind === 'offsets' ? [...entry.cursors.values()] : [];
}
