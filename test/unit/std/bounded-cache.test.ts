import { expect, test } from 'vitest';
import { BoundedCache } from '../../../src/std/bounded-cache.js';

test('a key in use stays, however many others come; one that is not used goes', () => {
  const cache = new BoundedCache<string, number>(10);
  cache.set('used', 1);
  cache.set('left', 2);
  for (let i = 0; i < 1_000; i++) {
    cache.set(`other-${i}`, i);
    expect(cache.get('used')).toBe(1);
  }
  expect(cache.get('left')).toBeUndefined();
  expect(
    Array.from({ length: 1_000 }, (_, i) => cache.get(`other-${i}`)).filter((value) => value !== undefined).length,
  ).toBeLessThanOrEqual(20);
});
