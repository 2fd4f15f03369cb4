import { expect, test } from 'vitest';
import { routerOf } from './routing-fixture.js';

const base = {
  topic: 'a',
  channels: ['x.{key}', 'y.{key}'],
  type: '{header:t}',
  when: { key: ['1', '2'], 'header:h': 'z' },
  attributes: { one: '{key}', two: '{header:h}' },
  keyed: 'murmur2',
};
const fingerprintOf = (route: object, eventBytesMax = 1_000): string =>
  routerOf([route], { eventBytesMax }).router.topics[0]?.fingerprint ?? '';

test('is stable, and does not depend on the order of names', () => {
  const reordered = {
    keyed: 'murmur2',
    attributes: { two: '{header:h}', one: '{key}' },
    when: { 'header:h': ['z'], key: ['2', '1'] },
    type: ['{header:t}'],
    channels: ['x.{key}', 'y.{key}'],
    topic: 'a',
  };
  expect(fingerprintOf(reordered)).toBe(fingerprintOf(base));
  expect(fingerprintOf(base)).toBe('5977b6cd21aec99b');
});

test('does not depend on what readers and publishers may do', () => {
  for (const more of [{ publish: true }, { position: 'time' }, { compacted: 'current-state' }]) {
    expect(fingerprintOf({ ...base, ...more })).toBe(fingerprintOf(base));
  }
});

test('changes with everything that changes what the window holds', () => {
  const changed = [
    { ...base, channels: ['x.{key}'] },
    { ...base, channels: ['y.{key}', 'x.{key}'] },
    { ...base, type: '{header:u}' },
    { ...base, when: { key: ['1', '2'] } },
    { ...base, attributes: { one: '{key}' } },
    { ...base, keyed: 'crc32' },
    { ...base, keyed: false },
    { ...base, latest: { ttlSeconds: 9 } },
    { ...base, data: { pick: ['/a'] } },
    { ...base, tombstone: { type: 'gone' } },
    { ...base, generation: '2' },
  ].map((route) => fingerprintOf(route));
  expect(new Set([...changed, fingerprintOf(base), fingerprintOf(base, 999)]).size).toBe(changed.length + 2);
});
