import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { parseRedisUrl } from '../../../src/redis/redis-connection-options.js';
import { RedisConnection } from '../../../src/redis/redis-connection.js';
import { systemEnvironment } from '../../../src/std/system-environment.js';
import { silentLogger } from '../../../src/telemetry/silent-logger.js';
import { describeReplayWindow, event, readAfter, stretch, told, topic } from '../../contract/replay-window-contract.js';
import { histories, play } from '../../contract/replay-window-history.js';
import { sharedRedis } from '../../platform/shared-services.js';
import { openMemoryWindow } from '../../unit/window/open-memory-window.js';
import { RedisWindows } from './open-redis-window.js';

const redis = new RedisConnection(parseRedisUrl(sharedRedis().url), silentLogger, systemEnvironment);
const windows = new RedisWindows(redis);
const describeTopic = () => ({ fingerprint: 'f', generation: '' });

afterAll(() => windows.close());

// Long enough for a busy machine to keep the steps apart.
describeReplayWindow('the window in Redis', windows.open, 3_000);

test('answers exactly as the window in memory does, whatever happened before', async () => {
  await fc.assert(
    fc.asyncProperty(
      histories(0, 1_000_000),
      fc.constantFrom(2, 5, 12),
      fc.constantFrom(1, 3),
      async (history, eventsPerChannelMax, bucketCount) => {
        const options = { ageMs: 3_600_000, eventsPerChannelMax, bucketCount, describeTopic };
        const answers = await play(await windows.open(options), history);
        expect(answers).toEqual(await play(await openMemoryWindow(options), history));
      },
    ),
    { numRuns: 60 },
  );
});

test('a page that is judged complete is complete, also when bounded in bytes', async () => {
  await fc.assert(
    fc.asyncProperty(histories(0, null), fc.integer({ min: 1, max: 12 }), async (history, eventsPerChannelMax) => {
      await play(await windows.open({ ageMs: 3_600_000, eventsPerChannelMax, describeTopic }), history);
    }),
    { numRuns: 60 },
  );
});

test('what a page costs is bounded in bytes, however many channels are asked', async () => {
  const { window } = await windows.open({ ageMs: 60_000, eventsPerChannelMax: 100, describeTopic });
  const channels = Array.from({ length: 20 }, (_, i) => `c${i}`);
  const events = Array.from({ length: 400 }, (_, offset) => event(offset, [channels[offset % 20] ?? ''], { data: 'x'.repeat(10_000) }));
  await window.write({ topic, partition: 0, from: 0, to: 399, events });
  const answer = await readAfter(window, -1, channels, { eventsMax: 1_000, bytesMax: 100_000 });
  expect(answer.kind === 'page' && answer.events.length).toBeGreaterThanOrEqual(10);
  expect(answer.kind === 'page' && answer.events.length).toBeLessThan(60);
  expect(told(await readAfter(window, 398, channels, { eventsMax: 1, bytesMax: 1 }))).toBe('page 399 ..399');
});

test('scripts that Redis forgot are sent again', async () => {
  const { window } = await windows.open({ ageMs: 60_000, eventsPerChannelMax: 100, describeTopic });
  await window.write(stretch(0, 3, [1]));
  await redis.command('SCRIPT', 'FLUSH');
  await window.write(stretch(4, 5, [5]));
  expect(told(await readAfter(window, -1))).toBe('page 1 5 ..5');
});

test('a stream that outlived the state that vouched for it is cleared, and readers are told', async () => {
  const { window } = await windows.open({ ageMs: 60_000, eventsPerChannelMax: 100, describeTopic });
  await window.write(stretch(100, 120, [110, 120]));
  const keys = (await redis.command('KEYS', `*${topic}~*`)) as string[];
  const state = keys.filter((key) => key.endsWith(':0'));
  for (const key of state) {
    // Only this test's window reaches 120.
    if ((await redis.command('HGET', key, 'high')) === '120') await redis.command('DEL', key, `${key}:m`);
  }
  expect(await window.write(stretch(5, 9, [6]))).toEqual({ high: 9, floor: 4 });
  expect(told(await readAfter(window, 4))).toBe('page 6 ..9');
});

test('large offsets are kept exactly', async () => {
  const { window } = await windows.open({ ageMs: 60_000, eventsPerChannelMax: 100, describeTopic });
  const base = 2 ** 52;
  await window.write(stretch(base, base + 3, [base + 1, base + 2]));
  expect(told(await readAfter(window, base))).toBe(`page ${base + 1} ${base + 2} ..${base + 3}`);
});

test('a stream of one small event stays small', async () => {
  const { window } = await windows.open({ ageMs: 60_000, eventsPerChannelMax: 100, describeTopic });
  const channels = Array.from({ length: 200 }, (_, i) => `order:${i}`);
  const events = channels.map((channel, offset) => event(offset, [channel], { data: 'x'.repeat(100) }));
  await window.write({ topic, partition: 0, from: 0, to: 199, events });
  const keys = (await redis.command('KEYS', '*:s:order:*')) as string[];
  const sizes = await Promise.all(keys.slice(0, 50).map((key) => redis.command('MEMORY', 'USAGE', key)));
  // 4.3 KB with stream-node-max-bytes as Redis ships it (4096), 1.3 KB with 1024: a node's listpack is allocated whole.
  expect(Math.max(...sizes.map(Number))).toBeLessThan(5_500);
});
