import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisConnection } from '../../../src/redis/redis-connection.js';
import { systemEnvironment } from '../../../src/std/system-environment.js';
import { noMetrics } from '../../../src/telemetry/no-metrics.js';
import { silentLogger } from '../../../src/telemetry/silent-logger.js';
import { RedisReplayWindow } from '../../../src/window/redis/redis-replay-window.js';
import type { WindowOptions } from '../../../src/window/window-options.js';
import type { OpenWindowWith } from '../../contract/replay-window-contract.js';
import { uniqueName } from '../../platform/unique-name.js';

/** Opens windows with prefixes of their own in one Redis. */
export class RedisWindows {
  readonly #redis: RedisConnection;
  readonly #opened: RedisReplayWindow[] = [];

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  make(options: WindowOptions): RedisReplayWindow {
    const parts = { redis: this.#redis, environment: systemEnvironment, logger: silentLogger, metrics: noMetrics };
    const window = new RedisReplayWindow(options, parts);
    this.#opened.push(window);
    return window;
  }

  readonly open: OpenWindowWith = async (options) => {
    await this.#redis.waitUntilUp(10_000);
    const prefix = uniqueName('window-test');
    return {
      window: this.make({ ...options, prefix }),
      pass: (ms: number) => sleep(ms),
      flush: () => this.#redis.deleteKeysUnder(`${prefix}:`),
      replicaPoint: () => dumpAll(this.#redis, `${prefix}:`),
      sibling: (other) => this.make({ ...options, prefix, ...other }),
    };
  };

  async close(): Promise<void> {
    for (const window of this.#opened) await window.close();
    await this.#redis.close();
  }
}

/** DUMPs every key under the prefix; the returned function goes back to exactly those. */
async function dumpAll(redis: RedisConnection, prefix: string): Promise<() => Promise<void>> {
  const keys = ((await redis.onEachMaster('KEYS', `${prefix}*`)) as string[][]).flat();
  const dumps = await Promise.all(
    keys.map(async (key) => [key, await redis.commandBuffer('DUMP', key), await redis.command('PEXPIRETIME', key)] as const),
  );
  return async () => {
    await redis.deleteKeysUnder(prefix);
    await Promise.all(dumps.map(([key, dump, at]) => redis.command('RESTORE', key, Math.max(0, Number(at)), dump as Buffer, 'ABSTTL')));
  };
}
