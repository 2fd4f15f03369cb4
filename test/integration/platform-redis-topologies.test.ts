import ioredis from 'ioredis';
import { expect, test } from 'vitest';
import { RedisCluster } from '../platform/redis-cluster.js';
import { RedisSentinelSet } from '../platform/redis-sentinel-set.js';
import { sharedRedis } from '../platform/shared-services.js';
import { waitFor } from '../platform/wait-for.js';

test.skipIf(sharedRedis().isProvided)('a Redis Cluster spreads keys over three masters', async () => {
  await using cluster = await RedisCluster.start();
  const redis = new ioredis.Cluster(cluster.nodes.map((node) => ({ host: node.host, port: node.port })));
  for (let i = 0; i < 30; i++) await redis.set(`key-${String(i)}`, String(i));
  const sizes = await Promise.all(redis.nodes('master').map((master) => master.dbsize()));
  redis.disconnect();
  expect(sizes.filter((size) => size > 0)).toHaveLength(3);
});

test.skipIf(sharedRedis().isProvided)('Sentinels make the replica master when the master is killed', async () => {
  await using set = await RedisSentinelSet.start();
  const sentinels = set.sentinels.split(',').map((address) => ({ host: '127.0.0.1', port: Number(address.split(':')[1]) }));
  const redis = new ioredis.Redis({ sentinels, name: set.masterName });
  redis.on('error', () => undefined);
  await redis.set('key', 'value');
  await redis.wait(1, 5_000);
  await set.master.kill();
  await waitFor(async () => (await redis.role())[0] === 'master' && redis.stream.remotePort === set.replica.port, {
    timeoutMs: 30_000,
    what: 'the failover',
  });
  expect(await redis.get('key')).toBe('value');
  redis.disconnect();
});
