import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { LimitOptions } from '../../../../src/admission/limits/limit-options.js';
import { replayOwnerOf } from '../../../../src/admission/limits/owner.js';
import { noLimits, open, openMany, principal } from '../../../contract/limits-contract.js';
import { RedisServer } from '../../../platform/redis-server.js';
import { uniqueName } from '../../../platform/unique-name.js';
import { waitFor } from '../../../platform/wait-for.js';
import { RedisLimits } from './open-redis-limits.js';
import type { RedisLimitsNode } from './open-redis-limits.js';

const times = { lapseMs: 1_500, overlapMs: 2_000 };

/** Two nodes and a Redis of their own, which may be killed. */
async function openTwo(options: Partial<LimitOptions & { leaseTtlMs: number }> = {}) {
  const server = await RedisServer.start();
  onTestFinished(() => server.close());
  const nodes = new RedisLimits(server.url);
  onTestFinished(() => nodes.close());
  const prefix = uniqueName('two-nodes');
  const all = { ...noLimits, ...times, userStreamsMax: 3, ...options };
  const node = (): Promise<RedisLimitsNode> => nodes.node(all, prefix);
  return { server, prefix, node, one: await node(), other: await node() };
}

const isIn = async (node: RedisLimitsNode, ask: Parameters<typeof open>[1] = {}): Promise<boolean> => {
  const { lease } = await open(node, ask);
  lease?.release();
  return lease !== null;
};

