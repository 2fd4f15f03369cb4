import fc from 'fast-check';
import { expect, test } from 'vitest';
import { takeTokens, tokenMs } from '../../../../src/admission/limits/rate.js';
import { TimeTable } from '../../../../src/admission/limits/time-table.js';
import { TokenBuckets } from '../../../../src/admission/limits/token-buckets.js';

function fakeClock() {
  let tick = 1_000_000;
  return { clock: { nowMs: () => tick, tickMs: () => tick }, pass: (ms: number) => void (tick += ms) };
}

const rates = fc.record({ perMinute: fc.integer({ min: 1, max: 100_000 }), burst: fc.integer({ min: 1, max: 500 }) });
const steps = fc.array(fc.record({ passMs: fc.integer({ min: 0, max: 20_000 }), count: fc.integer({ min: 1, max: 30 }) }), {
  maxLength: 200,
});

test('in any stretch of time no more pass than the burst and what comes back in that time', () => {
  fc.assert(
    fc.property(rates, steps, (rate, asked) => {
      const { clock, pass } = fakeClock();
      const buckets = new TokenBuckets(rate, clock);
      const taken: { atMs: number; count: number }[] = [];
      for (const { passMs, count } of asked) {
        pass(passMs);
        if (buckets.take('k', count).isAllowed) taken.push({ atMs: clock.tickMs(), count });
      }
      for (let from = 0; from < taken.length; from++) {
        let sum = 0;
        for (const { atMs, count } of taken.slice(from)) {
          sum += count;
          expect(sum).toBeLessThanOrEqual(rate.burst + (atMs - (taken[from]?.atMs ?? 0)) / tokenMs(rate) + 0.01);
        }
      }
    }),
  );
});

test('whoever waits as long as told gets in, and a moment earlier does not', () => {
  fc.assert(
    fc.property(rates, steps, (rate, asked) => {
      const { clock, pass } = fakeClock();
      const buckets = new TokenBuckets(rate, clock);
      for (const { passMs, count } of asked) {
        pass(passMs);
        const { isAllowed, retryMs } = buckets.take('k', count);
        if (isAllowed || !Number.isFinite(retryMs)) continue;
        expect(buckets.take('k', count).isAllowed).toBe(false);
        pass(retryMs);
        expect(buckets.take('k', count).isAllowed).toBe(true);
      }
    }),
  );
});

test('what is left is what can be taken', () => {
  fc.assert(
    fc.property(rates, steps, (rate, asked) => {
      const { clock, pass } = fakeClock();
      const buckets = new TokenBuckets(rate, clock);
      for (const { passMs, count } of asked) {
        pass(passMs);
        const { left } = buckets.take('k', count);
        if (left > 0) expect(buckets.take('k', left).isAllowed).toBe(true);
        expect(buckets.take('k', 1).isAllowed).toBe(false);
      }
    }),
  );
});

test('more than the burst at once never passes, and says so', () => {
  expect(takeTokens({ perMinute: 60, burst: 5 }, 0, 1_000, 6)).toMatchObject({ isAllowed: false, retryMs: Infinity, left: 5 });
});

test('what is given back can be taken again, but never more than the burst', () => {
  const { clock } = fakeClock();
  const buckets = new TokenBuckets({ perMinute: 60, burst: 5 }, clock);
  buckets.take('k', 5);
  buckets.take('k', -2);
  expect(buckets.take('k', 3).isAllowed).toBe(false);
  expect(buckets.take('k', 2).isAllowed).toBe(true);
  buckets.take('k', -50);
  expect(buckets.take('k', 6).isAllowed).toBe(false);
  expect(buckets.take('k', 5).isAllowed).toBe(true);
});

test('a clock that jumped back leaves nobody waiting longer than an empty bucket takes', () => {
  expect(takeTokens({ perMinute: 60, burst: 5 }, 9_999_999, 1_000, 1).retryMs).toBeLessThanOrEqual(1_000);
});

test('crowding an abuser out of memory gains it nothing', () => {
  const { clock, pass } = fakeClock();
  const buckets = new TokenBuckets({ perMinute: 60, burst: 5 }, clock, 10);
  buckets.take('abuser', 5);
  for (let i = 0; i < 1_000; i++) buckets.take(`crowd ${i}`, 1);
  expect(buckets.take('abuser', 1).isAllowed).toBe(false);
  pass(1_000);
  expect(buckets.take('abuser', 1).isAllowed).toBe(true);
  expect(buckets.take('abuser', 1).isAllowed).toBe(false);
});

test('with any traffic and any bound, a key gets at most what it would get in unbounded memory', () => {
  const visits = fc.array(fc.record({ key: fc.integer({ min: 0, max: 12 }), passMs: fc.integer({ min: 0, max: 800 }) }), {
    maxLength: 300,
  });
  fc.assert(
    fc.property(visits, fc.integer({ min: 1, max: 6 }), (asked, keysMax) => {
      const { clock, pass } = fakeClock();
      const rate = { perMinute: 120, burst: 3 };
      const bounded = new TokenBuckets(rate, clock, keysMax);
      const passedAt = new Map<number, number[]>();
      for (const { key, passMs } of asked) {
        pass(passMs);
        if (!bounded.take(String(key), 1).isAllowed) continue;
        const times = passedAt.get(key) ?? [];
        times.push(clock.tickMs());
        passedAt.set(key, times);
        for (let from = 0; from < times.length; from++) {
          expect(times.length - from).toBeLessThanOrEqual(3 + (clock.tickMs() - (times[from] ?? 0)) / 500 + 0.01);
        }
      }
    }),
  );
});

test('a table forgets what no longer matters without a trace', () => {
  const table = new TimeTable(2);
  table.set('a', 100, 0);
  for (let i = 0; i < 10; i++) table.set(`k${i}`, 500, 200);
  expect(table.untilMs('a')).toBe(500);
  const quiet = new TimeTable(2);
  for (let i = 0; i < 10; i++) quiet.set(`k${i}`, 100, 200);
  expect(quiet.untilMs('stranger')).toBe(-Infinity);
});
