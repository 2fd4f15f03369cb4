import { expect, onTestFinished, test } from 'vitest';
import { KafkaEventLog } from '../../../src/log/kafka/kafka-event-log.js';
import { RedisConnection } from '../../../src/redis/redis-connection.js';
import { parseRedisUrl } from '../../../src/redis/redis-connection-options.js';
import { createRouter } from '../../../src/routing/create-router.js';
import { parseRoutes } from '../../../src/routing/parse-routes.js';
import { systemEnvironment } from '../../../src/std/system-environment.js';
import { noMetrics } from '../../../src/telemetry/no-metrics.js';
import { silentLogger } from '../../../src/telemetry/silent-logger.js';
import { Indexer } from '../../../src/window/indexer.js';
import { RedisReplayWindow } from '../../../src/window/redis/redis-replay-window.js';
import { KafkaFixture } from '../../platform/kafka-fixture.js';
import { RedisServer } from '../../platform/redis-server.js';
import { sharedKafka, sharedRedis } from '../../platform/shared-services.js';
import { uniqueName } from '../../platform/unique-name.js';
import { waitFor } from '../../platform/wait-for.js';

const ageMs = 600_000;
const nothing = (): void => undefined;

test.skipIf(sharedRedis().isProvided)(
  'Kafka is indexed into Redis by two members, through a Redis that goes and comes back empty',
  async () => {
    const brokers = sharedKafka().brokers.split(',');
    const kafka = await KafkaFixture.connect(sharedKafka().brokers);
    onTestFinished(() => kafka.close());
    const topic = await kafka.makeTopic(4, {}, 'indexed');
    const server = await RedisServer.start();
    onTestFinished(() => server.close());
    const parsed = parseRoutes([{ topic, channels: ['{key}'] }]);
    if (parsed.kind === 'problems') throw new Error(JSON.stringify(parsed.problems));
    const router = createRouter(parsed.routes, { unrouted: nothing, channelSkipped: nothing, typeReplaced: nothing });
    const group = uniqueName('indexer');
    const member = async () => {
      const log = new KafkaEventLog({ connection: { brokers }, node: uniqueName('node') }, systemEnvironment, silentLogger);
      await log.connect();
      const redis = new RedisConnection({ ...parseRedisUrl(server.url), reconnectDelayMaxMs: 200 }, silentLogger, systemEnvironment);
      const window = new RedisReplayWindow(
        {
          prefix: 'test',
          ageMs,
          eventsPerChannelMax: 10_000,
          evictionCheckMs: 200,
          describeTopic: () => ({ fingerprint: 'f', generation: '' }),
        },
        { redis, environment: systemEnvironment, logger: silentLogger, metrics: noMetrics },
      );
      const parts = { log, router, window, environment: systemEnvironment, logger: silentLogger, metrics: noMetrics };
      const indexer = new Indexer({ windowAgeMs: ageMs, deadLetters: { topic: uniqueName('dead'), perSecond: 10, burst: 10 } }, parts);
      const consumer = log.share(group, [topic], indexer);
      onTestFinished(async () => {
        indexer.stop();
        await consumer.stop();
        await window.close();
        await redis.close();
        await log.close();
      });
      return { log, window };
    };
    const first = await member();
    const produce = (from: number, count: number) =>
      first.log.append(Array.from({ length: count }, (_, i) => ({ topic, key: `c${(from + i) % 10}`, value: `{"n":${from + i}}` })));
    const caughtUp = async (): Promise<boolean> => {
      const ends = await first.log.offsets(topic);
      const vouched = await Promise.all(ends.map(({ partition }) => first.window.vouched(topic, partition)));
      return ends.every(({ end }, i) => vouched[i]?.high === end - 1);
    };
    await produce(0, 500);
    await waitFor(caughtUp, { timeoutMs: 30_000, what: 'the first records' });
    await member();
    await produce(500, 500);
    await waitFor(caughtUp, { timeoutMs: 30_000, what: 'records after a second member joined' });
    const channels = Array.from({ length: 10 }, (_, i) => `c${i}`);
    const page = async (partition: number, after: number) => {
      const answer = await first.window.read({ topic, partition, channels, after, eventsMax: 10_000, bytesMax: 10_000_000 });
      return answer.kind === 'page' ? answer.events.map(({ offset }) => offset) : answer.reason;
    };
    const ends = await first.log.offsets(topic);
    for (const { partition, end } of ends) {
      // A partition without records has nothing above the cursor.
      if (end > 0) expect(await page(partition, -1)).toEqual(Array.from({ length: end }, (_, i) => i));
    }
    await server.kill();
    await produce(1_000, 300);
    await server.start();
    await waitFor(caughtUp, { timeoutMs: 30_000, what: 'records produced while Redis was gone' });
    for (const { partition, end: before } of ends) {
      const end = (await first.log.offsets(topic)).find((one) => one.partition === partition)?.end ?? 0;
      if (end === before) continue;
      expect(await page(partition, before - 1)).toEqual(Array.from({ length: end - before }, (_, i) => before + i));
      if (before > 0) expect(await page(partition, before - 2)).toBe('below-floor');
    }
  },
  120_000,
);
