import { afterAll, beforeAll, expect, test } from 'vitest';
import { KafkaFixture } from '../../platform/kafka-fixture.js';
import { startNode } from '../../platform/node-fixture.js';
import type { SelvageNode } from '../../platform/selvage-node.js';
import { sharedKafka } from '../../platform/shared-services.js';
import { SseReader } from '../../platform/sse-reader.js';

const { brokers } = sharedKafka();
let kafka: KafkaFixture;
let node: SelvageNode;
let topics: { strict: string; state: string };

beforeAll(async () => {
  kafka = await KafkaFixture.connect(brokers);
  const compacted = { 'cleanup.policy': 'compact' };
  topics = { strict: await kafka.makeTopic(1, compacted), state: await kafka.makeTopic(1, compacted) };
  node = await startNode({
    brokers,
    redisUrl: null,
    routes: [
      { topic: topics.strict, channels: ['strict'] },
      { topic: topics.state, channels: ['state'], compacted: 'current-state' },
    ],
  });
});

afterAll(async () => {
  await node.close();
  await kafka.close();
});

/** A reader that has the first of three records, whose node then forgets all that it had in memory. */
async function leaveBehind(channel: 'strict' | 'state'): Promise<SseReader> {
  using reader = await SseReader.open(node, `channel=${channel}`);
  await kafka.send(topics[channel], [{ key: 'a', value: 'a 1' }]);
  await reader.take(1);
  reader.close();
  await kafka.send(topics[channel], [
    { key: 'a', value: 'a 2' },
    { key: 'b', value: 'b 1' },
  ]);
  await node.kill();
  await node.start();
  return reader;
}

test('below the tail a compacted topic proves nothing: a gap is told, then the stream is live', async () => {
  const { lastId } = await leaveBehind('strict');
  using resumed = await SseReader.open(node, 'channel=strict', { lastEventId: lastId });
  await resumed.until(() => resumed.gaps.length > 0, 'a gap');
  expect(resumed.gaps).toMatchObject([{ reason: 'compacted', from: lastId }]);
  await kafka.send(topics.strict, [{ key: 'a', value: 'a 3' }]);
  expect(await resumed.take(1)).toEqual(['a 3']);
});

test('a route may say that the current state is enough: what compaction left is read, and no gap is told', async () => {
  const { lastId } = await leaveBehind('state');
  using resumed = await SseReader.open(node, 'channel=state', { lastEventId: lastId });
  expect(await resumed.take(2)).toEqual(['a 2', 'b 1']);
  await kafka.send(topics.state, [{ key: 'a', value: 'a 3' }]);
  expect(await resumed.take(3)).toEqual(['a 2', 'b 1', 'a 3']);
  expect(resumed.gaps).toEqual([]);
});
