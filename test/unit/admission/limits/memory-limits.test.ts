import fc from 'fast-check';
import { expect, test } from 'vitest';
import { describeLimits, noLimits, principal } from '../../../contract/limits-contract.js';
import { openMemoryLimits } from './open-memory-limits.js';

describeLimits('limits in memory', (options) => Promise.resolve(openMemoryLimits(options)), { lapseMs: 15_000, overlapMs: 20_000 });

test('where nothing is shared, the answer is there at once', () => {
  const { alone } = openMemoryLimits({ ...noLimits, userStreamsMax: 1, userPublishes: { perMinute: 1, burst: 1 } });
  const answer = alone.limits.admitStream({ streamId: 's', principal: principal('ann'), address: '192.0.2.1', isResume: false });
  expect(answer).not.toBeInstanceOf(Promise);
  expect(alone.limits.admitPublish(principal('ann'), '192.0.2.1', 1)).toBeNull();
});

const limit = 3;
const overlapMs = 20_000;
/** What somebody may try who wants more than the limit: come back in any rhythm, give back in any order, never close what is told to close before. */
const attempts = fc.array(
  fc.record({
    passMs: fc.oneof(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 0, max: 30_000 })),
    isResume: fc.boolean(),
    releases: fc.option(fc.nat({ max: 5 }), { nil: null, freq: 3 }),
  }),
  { minLength: 1, maxLength: 120 },
);

test('whatever a user tries, it never holds more streams than the limit for longer than an overlap, nor ever twice as many', async () => {
  await fc.assert(
    fc.asyncProperty(attempts, async (tried) => {
      const { alone, environment, pass } = openMemoryLimits({ ...noLimits, userStreamsMax: limit, overlapMs });
      const open = new Map<string, { openedAtMs: number; release: () => void }>();
      const close = (streamId: string): void => {
        open.get(streamId)?.release();
        open.delete(streamId);
      };
      const check = (): void => {
        for (const { streamIds } of alone.evicted.splice(0)) streamIds.forEach(close);
        const nowMs = environment.nowMs;
        const old = [...open.values()].filter(({ openedAtMs }) => nowMs - openedAtMs > overlapMs);
        expect(old.length).toBeLessThanOrEqual(limit);
        expect(open.size).toBeLessThanOrEqual(2 * limit);
      };
      let serial = 0;
      for (const { passMs, isResume, releases } of tried) {
        // In small steps, so that what is told to close closes in time.
        for (let left = passMs; left > 0; left -= 500) {
          await pass(Math.min(500, left));
          check();
        }
        if (releases !== null) close([...open.keys()][releases] ?? '');
        const streamId = `s${serial++}`;
        const answer = await alone.limits.admitStream({ streamId, principal: principal('ann'), address: '192.0.2.1', isResume });
        if (answer.kind === 'admitted') open.set(streamId, { openedAtMs: environment.nowMs, release: () => answer.lease.release() });
        check();
      }
    }),
    { numRuns: 60 },
  );
});

test('somebody who does nothing but come back has too much for a third of the time at most', async () => {
  const { alone, environment, pass } = openMemoryLimits({ ...noLimits, userStreamsMax: limit, overlapMs });
  const open = new Map<string, () => void>();
  const startMs = environment.nowMs;
  let overMs = 0;
  for (let i = 0; i < 2_400; i++) {
    const streamId = `s${i}`;
    const answer = await alone.limits.admitStream({ streamId, principal: principal('ann'), address: '192.0.2.1', isResume: true });
    if (answer.kind === 'admitted') open.set(streamId, () => answer.lease.release());
    await pass(250);
    if (open.size > limit) overMs += 250;
    for (const { streamIds } of alone.evicted.splice(0)) {
      for (const id of streamIds) {
        open.get(id)?.();
        open.delete(id);
      }
    }
  }
  expect(overMs / (environment.nowMs - startMs)).toBeLessThan(1 / 3);
});
