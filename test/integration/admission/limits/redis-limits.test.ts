import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import type { LimitOptions } from '../../../../src/admission/limits/limit-options.js';
import { describeLimits, noLimits, open, openMany } from '../../../contract/limits-contract.js';
import type { LimitsNode } from '../../../contract/limits-contract.js';
import { sharedRedis } from '../../../platform/shared-services.js';
import { uniqueName } from '../../../platform/unique-name.js';
import { openMemoryLimits } from '../../../unit/admission/limits/open-memory-limits.js';
import { RedisLimits } from './open-redis-limits.js';

const limitsInRedis = new RedisLimits(sharedRedis().url);
afterAll(() => limitsInRedis.close());

describeLimits('limits in Redis', limitsInRedis.open, { lapseMs: 900, overlapMs: 1_500 });

const steps = fc.array(
  fc.record({
    user: fc.constantFrom('ann', 'bob'),
    tenant: fc.constantFrom(null, 'acme'),
    isResume: fc.boolean(),
    releases: fc.option(fc.nat({ max: 8 }), { nil: null }),
  }),
  { maxLength: 40 },
);
const settings = fc.record({
  userStreamsMax: fc.integer({ min: 0, max: 3 }),
  tenantStreamsMax: fc.integer({ min: 0, max: 4 }),
  overLimit: fc.constantFrom<LimitOptions['overLimit']>('refuse-newest', 'close-oldest'),
});

/** What is answered and told, without times. */
async function play(
  node: LimitsNode,
  history: readonly { user: string; tenant: string | null; isResume: boolean; releases: number | null }[],
) {
  const answers: string[] = [];
  const leases: (() => void)[] = [];
  for (const [i, { user, tenant, isResume, releases }] of history.entries()) {
    if (releases !== null) leases.splice(releases, 1)[0]?.();
    const { lease, refusal, headers } = await open(node, { subject: user, tenant, isResume, streamId: `s${i}` });
    if (lease !== null) leases.push(() => lease.release());
    answers.push(refusal === null ? `in ${headers['RateLimit'] ?? ''}` : `${refusal.code} ${refusal.present}/${refusal.limit}`);
  }
  return answers;
}

test('answers exactly as memory does, whatever happened before', async () => {
  const nodes: LimitsNode[] = [];
  await fc.assert(
    fc.asyncProperty(settings, steps, async (setting, history) => {
      const options = { ...noLimits, ...setting, lapseMs: 60_000, overlapMs: 80_000, storeWaitMs: 5_000 };
      const node = await limitsInRedis.node(options, uniqueName('limits-play'));
      nodes.push(node);
      expect(await play(node, history)).toEqual(await play(openMemoryLimits(options).alone, history));
      await node.limits.stop();
      await node.redis.close();
    }),
    { numRuns: 40 },
  );
});

test('a connect is one script call for the user and one for the tenant, and a close one command', async () => {
  const options = {
    ...noLimits,
    userStreamsMax: 50,
    userConnects: { perMinute: 60_000, burst: 1_000 },
    lapseMs: 60_000,
    storeWaitMs: 5_000,
  };
  const calls = async (node: Awaited<ReturnType<typeof limitsInRedis.node>>, work: () => Promise<void>): Promise<readonly string[]> => {
    const seen: string[] = [];
    const sent = node.redis.commandBuffer.bind(node.redis);
    const text = node.redis.command.bind(node.redis);
    node.redis.commandBuffer = (name, ...args) => (seen.push(name), sent(name, ...args));
    node.redis.command = (name, ...args) => (seen.push(name), text(name, ...args));
    await work();
    return seen;
  };
  const node = await limitsInRedis.node(options, uniqueName('limits-count'));
  await openMany(node, 1);
  expect(await calls(node, async () => (await openMany(node, 10)).forEach(({ lease }) => lease?.release()))).toEqual([
    ...Array<string>(10).fill('evalsha'),
    ...Array<string>(10).fill('HDEL'),
  ]);
  const withTenants = await limitsInRedis.node({ ...options, tenantStreamsMax: 100 }, uniqueName('limits-count'));
  await openMany(withTenants, 1, { tenant: 'acme' });
  const asked = await calls(withTenants, async () => {
    await openMany(withTenants, 10, { tenant: 'acme' });
  });
  expect(asked).toEqual(Array<string>(20).fill('evalsha'));
});
