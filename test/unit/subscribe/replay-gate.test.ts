import { expect, test } from 'vitest';
import { ReplayGate } from '../../../src/subscribe/replay-gate.js';
import { noMetrics } from '../../../src/telemetry/no-metrics.js';

/** A gate whose reads end when told, and the order in which they began. */
function openGate(concurrentMax: number, queuedMax: number) {
  const gate = new ReplayGate({ concurrentMax, queuedMax }, noMetrics);
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const ask = (name: string, owner?: string): Promise<string | null> =>
    gate.run(() => {
      begun.push(name);
      return new Promise<string>((resolve) => ends.push(() => resolve(name)));
    }, owner);
  const endOne = async (): Promise<void> => {
    ends.shift()?.();
    for (let i = 0; i < 5; i++) await Promise.resolve();
  };
  return { ask, begun, endOne };
}

test('an owner with a thousand waiting replays delays the first of another by one turn', async () => {
  const { ask, begun, endOne } = openGate(1, 20_000);
  for (let i = 0; i <= 1_000; i++) void ask(`a${i}`, 'a');
  void ask('b0', 'b');
  expect(begun).toEqual(['a0']);
  await endOne();
  await endOne();
  expect(begun).toEqual(['a0', 'a1', 'b0']);
});

test('owners take turns, each with its first come first', async () => {
  const { ask, begun, endOne } = openGate(1, 100);
  for (const name of ['a0', 'a1', 'a2', 'a3', 'b0', 'b1', 'c0']) void ask(name, name.slice(0, 1));
  for (let i = 0; i < 7; i++) await endOne();
  expect(begun).toEqual(['a0', 'a1', 'b0', 'c0', 'a2', 'b1', 'a3']);
});

test('without owners it is first come first served, and over the bound the newcomer is refused', async () => {
  const { ask, begun, endOne } = openGate(1, 2);
  const first = ask('1');
  const second = ask('2');
  void ask('3');
  expect(await ask('4')).toBeNull();
  await endOne();
  expect(await first).toBe('1');
  await endOne();
  expect(await second).toBe('2');
  expect(begun).toEqual(['1', '2', '3']);
});

test('when the line is full, the owner who has most in it gives way to one who has less', async () => {
  const { ask, begun, endOne } = openGate(1, 3);
  const answers = ['a0', 'a1', 'a2', 'a3'].map((name) => ask(name, 'a'));
  const other = ask('b0', 'b');
  expect(await answers[3]).toBeNull();
  // Now two of a and one of b wait: b is no better off with a second.
  expect(await ask('b1', 'b')).toBeNull();
  for (let i = 0; i < 4; i++) await endOne();
  expect(await other).toBe('b0');
  expect(begun).toEqual(['a0', 'a1', 'b0', 'a2']);
});

test('a read that fails gives its turn on', async () => {
  const gate = new ReplayGate({ concurrentMax: 1, queuedMax: 10 }, noMetrics);
  const failing = gate.run(() => Promise.reject(new Error('broken')), 'a');
  const next = gate.run(() => Promise.resolve('read'), 'b');
  await expect(failing).rejects.toThrow('broken');
  expect(await next).toBe('read');
});
