import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeLimits, noLimits, open, openMany } from '../../../contract/limits-contract.js';
import { RedisCluster } from '../../../platform/redis-cluster.js';
import { sharedRedis } from '../../../platform/shared-services.js';
import { uniqueName } from '../../../platform/unique-name.js';
import { waitFor } from '../../../platform/wait-for.js';
import { RedisLimits } from './open-redis-limits.js';

let cluster: RedisCluster;
let limitsInCluster: RedisLimits;

beforeAll(async () => {
  // A run that was given its Redis may have no means to start one.
  if (sharedRedis().isProvided) return;
  cluster = await RedisCluster.start();
  limitsInCluster = new RedisLimits(`redis+cluster://${cluster.addresses}`);
}, 60_000);

afterAll(async () => {
  await limitsInCluster?.close();
  await cluster?.close();
});

if (!sharedRedis().isProvided)
  describeLimits('limits in a Redis Cluster', (options) => limitsInCluster.open(options), { lapseMs: 900, overlapMs: 1_500 });

test.skipIf(sharedRedis().isProvided)('the loss of one of its nodes is made good for the users that it held', async () => {
  const options = { ...noLimits, userStreamsMax: 2, lapseMs: 1_500, overlapMs: 2_000 };
  const prefix = uniqueName('limits-loss');
  const [one, other] = await Promise.all([limitsInCluster.node(options, prefix), limitsInCluster.node(options, prefix)]);
  const users = Array.from({ length: 30 }, (_, i) => `user ${i}`);
  for (const subject of users) {
    await openMany(one, 1, { subject });
    await openMany(other, 1, { subject });
  }
  const [lost] = cluster.nodes;
  await lost?.kill();
  await lost?.start();
  const isHeld = async (): Promise<boolean> => {
    const asked = await Promise.all(users.map((subject) => open(one, { subject })));
    // The store's answers alone say 2 of 2.
    for (const { lease } of asked) lease?.release();
    return asked.every(({ refusal }) => refusal?.present === 2);
  };
  expect(await waitFor(isHeld, { timeoutMs: 20_000, everyMs: 200, what: 'all leases in the Cluster again' })).toBe(true);
});
