import { windowOptionsOf } from '../compose-options.js';
import type { Config } from '../config/config.js';
import type { RedisConnection } from '../redis/redis-connection.js';
import type { RoutedTopic } from '../routing/router.js';
import { systemEnvironment } from '../std/system-environment.js';
import { noMetrics } from '../telemetry/no-metrics.js';
import { silentLogger } from '../telemetry/silent-logger.js';
import { RedisReplayWindow } from '../window/redis/redis-replay-window.js';
import type { ReplayWindow } from '../window/replay-window.js';

/** The window of these routes, for looking at it. It is left as it is. */
export async function withWindow<T>(
  config: Config,
  topics: readonly RoutedTopic[],
  redis: RedisConnection,
  use: (window: ReplayWindow) => Promise<T>,
): Promise<T> {
  const parts = { redis, environment: systemEnvironment, logger: silentLogger, metrics: noMetrics };
  const window = new RedisReplayWindow(windowOptionsOf(config, topics), parts);
  try {
    return await use(window);
  } finally {
    await window.close();
  }
}
