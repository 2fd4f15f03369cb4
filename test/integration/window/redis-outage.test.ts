import { expect, onTestFinished, test } from 'vitest';
import { RedisConnection } from '../../../src/redis/redis-connection.js';
import { parseRedisUrl } from '../../../src/redis/redis-connection-options.js';
import { systemEnvironment } from '../../../src/std/system-environment.js';
import type { Logger } from '../../../src/telemetry/logger.js';
import { noMetrics } from '../../../src/telemetry/no-metrics.js';
import { WindowError } from '../../../src/window/replay-window.js';
import { RedisReplayWindow } from '../../../src/window/redis/redis-replay-window.js';
import { readAfter, stretch, told } from '../../contract/replay-window-contract.js';
import { RedisServer } from '../../platform/redis-server.js';
import type { RedisServerOptions } from '../../platform/redis-server.js';
import { uniqueName } from '../../platform/unique-name.js';
import { waitFor } from '../../platform/wait-for.js';

async function openOwn(options: RedisServerOptions = {}) {
  const server = await RedisServer.start(options);
  onTestFinished(() => server.close());
  const lines: string[] = [];
  const say = (message: string): void => void lines.push(message);
  const logger: Logger = { debug: say, info: say, warn: say, error: say };
  const redis = new RedisConnection(
    { ...parseRedisUrl(server.url), commandTimeoutMs: 400, reconnectDelayMaxMs: 100 },
    logger,
    systemEnvironment,
  );
  onTestFinished(() => redis.close());
  await redis.waitUntilUp(5_000);
  const window = new RedisReplayWindow(
    {
      prefix: uniqueName('outage'),
      ageMs: 1_000,
      eventsPerChannelMax: 100,
      evictionCheckMs: 50,
      describeTopic: () => ({ fingerprint: 'f', generation: '' }),
    },
    { redis, environment: systemEnvironment, logger, metrics: noMetrics },
  );
  onTestFinished(() => window.close());
  await waitFor(() => window.health().usable, { what: 'a usable window' });
  return { server, redis, window, lines };
}

test('while Redis is gone every command fails at once, and it works again when Redis is back', async () => {
  const { server, redis, window, lines } = await openOwn();
  await window.write(stretch(0, 3, [1]));
  await server.kill();
  await waitFor(() => !redis.isUp, { what: 'the loss to be seen' });
  expect(window.health()).toEqual({ usable: false, reason: 'redis is away' });
  const started = performance.now();
  for (let i = 0; i < 20; i += 1) await expect(readAfter(window, -1)).rejects.toBeInstanceOf(WindowError);
  await expect(redis.command('GET', 'x')).rejects.toThrow();
  // Nothing was queued or waited for: 21 time-outs would have taken 8 s.
  expect(performance.now() - started).toBeLessThan(4_000);
  await server.start();
  await waitFor(() => window.health().usable, { what: 'a usable window' });
  expect(told(await readAfter(window, -1))).toBe('unproven absent null');
  expect(await window.write(stretch(4, 5, [5]))).toEqual({ high: 5, floor: 3 });
  expect(lines.filter((line) => line.includes('away'))).toHaveLength(1);
  expect(lines.filter((line) => line === 'redis is up')).toHaveLength(2);
});

test('a Redis that does not answer costs one time-out, not for ever', async () => {
  const { server, window } = await openOwn();
  await window.write(stretch(0, 3, [1]));
  server.pause();
  await expect(window.write(stretch(4, 5, [5]))).rejects.toBeInstanceOf(WindowError);
  server.resume();
  await waitFor(async () => told(await readAfter(window, 0)).startsWith('page 1'), { what: 'reads to work again' });
  // Whether or not the write took effect, writing it again is right.
  expect(await window.write(stretch(4, 5, [5]))).toMatchObject({ high: 5 });
});

test('a Redis that may evict is not believed, nor for a while after it was set right', async () => {
  const { redis, window, lines } = await openOwn();
  await window.write(stretch(0, 3, [1]));
  await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'volatile-ttl');
  await waitFor(() => !window.health().usable, { what: 'the policy to be seen' });
  expect(window.health().reason).toContain('maxmemory-policy is volatile-ttl');
  await expect(readAfter(window, -1)).rejects.toThrow(/must be noeviction/);
  await expect(window.write(stretch(4, 5))).rejects.toThrow(/must be noeviction/);
  await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
  await waitFor(() => window.health().reason.includes('a moment ago'), { what: 'the change to be seen' });
  await waitFor(() => window.health().usable, { what: 'trust' });
  expect(told(await readAfter(window, -1))).toBe('unproven absent 3');
  expect(lines.some((line) => line === 'the replay window is not usable')).toBe(true);
});

test('a full Redis refuses the write, and nothing of it is vouched for', async () => {
  const { redis, window } = await openOwn();
  await window.write(stretch(0, 3, [1]));
  await redis.command('CONFIG', 'SET', 'maxmemory', '1');
  await expect(window.write(stretch(4, 5, [5]))).rejects.toThrow(/OOM/);
  await redis.command('CONFIG', 'SET', 'maxmemory', '0');
  expect(told(await readAfter(window, 0))).toMatch(/^(page 1 ..3|unproven absent 3)$/);
  expect(await window.write(stretch(4, 5, [5]))).toMatchObject({ high: 5 });
});

test('a password and a user are used', async () => {
  const { redis } = await openOwn({ password: 'geheim:@/' });
  expect(await redis.command('PING')).toBe('PONG');
});
