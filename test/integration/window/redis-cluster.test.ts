import { afterAll, beforeAll, expect, test } from 'vitest';
import { RedisConnection } from '../../../src/redis/redis-connection.js';
import { parseRedisUrl } from '../../../src/redis/redis-connection-options.js';
import { systemEnvironment } from '../../../src/std/system-environment.js';
import { silentLogger } from '../../../src/telemetry/silent-logger.js';
import { describeReplayWindow, event, readAfter, stretch, told, topic } from '../../contract/replay-window-contract.js';
import { RedisCluster } from '../../platform/redis-cluster.js';
import { sharedRedis } from '../../platform/shared-services.js';
import { waitFor } from '../../platform/wait-for.js';
import { RedisWindows } from './open-redis-window.js';

let cluster: RedisCluster;
let redis: RedisConnection;
let windows: RedisWindows;
const describeTopic = () => ({ fingerprint: 'f', generation: '' });

beforeAll(async () => {
  // A run that was given its Redis may have no means to start one.
  if (sharedRedis().isProvided) return;
  cluster = await RedisCluster.start();
  redis = new RedisConnection(parseRedisUrl(`redis+cluster://${cluster.addresses}`), silentLogger, systemEnvironment);
  windows = new RedisWindows(redis);
}, 60_000);

afterAll(async () => {
  await windows?.close();
  await cluster?.close();
});

if (!sharedRedis().isProvided) describeReplayWindow('the window in a Redis Cluster', (options) => windows.open(options), 3_000);

test.skipIf(sharedRedis().isProvided)('buckets spread over the nodes, and the loss of one is a loss of its channels only', async () => {
  const { window } = await windows.open({ ageMs: 60_000, eventsPerChannelMax: 100, bucketCount: 16, describeTopic });
  const channels = Array.from({ length: 64 }, (_, i) => `c${i}`);
  await window.write({ topic, partition: 0, from: 0, to: 63, events: channels.map((channel, offset) => event(offset, [channel])) });
  const sizes = (await redis.onEachMaster('DBSIZE')).map(Number);
  expect(sizes).toHaveLength(3);
  expect(Math.min(...sizes)).toBeGreaterThan(0);
  expect((await readAfter(window, -1, channels)).kind).toBe('page');
  const [lost] = cluster.nodes;
  await lost?.kill();
  await expect(window.write(stretch(64, 65))).rejects.toThrow();
  await lost?.start();
  await waitFor(() => window.health().usable, { timeoutMs: 30_000, what: 'a usable window' });
  const vouched = await waitFor(() => window.write(stretch(64, 65)), { timeoutMs: 30_000, what: 'a write' });
  expect(vouched).toEqual({ high: 65, floor: 63 });
  const told64 = await Promise.all(channels.map(async (channel) => told(await readAfter(window, -1, [channel]))));
  const kept = told64.filter((one) => one.startsWith('page'));
  expect(kept.length).toBeGreaterThan(0);
  expect(told64.filter((one) => one === 'unproven below-floor 65')).toHaveLength(64 - kept.length);
});
