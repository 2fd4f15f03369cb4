import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { drain, graceMsOf } from '../../../src/lifecycle/drain.js';
import type { Drainable, DrainParts } from '../../../src/lifecycle/drain.js';
import { Readiness } from '../../../src/lifecycle/readiness.js';
import { onStopSignals } from '../../../src/lifecycle/stop-signals.js';
import type { Timers } from '../../../src/std/clock.js';
import { silentLogger } from '../../../src/telemetry/silent-logger.js';

/** Timers that jump from one to the next. */
function jumpingTimers() {
  let nowMs = 0;
  const queue: { atMs: number; run: () => void }[] = [];
  const timers: Timers = {
    after(delayMs, run) {
      const entry = { atMs: nowMs + delayMs, run };
      queue.push(entry);
      const cancel = (): void => {
        if (queue.includes(entry)) queue.splice(queue.indexOf(entry), 1);
      };
      return { cancel };
    },
    every: () => ({ cancel: () => undefined }),
    soon: (run) => setImmediate(run),
  };
  const runAll = async (): Promise<void> => {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const next = queue.sort((a, b) => a.atMs - b.atMs).shift();
      if (next === undefined) return;
      nowMs = next.atMs;
      next.run();
    }
  };
  return { timers, runAll, nowMs: () => nowMs };
}

function fakeNode(openCount: number, nowMs: () => number) {
  const log: { what: string; atMs: number; count?: number }[] = [];
  const node = {
    openCount,
    stopAccepting: () => void log.push({ what: 'stop-accepting', atMs: nowMs() }),
    closeSome(count: number) {
      node.openCount -= count;
      log.push({ what: 'close', atMs: nowMs(), count });
      return count;
    },
  } satisfies Drainable;
  return { node, log };
}

const partsOf = (overrides: Partial<DrainParts> & Pick<DrainParts, 'drainables' | 'timers'>): DrainParts => ({
  options: { balancerWaitMs: 3_000, windowMs: 10_000 },
  logger: silentLogger,
  markDraining: () => undefined,
  ...overrides,
});

test('a drain waits for the balancer, stops accepting, then closes streams evenly over the window', async () => {
  const { timers, runAll, nowMs } = jumpingTimers();
  const { node, log } = fakeNode(1_000, nowMs);
  let markedAtMs = -1;
  const done = drain(partsOf({ drainables: [node], timers, markDraining: () => (markedAtMs = nowMs()) }), new AbortController().signal);
  await runAll();
  await done;
  expect(markedAtMs).toBe(0);
  expect(log[0]).toEqual({ what: 'stop-accepting', atMs: 3_000 });
  const closes = log.slice(1);
  expect(closes).toHaveLength(100);
  expect(new Set(closes.map(({ count }) => count))).toEqual(new Set([10]));
  expect(closes.at(-1)?.atMs).toBeLessThan(13_000);
  expect(node.openCount).toBe(0);
});

test('few streams are spread out too, and a node without streams is done at once', async () => {
  const { timers, runAll, nowMs } = jumpingTimers();
  const { node, log } = fakeNode(3, nowMs);
  const done = drain(partsOf({ drainables: [node], timers }), new AbortController().signal);
  await runAll();
  await done;
  expect(node.openCount).toBe(0);
  expect(log.filter(({ what }) => what === 'close').every(({ count }) => (count ?? 0) <= 1)).toBe(true);
  const idle = jumpingTimers();
  const empty = fakeNode(0, idle.nowMs);
  const idleDone = drain(partsOf({ drainables: [empty.node], timers: idle.timers }), new AbortController().signal);
  await idle.runAll();
  await idleDone;
  expect(idle.nowMs()).toBe(3_000);
});

test('hurry ends a drain at once, in the wait and in the window', async () => {
  for (const turns of [0, 5]) {
    const { timers, nowMs } = jumpingTimers();
    const { node } = fakeNode(50, nowMs);
    const hurry = new AbortController();
    const done = drain(
      partsOf({ drainables: [node], timers, options: { balancerWaitMs: turns === 0 ? 1_000 : 0, windowMs: 10_000 } }),
      hurry.signal,
    );
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
    hurry.abort();
    await done;
    expect(node.openCount).toBeGreaterThan(0);
  }
});

test('the grace period is derived from the drain', () => {
  expect(graceMsOf({ balancerWaitMs: 5_000, windowMs: 20_000 })).toBe(30_000);
});

test('the first signal stops, the second stops at once', () => {
  const source = new EventEmitter();
  const calls: string[] = [];
  const off = onStopSignals(
    source,
    () => calls.push('stop'),
    () => calls.push('at-once'),
  );
  source.emit('SIGTERM');
  expect(calls).toEqual(['stop']);
  source.emit('SIGINT');
  expect(calls).toEqual(['stop', 'at-once']);
  off();
  source.emit('SIGTERM');
  expect(calls).toHaveLength(2);
});

test('ready is when every declared condition is met, and changes are told once', () => {
  const changes: boolean[] = [];
  const readiness = new Readiness(({ ready }) => changes.push(ready));
  expect(readiness.report().ready).toBe(false);
  const tail = readiness.declare('tail', 'not at the head yet');
  const draining = readiness.declare('not-draining', 'starting');
  tail(true, 'at the head');
  expect(readiness.report()).toEqual({
    ready: false,
    conditions: [
      { name: 'tail', isMet: true, reason: 'at the head' },
      { name: 'not-draining', isMet: false, reason: 'starting' },
    ],
  });
  draining(true, 'in service');
  draining(true, 'in service');
  tail(false, 'fetches are not answered');
  expect(changes).toEqual([true, false]);
  expect(() => readiness.declare('tail', 'again')).toThrow(/twice/);
});
