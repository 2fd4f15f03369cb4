import { expect, test } from 'vitest';
import { HeavyHitters } from '../../../../src/admission/limits/heavy-hitters.js';

test('the heaviest are found among many, in bounded memory', () => {
  const hitters = new HeavyHitters({ nowMs: () => 0, tickMs: () => 0 });
  for (let i = 0; i < 20_000; i++) {
    hitters.add(`passer-by ${i}`);
    if (i % 10 === 0) hitters.add('heavy', 3);
    if (i % 20 === 0) hitters.add('half as heavy', 3);
  }
  const top = hitters.top(3);
  expect(top.slice(0, 2).map(({ key }) => key)).toEqual(['heavy', 'half as heavy']);
  expect(top[0]?.count).toBe(6_000);
  expect(hitters.top(10_000)).toHaveLength(256);
});

test('what was long ago fades', () => {
  let tick = 0;
  const hitters = new HeavyHitters({ nowMs: () => tick, tickMs: () => tick });
  hitters.add('then', 100);
  hitters.add('once');
  tick = 600_000 * 3;
  hitters.add('now', 20);
  expect(hitters.top(5)).toEqual([
    { key: 'now', count: 20 },
    { key: 'then', count: 12 },
  ]);
});
