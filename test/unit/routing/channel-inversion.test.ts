import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isChannelName } from '../../../src/protocol/channel-name.js';
import { canProduce, mayOverlap } from '../../../src/routing/channel-pattern.js';
import { defaultRoutes } from '../../../src/routing/parse-routes.js';
import { hashKey } from '../../../src/routing/partition-hash.js';
import { decodeValue, encodeValue, isWellFormed } from '../../../src/std/percent-encoding.js';
import { parseTemplate } from '../../../src/routing/template.js';
import type { Template } from '../../../src/routing/template.js';
import { channelsOf, routerOf } from './routing-fixture.js';

const anyText = fc.string({ unit: 'binary', maxLength: 40 }).filter(isWellFormed);
const templateOf = (text: string): Template => {
  const template = parseTemplate(text);
  if ('problem' in template) throw new Error(template.problem);
  return template;
};

describe('encoding of values', () => {
  test('is injective and leaves only safe characters', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const encoded = encodeValue(text) as string;
        expect(encoded).toMatch(/^[A-Za-z0-9_~%-]*$/);
        expect(decodeValue(encoded)).toBe(text);
      }),
    );
  });

  test('only the canonical spelling is decoded', () => {
    for (const text of ['%2e', '%41', 'a.b', '%', '%2', '%FF', '%C3', '%ED%A0%80', '%C0%80', 'a b', 'é'])
      expect(decodeValue(text)).toBeUndefined();
  });
});

describe('the way back from a channel', () => {
  const literal = fc.string({ unit: fc.constantFrom('a', 'b', '.', ':', '/', '-', '%', 'é'), minLength: 1, maxLength: 4 });
  const value = fc.constantFrom(
    '{key}',
    '{key|raw}',
    '{header:h}',
    '{header:h|b.a}',
    '{json:j}',
    '{json:j|raw}',
    '{header:none|-}',
    '{header:none|}',
  );
  const template = fc.array(fc.oneof(literal, value), { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''));
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '-', '%', ' ', 'é', '💥'), maxLength: 6 });

  test('finds whatever routing produced', () => {
    fc.assert(
      fc.property(template, text, text, text, (channels, key, h, j) => {
        const observed = routerOf([{ topic: 'a', channels }]);
        for (const channel of channelsOf(observed, 'a', { key, headers: { h }, value: { j } })) {
          expect(observed.router.sourcesOf(channel).map(({ topic }) => topic)).toEqual(['a']);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('two templates that made one channel are known to overlap', () => {
    fc.assert(
      fc.property(template, template, text, text, text, (one, other, key, h, j) => {
        const observed = routerOf([{ topic: 'a', channels: one }]);
        for (const channel of channelsOf(observed, 'a', { key, headers: { h }, value: { j } })) {
          if (canProduce(templateOf(other), channel)) expect(mayOverlap(templateOf(one), templateOf(other))).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('a keyed channel yields the partition of the key that produced it', () => {
    fc.assert(
      fc.property(
        anyText,
        fc.constantFrom('t.{key}', 'é/{key|raw}.x'),
        fc.constantFrom('murmur2', 'crc32'),
        fc.integer({ min: 1, max: 99 }),
        (key, channels, keyed, count) => {
          const observed = routerOf([{ topic: 'a', channels, keyed }]);
          for (const channel of channelsOf(observed, 'a', { key })) {
            const [source] = observed.router.sourcesOf(channel);
            expect(source?.home?.(count)).toBe((hashKey(keyed as 'crc32', Buffer.from(key)) as number) % count);
          }
        },
      ),
    );
  });

  test('what no route can produce has no source', () => {
    const { router } = routerOf([{ topic: 'a', channels: ['task.{key}', 'p.{json:a}.s.{json:b}'] }]);
    for (const channel of [
      'task.',
      'task',
      'task.a.b',
      'task.%2e',
      'task.%41',
      'task.a b',
      'task.%E9',
      'xtask.a',
      'p.a.s.',
      'p..s.b',
      'p.a.t.b',
    ]) {
      expect(router.sourcesOf(channel)).toEqual([]);
    }
    expect(router.sourcesOf('p.a-1.s.%2E')).toHaveLength(1);
  });

  test('sources say what readers may ask of them', () => {
    const { router } = routerOf([
      { topic: 'tasks', keyed: 'murmur2', channels: 'task.{key}', latest: { ttlSeconds: 1 } },
      { topic: 'wide', channels: 'user.{header:user}', position: 'time', attributes: { session: '{header:s}' } },
      { topic: 'wide', channels: 'user.{json:user}', attributes: { session: '{header:s}', kind: 'x' } },
    ]);
    expect(router.sourcesOf('task.1')).toEqual([
      { topic: 'tasks', home: expect.any(Function) as unknown, hasLatest: true, position: 'offset', attributes: [] },
    ]);
    expect(router.sourcesOf('user.1')).toEqual([
      { topic: 'wide', home: null, hasLatest: false, position: 'time', attributes: ['session', 'kind'] },
    ]);
    expect(router.attributeNames).toEqual(['session', 'kind']);
  });

  test('a channel has no home when another route of its topic can put it anywhere', () => {
    const { router } = routerOf([
      { topic: 'a', keyed: 'murmur2', channels: ['task.{key}', 'task.x-{key}'] },
      { topic: 'a', channels: 'task.{header:id}.all' },
      { topic: 'a', channels: 'task.7{header:id}' },
    ]);
    expect(router.sourcesOf('task.1')[0]?.home).toBeTypeOf('function');
    expect(router.sourcesOf('task.71')[0]?.home).toBeNull();
    expect(router.sourcesOf('task.x-1')[0]?.home).toBeNull();
  });

  test('many more names than are remembered are answered alike', () => {
    const { router } = routerOf([{ topic: 'a', channels: 'task.{key}' }]);
    for (let i = 0; i < 25_000; i++) router.sourcesOf(`task.${i}`);
    expect(router.sourcesOf('task.0')).toHaveLength(1);
  });
});

describe('publishing to a channel', () => {
  test('chooses the key that the channel comes from', () => {
    const observed = routerOf([
      { topic: 'silent', channels: 'silent.{key}' },
      { topic: 'tasks', channels: ['task.{key}', 'user.{header:user}'], publish: true },
      { topic: 'news', channels: ['news', 'all-news'], publish: true },
      { topic: 'mixed', channels: ['mixed.{key}', 'everything'], publish: true },
    ]);
    const { router } = observed;
    expect(router.publishTargetOf('task.a%2Eb')).toMatchObject({ topic: 'tasks', key: 'a.b' });
    expect(channelsOf(observed, 'tasks', { key: 'a.b' })).toEqual(['task.a%2Eb']);
    expect(router.publishTargetOf('news')).toMatchObject({ topic: 'news', key: 'news' });
    for (const channel of ['silent.a', 'user.a', 'nothing', 'task.', 'task.%2e', 'everything'])
      expect(router.publishTargetOf(channel)).toBeNull();
  });

  test('finds a route for every channel by default', () => {
    const observed = routerOf(defaultRoutes);
    fc.assert(
      fc.property(anyText, (channel) => {
        const target = observed.router.publishTargetOf(channel);
        expect(target?.topic).toBe(isChannelName(channel) ? 'selvage.events' : undefined);
        expect(target?.key).toBe(isChannelName(channel) ? channel : undefined);
        if (target !== null) expect(channelsOf(observed, target.topic, { key: target.key })).toEqual([channel]);
      }),
    );
  });
});
