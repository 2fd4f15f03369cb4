import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from 'vitest';
import { parseRedisUrl } from '../../../src/redis/redis-connection-options.js';
import { RedisConnection } from '../../../src/redis/redis-connection.js';
import { systemEnvironment } from '../../../src/std/system-environment.js';
import { noMetrics } from '../../../src/telemetry/no-metrics.js';
import { silentLogger } from '../../../src/telemetry/silent-logger.js';
import { RedisReplayWindow } from '../../../src/window/redis/redis-replay-window.js';
import type { WindowOptions } from '../../../src/window/window-options.js';
import { describeReplayWindow } from '../../contract/replay-window-contract.js';
import { sharedRedis } from '../../platform/shared-services.js';
import { uniqueName } from '../../platform/unique-name.js';

const redis = new RedisConnection(parseRedisUrl(sharedRedis().url), silentLogger, systemEnvironment);
const windows: RedisReplayWindow[] = [];

describeReplayWindow(
  'the window in Redis',
  async (options) => {
    await redis.waitUntilUp(5_000);
    const prefix = uniqueName('window-contract');
    const make = (all: WindowOptions): RedisReplayWindow => {
      const window = new RedisReplayWindow(all, { redis, environment: systemEnvironment, logger: silentLogger, metrics: noMetrics });
      windows.push(window);
      return window;
    };
    return {
      window: make({ ...options, prefix }),
      pass: (ms: number) => sleep(ms),
      flush: () => redis.deleteKeysUnder(`${prefix}:`),
      replicaPoint: () => dumpAll(redis, `${prefix}:`),
      sibling: (other) => make({ ...options, prefix, ...other }),
    };
  },
  // Long enough for a busy machine to keep the steps apart.
  3_000,
);

afterAll(async () => {
  for (const window of windows) await window.close();
  await redis.close();
});

/** DUMPs every key under the prefix; the returned function goes back to exactly those. */
async function dumpAll(redis: RedisConnection, prefix: string): Promise<() => Promise<void>> {
  const keys = (await redis.command('KEYS', `${prefix}*`)) as string[];
  const dumps = await Promise.all(
    keys.map(async (key) => [key, await redis.commandBuffer('DUMP', key), await redis.command('PEXPIRETIME', key)] as const),
  );
  return async () => {
    await redis.deleteKeysUnder(prefix);
    await Promise.all(dumps.map(([key, dump, at]) => redis.command('RESTORE', key, Math.max(0, Number(at)), dump as Buffer, 'ABSTTL')));
  };
}
