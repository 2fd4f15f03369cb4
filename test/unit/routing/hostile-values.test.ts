import { describe, expect, test } from 'vitest';
import { parseRoutes } from '../../../src/routing/parse-routes.js';
import { channelsOf, dataOf, eventsOf, recordOf, routerOf } from './routing-fixture.js';

const byKey = [{ topic: 'a', channels: 'tenant.{key}.x' }];
const byJson = [{ topic: 'a', channels: 'tenant.{json:/id}.x', type: '{json:type}', attributes: { who: '{json:who}' } }];

describe('a value never becomes another channel', () => {
  test.each([
    'a.b',
    'a/b',
    'a:b',
    '*',
    '>',
    '#',
    'a b',
    '%2E',
    'a%',
    '..',
    '{key}',
    'a|b',
    '\r\nid: 9',
    '\u0000',
    '\u2028',
    '💥',
    '.',
    '~-_',
  ])('%j', (key) => {
    const [channel = ''] = channelsOf(routerOf(byKey), 'a', { key });
    expect(channel).toMatch(/^tenant\.[A-Za-z0-9_~%-]+\.x$/);
    expect(decodeURIComponent(channel.slice(7, -2))).toBe(key);
  });

  test.each(['a\nb', '\u0000', '\u007f', '\u0085', '\u2029'])('a raw value with a control character (%j) is skipped and counted', (key) => {
    const observed = routerOf([{ topic: 'a', channels: ['{key|raw}', 'safe'] }]);
    expect(channelsOf(observed, 'a', { key })).toEqual(['safe']);
    expect(observed.counts.get('invalid-channel')).toBe(1);
  });

  test('names are bounded in bytes, not characters', () => {
    const observed = routerOf([{ topic: 'a', channels: '{key|raw}' }]);
    expect(channelsOf(observed, 'a', { key: 'ä'.repeat(127) })).toHaveLength(1);
    expect(channelsOf(observed, 'a', { key: 'ä'.repeat(128) })).toEqual([]);
    expect(channelsOf(routerOf(byKey), 'a', { key: 'x'.repeat(100_000) })).toEqual([]);
  });

  test('unpaired surrogates have no UTF-8: skipped in channels, replaced in types, left out of attributes', () => {
    const observed = routerOf(byJson);
    expect(channelsOf(observed, 'a', { value: '{"id":"\\ud800"}' })).toEqual([]);
    expect(channelsOf(routerOf([{ topic: 'a', channels: '{json:id|raw}' }]), 'a', { value: '{"id":"\\udc00"}' })).toEqual([]);
    expect(observed.counts.get('invalid-channel')).toBe(1);
    const [event] = eventsOf(observed, 'a', { value: '{"id":1,"type":"\\ud800","who":"\\udfff"}' });
    expect([event?.type, event?.attributes]).toEqual(['message', null]);
  });
});

describe('a type never becomes a line of the stream', () => {
  test.each(['a\nid: 1', 'a\rb', 'a\u0000', 'selvage.close', 'x'.repeat(65), 'ü'.repeat(33)])('%j is replaced and counted', (type) => {
    const observed = routerOf(byJson);
    expect(eventsOf(observed, 'a', { value: { id: 1, type } })[0]?.type).toBe('message');
    expect(observed.counts.get('typeReplaced')).toBe(1);
  });
});

describe('names that objects inherit are not values', () => {
  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'length'])('%s', (name) => {
    const routes = [{ topic: 'a', channels: [`j.{json:${name}}`, `p.{json:/${name}}`, `h.{header:${name}}`, `l.{json:/list/${name}}`] }];
    expect(channelsOf(routerOf(routes), 'a', { value: { list: [] } })).toEqual([]);
  });

  test('an own __proto__ of the record is a value like any other', () => {
    const [event] = eventsOf(routerOf([{ topic: 'a', channels: '{json:__proto__}', data: { pick: ['/__proto__', '/x'] } }]), 'a', {
      value: '{"__proto__":"v","x":{"__proto__":{"admin":true}}}',
    });
    expect(event?.channels).toEqual(['v']);
    expect(dataOf(event)).toBe('{"__proto__":"v","x":{"__proto__":{"admin":true}}}');
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  test('headers whose prototype was replaced by a header named __proto__', () => {
    const headers = Object.setPrototypeOf({}, { project: Buffer.from('stolen') }) as Record<string, Uint8Array>;
    const { router } = routerOf([{ topic: 'a', channels: '{header:project}' }]);
    expect(router.route('a', 0, { ...recordOf({}), headers })).toEqual([]);
  });
});

describe('work is bounded', () => {
  test('a huge array makes 16 channels', () => {
    const observed = routerOf(byJson);
    expect(channelsOf(observed, 'a', { value: { id: Array.from({ length: 100_000 }, (_, i) => i) } })).toHaveLength(16);
    expect(observed.counts.get('too-many-channels')).toBe(1);
  });

  test('arrays in several values do not multiply without end', () => {
    const list = Array.from({ length: 100 }, () => 'same');
    const template = Array.from({ length: 12 }, () => '{json:l}').join('.');
    const observed = routerOf([{ topic: 'a', channels: template }]);
    expect(channelsOf(observed, 'a', { value: { l: list } })).toHaveLength(1);
    expect([...observed.counts.values()].reduce((sum, n) => sum + n, 0)).toBeLessThan(1_000);
  });

  test('16 channels a record over all its routes', () => {
    const ids = Array.from({ length: 16 }, (_, i) => i);
    const observed = routerOf([
      { topic: 'a', channels: 'x.{json:ids}' },
      { topic: 'a', channels: 'y.{json:ids}' },
    ]);
    expect(channelsOf(observed, 'a', { value: { ids } })).toHaveLength(16);
    expect(observed.counts.get('too-many-channels')).toBeGreaterThan(0);
  });

  test('JSON nested a hundred thousand deep is read and picked from', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    const routes = [{ topic: 'a', channels: '{json:id}', data: { pick: ['/deep', '/id'] } }];
    expect(dataOf(eventsOf(routerOf(routes), 'a', { value: `{"deep":${deep},"id":"x"}` })[0])).toBe(`{"deep":${deep},"id":"x"}`);
  });

  test('asking for the sources of a name that fits many templates badly is quick', () => {
    const template = `${Array.from({ length: 12 }, () => '{json:a}').join('-')}.end`;
    const { router } = routerOf([{ topic: 'a', channels: template }]);
    expect(router.sourcesOf('-'.repeat(250))).toEqual([]);
    expect(router.sourcesOf(`${'a-'.repeat(100)}a.end`)).toHaveLength(1);
  });
});

describe('templates that make no sense are refused', () => {
  test.each([
    '',
    '{',
    '}',
    '{}',
    '{key',
    'key}',
    '{{key}}',
    '{value}',
    '{header:}',
    '{json:}',
    '{json:/a~2}',
    '{key|a|b}',
    '{key|raw|a}',
    'a\nb',
    'x'.repeat(300),
    7,
    null,
  ])('%j', (template) => {
    const parsed = parseRoutes([{ topic: 'a', channels: [template] }]);
    expect(parsed.kind === 'problems' && parsed.problems.map(({ path }) => path)).toEqual(['routes[0].channels[0]']);
  });
});

test.each(['', 'a\nb', 'x'.repeat(256), '\ud800'])('%j is no channel that anything produces or publishes', (channel) => {
  const { router } = routerOf([{ topic: 'a', channels: '{key|raw}', publish: true }]);
  expect(router.sourcesOf(channel)).toEqual([]);
  expect(router.publishTargetOf(channel)).toBeNull();
});
