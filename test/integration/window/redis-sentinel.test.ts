import { expect, onTestFinished, test } from 'vitest';
import { RedisConnection } from '../../../src/redis/redis-connection.js';
import { parseRedisUrl } from '../../../src/redis/redis-connection-options.js';
import { systemEnvironment } from '../../../src/std/system-environment.js';
import { silentLogger } from '../../../src/telemetry/silent-logger.js';
import { readAfter, stretch, told } from '../../contract/replay-window-contract.js';
import { RedisSentinelSet } from '../../platform/redis-sentinel-set.js';
import { sharedRedis } from '../../platform/shared-services.js';
import { waitFor } from '../../platform/wait-for.js';
import { RedisWindows } from './open-redis-window.js';

test.skipIf(sharedRedis().isProvided)('when Sentinels replace a killed master, what was replicated is read and written on', async () => {
  const set = await RedisSentinelSet.start();
  onTestFinished(() => set.close());
  const url = `redis+sentinel://${set.sentinels}/${set.masterName}`;
  const redis = new RedisConnection(parseRedisUrl(url), silentLogger, systemEnvironment);
  const windows = new RedisWindows(redis);
  onTestFinished(() => windows.close());
  const { window } = await windows.open({
    ageMs: 600_000,
    eventsPerChannelMax: 100,
    describeTopic: () => ({ fingerprint: 'f', generation: '' }),
  });
  await window.write(stretch(0, 3, [1]));
  await waitFor(async () => Number(await redis.command('WAIT', 1, 500)) === 1, { timeoutMs: 20_000, what: 'the replica to have it' });
  await set.master.kill();
  await waitFor(() => !window.health().usable, { what: 'the loss to be seen' });
  await waitFor(async () => told(await readAfter(window, -1)) === 'page 1 ..3', { timeoutMs: 30_000, what: 'the new master' });
  expect(await window.write(stretch(4, 5, [5]))).toEqual({ high: 5, floor: -1 });
  expect(told(await readAfter(window, -1))).toBe('page 1 5 ..5');
});
