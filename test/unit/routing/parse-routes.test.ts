import { describe, expect, test } from 'vitest';
import { defaultRoutes, parseRoutes } from '../../../src/routing/parse-routes.js';
import { topicTag } from '../../../src/protocol/position.js';

/** Paths of the problems, in order. */
const pathsOf = (raw: unknown): readonly string[] => {
  const parsed = parseRoutes(raw);
  return parsed.kind === 'problems' ? parsed.problems.map(({ path }) => path) : [];
};
const messagesOf = (raw: unknown): string => {
  const parsed = parseRoutes(raw);
  return parsed.kind === 'problems' ? parsed.problems.map(({ message }) => message).join('; ') : '';
};

test('the default routes are right', () => {
  expect(pathsOf(defaultRoutes)).toEqual([]);
});

test('every problem is told at once, with its path', () => {
  const raw = [
    { topic: 'a', channels: ['ok', '{key'], tpye: 'x', keyed: true, latest: { ttlSeconds: 0, bytes: 1 } },
    'nonsense',
    {
      topic: 'b c',
      type: 'selvage.gap',
      attributes: { channel: '{key}', 'last-event-id': '{key}', access_token: '{key}', 'a b': '{key}', ok: '{' },
      when: { 'header:x': [], nope: 'x' },
      data: { pick: ['id', '/a/id', '/b/id'] },
      tombstone: { type: 'selvage.x' },
      decode: 'avro',
      generation: 'a.b',
      position: 'neither',
    },
  ];
  expect(pathsOf(raw)).toEqual([
    'routes[0].tpye',
    'routes[0].channels[1]',
    'routes[0].keyed',
    'routes[0].latest.bytes',
    'routes[0].latest.ttlSeconds',
    'routes[1]',
    'routes[2].decode',
    'routes[2].topic',
    'routes[2].channels',
    'routes[2].type',
    'routes[2].attributes.channel',
    'routes[2].attributes.last-event-id',
    'routes[2].attributes.access_token',
    'routes[2].attributes.a b',
    'routes[2].attributes.ok',
    'routes[2].when["header:x"]',
    'routes[2].when["nope"]',
    'routes[2].data.pick[0]',
    'routes[2].data.pick[2]',
    'routes[2].tombstone.type',
    'routes[2].position',
    'routes[2].generation',
  ]);
  expect(messagesOf(raw)).toContain('did you mean type?');
  expect(messagesOf([{ topic: 'a', channels: 'c', decode: 'debezium-outbox' }])).toContain('debezium-outbox is not implemented');
});

test.each([undefined, null, {}, 'a', []])('%j is no list of routes', (raw) => {
  expect(pathsOf(raw)).toEqual(['routes']);
});

describe('keyed routes', () => {
  test.each(['all', 'x.{header:id}', '{key}.{key}', '{key|none}', '{header:a}.{key}', '{json:/id}'])(
    '%s does not yield the key',
    (channels) => {
      expect(pathsOf([{ topic: 'a', keyed: 'murmur2', channels }])).toEqual(['routes[0].channels[0]']);
    },
  );

  test('a channel that two topics can produce is refused', () => {
    expect(
      pathsOf([
        { topic: 'a', keyed: 'murmur2', channels: 'task.{key}' },
        { topic: 'b', channels: ['other.{key}', 'task.{header:id}'] },
        { topic: 'c', channels: 'task.{header:a}.{header:b}' },
      ]),
    ).toEqual(['routes[1].channels[1]']);
    expect(
      messagesOf([
        { topic: 'a', keyed: 'crc32', channels: '{key|raw}' },
        { topic: 'b', channels: 'x' },
      ]),
    ).toContain('topic a');
  });

  test('one topic has one hash, and latest needs a key', () => {
    expect(
      pathsOf([
        { topic: 'a', keyed: 'murmur2', channels: 'a.{key}' },
        { topic: 'a', keyed: 'crc32', channels: 'b.{key}' },
      ]),
    ).toEqual(['routes[1].keyed']);
    expect(pathsOf([{ topic: 'a', channels: 'a.{key}', latest: { ttlSeconds: 5 } }])).toEqual(['routes[0].latest']);
  });
});

test('publish needs a channel that a key leads to', () => {
  expect(pathsOf([{ topic: 'a', channels: 'a.{header:b}', publish: true }])).toEqual(['routes[0].publish']);
  expect(pathsOf([{ topic: 'a', channels: ['a.{header:b}', 'b.{key}'], publish: true }])).toEqual([]);
});

test('what belongs to a topic is the same in all its routes', () => {
  expect(
    pathsOf([
      { topic: 'a', channels: 'x', generation: '2' },
      { topic: 'a', channels: 'y', compacted: 'current-state' },
    ]),
  ).toEqual(['routes[1].generation', 'routes[1].compacted']);
});

test('topics whose tags in positions collide are refused', () => {
  const byTag = new Map<string, string>();
  for (let i = 0; ; i++) {
    const topic = `t${i}`;
    const other = byTag.get(topicTag(topic));
    byTag.set(topicTag(topic), topic);
    if (other === undefined) continue;
    const routes = [
      { topic: other, channels: 'x' },
      { topic, channels: 'y' },
    ];
    expect(pathsOf(routes)).toEqual(['routes[1].topic']);
    expect(pathsOf([routes[0], { ...routes[1], generation: 2 }])).toEqual([]);
    return;
  }
});
