import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { KafkaFixture } from '../../platform/kafka-fixture.js';
import { readMetric, startNode } from '../../platform/node-fixture.js';
import { sharedKafka, sharedRedis } from '../../platform/shared-services.js';
import { SseReader } from '../../platform/sse-reader.js';

const windowAgeMs = 34_000; // the shortest that the program takes: memory has to outlast an indexer's pause

test('a position older than the window by age is served from the log, exactly', { timeout: 90_000 }, async () => {
  const { brokers } = sharedKafka();
  const kafka = await KafkaFixture.connect(brokers);
  const topic = await kafka.makeTopic(1);
  const env = { SELVAGE_RECENT_AGE_SECONDS: '33', SELVAGE_WINDOW_AGE_SECONDS: String(windowAgeMs / 1_000) };
  await using node = await startNode({ brokers, redisUrl: sharedRedis().url, routes: [{ topic, channels: ['a'] }], env });
  using before = await SseReader.open(node, 'channel=a');
  const start = before.lastId;
  const values = Array.from({ length: 100 }, (_, n) => String(n));
  await kafka.send(
    topic,
    values.slice(0, 90).map((value) => ({ value })),
  );
  await before.take(90);
  await sleep(windowAgeMs + 4_000);
  await kafka.send(
    topic,
    values.slice(90).map((value) => ({ value })),
  );
  await before.take(100);
  await node.stop();
  await node.start();
  using reader = await SseReader.open(node, 'channel=a', { lastEventId: start });
  expect(await reader.take(100)).toEqual(values);
  expect(reader.gaps).toEqual([]);
  expect(await readMetric(node, 'selvage_resumes_total', { tier: 'log', outcome: 'complete' })).toBe(1);
  await kafka.close();
});