describe('two nodes on one Redis', () => {
  test('the limit of a user and of a tenant holds over both', async () => {
    const { one, other } = await openTwo({ tenantStreamsMax: 4 });
    await openMany(one, 2, { tenant: 'acme' });
    const [third] = await openMany(other, 1, { tenant: 'acme' });
    expect((await open(one, { tenant: 'acme' })).refusal).toMatchObject({ code: 'too-many-streams', limit: 3, present: 3 });
    expect((await open(other, { tenant: 'acme' })).refusal).toMatchObject({ limit: 3, present: 3 });
    await openMany(other, 1, { tenant: 'acme', subject: 'bob' });
    expect((await open(one, { tenant: 'acme', subject: 'bob' })).refusal).toMatchObject({ limit: 4, present: 4 });
    third?.lease?.release();
    await waitFor(() => isIn(one, { tenant: 'acme', subject: 'bob' }), { what: 'the place that was given back' });
  });

  test('many who come at once on both get the limit and not one more', async () => {
    const { one, other } = await openTwo();
    const asked = await Promise.all(Array.from({ length: 40 }, (_, i) => open(i % 2 === 0 ? one : other)));
    expect(asked.filter(({ lease }) => lease !== null)).toHaveLength(3);
  });

  test('of a tenant too, and those that were refused are in no number afterwards', async () => {
    const { one, other } = await openTwo({ userStreamsMax: 0, tenantStreamsMax: 8 });
    const asked = await Promise.all(Array.from({ length: 40 }, (_, i) => open(i % 2 === 0 ? one : other, { tenant: 'acme' })));
    expect(asked.filter(({ lease }) => lease !== null)).toHaveLength(8);
    for (const node of [one, other]) expect((await open(node, { tenant: 'acme' })).refusal).toMatchObject({ limit: 8, present: 8 });
  });

  test('who is at his own limit takes nothing from his tenant, not even while he is being refused', async () => {
    const { one, other } = await openTwo({ userStreamsMax: 1, tenantStreamsMax: 3 });
    await openMany(one, 1, { tenant: 'acme', subject: 'ann' });
    const hammering = Array.from({ length: 50 }, () => open(one, { tenant: 'acme', subject: 'ann' }));
    const sibling = open(one, { tenant: 'acme', subject: 'bob' });
    expect((await Promise.all(hammering)).every(({ lease }) => lease === null)).toBe(true);
    expect((await sibling).lease).not.toBeNull();
    expect((await open(other, { tenant: 'acme', subject: 'eve' })).lease).not.toBeNull();
  });

  test('rates hold over both', async () => {
    const { one, other } = await openTwo({
      userStreamsMax: 0,
      userConnects: { perMinute: 1, burst: 4 },
      userPublishes: { perMinute: 1, burst: 10 },
    });
    await openMany(one, 2);
    await openMany(other, 2);
    expect((await open(one)).refusal).toMatchObject({ code: 'rate-limited', limit: 4 });
    expect(await one.limits.admitPublish(principal('ann'), '', 6)).toBeNull();
    expect(await other.limits.admitPublish(principal('ann'), '', 6)).toMatchObject({ code: 'rate-limited' });
    expect(await other.limits.admitPublish(principal('ann'), '', 4)).toBeNull();
  });

  test('the leases of a killed node lapse by themselves, and those of the living stay', async () => {
    const { one, other } = await openTwo({ tenantStreamsMax: 3 });
    await openMany(one, 2, { tenant: 'acme' });
    await openMany(other, 1, { tenant: 'acme' });
    one.die();
    expect(await isIn(other, { tenant: 'acme' })).toBe(false);
    await waitFor(() => isIn(other, { tenant: 'acme' }), { timeoutMs: 10_000, what: 'the lapse' });
    const [second] = await openMany(other, 1, { tenant: 'acme' });
    await openMany(other, 1, { tenant: 'acme' });
    expect(await isIn(other, { tenant: 'acme' })).toBe(false);
    second?.lease?.release();
    // What lives lives on through many lapse times.
    await sleep(2 * times.lapseMs);
    await openMany(other, 1, { tenant: 'acme' });
    expect(await isIn(other, { tenant: 'acme' })).toBe(false);
  });

  test('whoever loses its node comes back to another at once, and keeps all its streams', async () => {
    const { one, other } = await openTwo();
    await openMany(one, 3);
    one.die();
    await openMany(other, 3, { isResume: true });
    expect(other.told.outcomes).toEqual(['overlap', 'overlap', 'overlap']);
    await sleep(1.5 * times.overlapMs);
    expect(other.evicted).toEqual([]);
    expect(await isIn(other)).toBe(false);
  });

  test('a node that stood still for longer than the lapse has its leases again when it moves on', async () => {
    const { one, other } = await openTwo();
    await openMany(one, 3);
    // The store forgets the node, as it does when its beat stays away.
    await other.redis.command('DEL', ...((await other.redis.command('KEYS', '*:nodes')) as string[]));
    await other.redis.command('DEL', ...((await other.redis.command('KEYS', '*:streams')) as string[]));
    await waitFor(async () => !(await isIn(other)), { what: 'the leases to be registered anew' });
  });

  test('the oldest on the other node is told when the newest comes here', async () => {
    const { one, other } = await openTwo({ userStreamsMax: 1, overLimit: 'close-oldest' });
    const [first] = await openMany(one, 1);
    await openMany(other, 1);
    await waitFor(() => other.evicted.length > 0, { what: 'the telling' });
    expect(other.evicted).toEqual([{ streamIds: [first?.streamId], code: 'replaced' }]);
    expect(one.evicted).toEqual([]);
  });

  test('one that does not close although told is told again', async () => {
    const { one, other } = await openTwo({ userStreamsMax: 2, overLimit: 'close-oldest' });
    const [first] = await openMany(one, 2);
    const [third] = await openMany(other, 1);
    third?.lease?.release();
    await sleep(2_100);
    await openMany(other, 1);
    await waitFor(() => other.evicted.length > 1, { what: 'the second telling' });
    expect(other.evicted.map(({ streamIds }) => streamIds)).toEqual([[first?.streamId], [first?.streamId]]);
  });

  test('with Redis killed each node holds the limit alone and says so; with Redis back it holds over both', async () => {
    const { one, other, server } = await openTwo({ tenantStreamsMax: 5 });
    const opened = await openMany(one, 2, { tenant: 'acme' });
    await server.kill();
    await waitFor(() => !one.leases.isUsable && !other.leases.isUsable, { what: 'the loss to be seen' });
    const started = performance.now();
    await openMany(one, 1, { tenant: 'acme' });
    await openMany(other, 3, { tenant: 'acme' });
    expect((await open(one, { tenant: 'acme' })).refusal).toMatchObject({ code: 'too-many-streams', limit: 3, present: 3 });
    expect((await open(other, { tenant: 'acme' })).refusal).toMatchObject({ code: 'too-many-streams', limit: 3, present: 3 });
    // Nothing waited for Redis: six time-outs would have taken 1.5 s.
    expect(performance.now() - started).toBeLessThan(1_000);
    expect(one.told.shared).toBe(false);
    expect(one.lines).toContain('redis does not answer: every node holds its limits alone');
    opened[0]?.lease?.release();
    await server.start();
    // 2 here and 3 there are registered anew: five of the user, five of the tenant.
    const present = async (): Promise<number | undefined> => {
      const { lease, refusal } = await open(one, { tenant: 'acme' });
      lease?.release();
      return refusal?.present;
    };
    await waitFor(async () => (await present()) === 5, { timeoutMs: 15_000, what: 'all five counted' });
    const isTenantFull = async (): Promise<boolean> => (await open(other, { tenant: 'acme', subject: 'bob' })).refusal?.present === 5;
    await waitFor(isTenantFull, { what: 'the five of the tenant' });
    expect(one.told.shared).toBe(true);
  });

  test('what was given back while Redis did not answer is not counted afterwards', async () => {
    const { one, other, server } = await openTwo();
    const opened = await openMany(one, 3);
    server.pause();
    for (const { lease } of opened) lease?.release();
    await waitFor(() => !one.redis.isUp || !one.leases.isUsable, { timeoutMs: 15_000, what: 'the loss to be seen' });
    server.resume();
    await waitFor(() => isIn(other), { timeoutMs: 15_000, what: 'a place' });
    await openMany(other, 3);
  });

  test('a Redis that does not answer costs a connect the bound and no more', async () => {
    const { one, server } = await openTwo({ userPublishes: { perMinute: 60, burst: 10 } });
    server.pause();
    const started = performance.now();
    await openMany(one, 1);
    expect(await one.limits.admitPublish(principal('ann'), '', 1)).toBeNull();
    const tookMs = performance.now() - started;
    server.resume();
    expect(tookMs).toBeGreaterThan(200);
    expect(tookMs).toBeLessThan(900);
    await waitFor(() => one.leases.isUsable, { what: 'Redis' });
    await openMany(one, 2);
    expect(await isIn(one)).toBe(false);
  });

  test('a flushed Redis is filled again with thousands of leases', async () => {
    const { one, other, server } = await openTwo({ storeWaitMs: 5_000 });
    const users = Array.from({ length: 1_500 }, (_, i) => `user ${i}`);
    await Promise.all(users.flatMap((subject) => [open(one, { subject }), open(other, { subject }), open(other, { subject })]));
    await server.flush();
    const counted = async (): Promise<boolean> => {
      const counts = await one.leases.countStreams(users.map((subject) => replayOwnerOf({ subject, tenant: null })));
      return counts.every((count) => count === 3);
    };
    expect(await waitFor(counted, { timeoutMs: 15_000, everyMs: 200, what: 'all leases' })).toBe(true);
    expect(one.told.outcomes).toHaveLength(1_500);
  });

  test('thousands that are given back while Redis is away leave nothing behind', async () => {
    const { one, other, server } = await openTwo({ storeWaitMs: 5_000 });
    const users = Array.from({ length: 1_500 }, (_, i) => `user ${i}`);
    const opened = await Promise.all(users.map((subject) => open(one, { subject })));
    server.pause();
    await waitFor(() => !one.leases.isUsable, { timeoutMs: 15_000, what: 'the loss to be seen' });
    for (const { lease } of opened) lease?.release();
    server.resume();
    await waitFor(() => one.leases.isUsable && other.leases.isUsable, { timeoutMs: 15_000, what: 'Redis' });
    const areGone = async (): Promise<boolean> => {
      const asked = await Promise.all(
        users.map(async (subject) => {
          const { lease, headers } = await open(other, { subject });
          lease?.release();
          return headers['RateLimit'];
        }),
      );
      return asked.every((left) => left === '"streams";r=2');
    };
    expect(await waitFor(areGone, { timeoutMs: 20_000, everyMs: 300, what: 'the lapse' })).toBe(true);
  });

  test('every key is gone by itself when nobody renews it, and leases that live longer are renewed', async () => {
    const { one, other, prefix } = await openTwo({ tenantStreamsMax: 9, userConnects: { perMinute: 60, burst: 9 }, leaseTtlMs: 1_500 });
    await openMany(one, 3, { tenant: 'acme' });
    const keys = (await other.redis.command('KEYS', `${prefix}*`)) as string[];
    const ttls = await Promise.all(keys.map(async (key) => Number(await other.redis.command('PTTL', key))));
    expect(keys).toHaveLength(4);
    expect(Math.min(...ttls)).toBeGreaterThan(0);
    await sleep(4_000);
    expect((await open(other, { tenant: 'acme' })).refusal).toMatchObject({ limit: 3, present: 3 });
    const [tenantKey = ''] = keys.filter((key) => key.includes('{t:'));
    expect(await other.redis.command('HVALS', tenantKey)).toEqual([expect.stringMatching(/^3\|/)]);
    one.die();
    await waitFor(async () => Number(await other.redis.command('EXISTS', ...keys.filter((key) => key.endsWith('streams')))) === 0, {
      what: 'the end of the keys',
    });
  });
});
