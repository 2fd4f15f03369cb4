import { describe, expect, test } from 'vitest';
import { channelsOf, dataOf, eventsOf, recordOf, routerOf } from './routing-fixture.js';

const example = [
  { topic: 'tasks', keyed: 'murmur2', channels: ['task.{key}'], type: '{json:type|message}', latest: { ttlSeconds: 86_400 } },
  {
    topic: 'stages',
    channels: ['project.{header:project}', 'project.{header:project}.stage.{header:stage}'],
    type: '{json:type}',
    attributes: { session: '{json:session_id}' },
  },
  {
    topic: 'shop.orders',
    when: { 'header:ce_type': ['order.paid', 'order.shipped'] },
    channels: ['t.{json:/tenant}.order.{json:/id}'],
    data: { pick: ['/id', '/status'] },
  },
];

describe('the example routes', () => {
  test('a task becomes an event of its channel, with its latest rule', () => {
    const [event, ...others] = eventsOf(routerOf(example), 'tasks', { key: 't1', value: { type: 'progress', n: 1 } });
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      topic: 'tasks',
      partition: 0,
      offset: 7,
      index: 0,
      timestampMs: 1_000,
      channels: ['task.t1'],
      type: 'progress',
    });
    expect(event?.latest).toEqual({ ttlMs: 86_400_000, bytesMax: 65_536 });
    expect(event?.attributes).toBeNull();
    expect(dataOf(event)).toBe('{"type":"progress","n":1}');
  });

  test('a stage goes to its own and its project’s channel, with attributes', () => {
    const headers = { project: 'p 1', stage: 'draft' };
    const [event] = eventsOf(routerOf(example), 'stages', { headers, value: { session_id: 's1' } });
    expect(event?.channels).toEqual(['project.p%201', 'project.p%201.stage.draft']);
    expect(event?.type).toBe('message');
    expect(event?.attributes).toEqual({ session: 's1' });
  });

  test('only records that `when` wants are routed, and only picked fields are sent', () => {
    const observed = routerOf(example);
    const order = { tenant: 'acme', id: 12, status: 'paid', card: '4111' };
    const [event] = eventsOf(observed, 'shop.orders', { headers: { ce_type: 'order.paid' }, value: order });
    expect(event?.channels).toEqual(['t.acme.order.12']);
    expect(dataOf(event)).toBe('{"id":12,"status":"paid"}');
    expect(eventsOf(observed, 'shop.orders', { headers: { ce_type: 'order.made' }, value: order })).toEqual([]);
    expect(observed.counts.get('unrouted')).toBe(1);
  });

  test('a missing value skips that channel alone and is counted', () => {
    const observed = routerOf(example);
    expect(channelsOf(observed, 'stages', { headers: { project: 'p1' }, value: {} })).toEqual(['project.p1']);
    expect(observed.counts.get('missing-value')).toBe(1);
  });

  test('a topic without routes is counted', () => {
    const observed = routerOf(example);
    expect(eventsOf(observed, 'elsewhere', { key: 'k' })).toEqual([]);
    expect(observed.counts.get('unrouted')).toBe(1);
  });
});

describe('templates', () => {
  const channels = (template: string, record: Parameters<typeof eventsOf>[2]): readonly string[] =>
    channelsOf(routerOf([{ topic: 'a', channels: template }]), 'a', record);

  test('defaults stand in for missing and empty values, raw values are not encoded', () => {
    expect(channels('x.{header:h|none}', {})).toEqual(['x.none']);
    expect(channels('x.{header:h|none}', { headers: { h: '' } })).toEqual(['x.none']);
    expect(channels('x.{header:h|a.b|raw}', { headers: { h: 'c.d' } })).toEqual(['x.c.d']);
    expect(channels('x.{header:h|a.b}', { headers: { h: 'c.d' } })).toEqual(['x.c%2Ed']);
    expect(channels('ai_story:project:{key}/x', { key: 'ü' })).toEqual(['ai_story:project:%C3%BC/x']);
  });

  test('the last of repeated headers counts', () => {
    expect(channels('{header:h}', { headers: { h: ['a', 'b'] } })).toEqual(['b']);
  });

  test('scalars of JSON are text; objects and null are missing', () => {
    const value = { n: 1.5, b: false, s: 'x', o: {}, z: null, '/': { '~': 'deep' }, list: [{ id: 'e' }] };
    expect(channels('{json:n}.{json:/b}.{json:s}', { value })).toEqual(['1%2E5.false.x']);
    expect(channels('{json:o|none}.{json:z|none}', { value })).toEqual(['none.none']);
    expect(channels('{json:/~1/~0}.{json:/list/0/id}', { value })).toEqual(['deep.e']);
  });

  test('numbers beyond 2^53 keep their digits', () => {
    expect(channels('u.{json:id}', { value: '{"id":12345678901234567891}' })).toEqual(['u.12345678901234567891']);
    expect(channels('u.{json:ids}', { value: '{"ids":[9007199254740993, 1]}' })).toEqual(['u.9007199254740993', 'u.1']);
  });

  test('an array fans out, without repeats', () => {
    expect(channels('u.{json:ids}', { value: { ids: ['a', 'b', 'a', 2] } })).toEqual(['u.a', 'u.b', 'u.2']);
    expect(channels('{json:a}.{json:b}', { value: { a: ['1', '2'], b: ['x', 'y'] } })).toEqual(['1.x', '1.y', '2.x', '2.y']);
  });

  test('the first type that resolves wins and dots in types stay', () => {
    const observed = routerOf([{ topic: 'a', channels: 'c', type: ['{header:ce_type}', '{json:type}', 'fallback'] }]);
    expect(eventsOf(observed, 'a', { headers: { ce_type: 'order.paid' }, value: {} })[0]?.type).toBe('order.paid');
    expect(eventsOf(observed, 'a', { value: { type: 'from-json' } })[0]?.type).toBe('from-json');
    expect(eventsOf(observed, 'a', { value: {} })[0]?.type).toBe('fallback');
  });
});

describe('several routes of one topic', () => {
  test('make events with rising index', () => {
    const observed = routerOf([
      { topic: 'a', channels: 'one' },
      { topic: 'a', when: { key: 'no' }, channels: 'never' },
      { topic: 'a', channels: 'two' },
    ]);
    expect(eventsOf(observed, 'a', {}).map((event) => [event.index, event.channels])).toEqual([
      [0, ['one']],
      [1, ['two']],
    ]);
  });
});

describe('tombstones', () => {
  test('are dropped by default', () => {
    const observed = routerOf([{ topic: 'a', channels: '{key}' }]);
    expect(eventsOf(observed, 'a', { key: 'k', value: null })).toEqual([]);
    expect(observed.counts.size).toBe(0);
  });

  test('are an event of a type where the route says so', () => {
    const observed = routerOf([{ topic: 'a', channels: '{key}', tombstone: { type: 'deleted' } }]);
    const [event] = eventsOf(observed, 'a', { key: 'k', value: null });
    expect([event?.type, dataOf(event), event?.channels]).toEqual(['deleted', 'null', ['k']]);
  });
});

describe('what cannot be decoded', () => {
  const keyed = [{ topic: 'a', channels: '{key}' }];
  const json = [{ topic: 'a', channels: '{json:id}', when: { 'header:want': 'yes' } }];

  test('is named', () => {
    expect(routerOf(keyed).router.route('a', 0, recordOf({ key: 'k', value: Buffer.from([0xff]) }))).toBe('invalid-utf8');
    expect(routerOf(keyed).router.route('a', 0, recordOf({ key: Buffer.from([0xc3]), value: '' }))).toBe('invalid-utf8');
    expect(routerOf(keyed, { eventBytesMax: 3 }).router.route('a', 0, recordOf({ key: 'k', value: '1234' }))).toBe('oversized');
    expect(routerOf(json).router.route('a', 0, recordOf({ headers: { want: 'yes' }, value: '{' }))).toBe('invalid-json');
  });

  test('is nobody’s business when no route wants the record', () => {
    expect(routerOf(json).router.route('a', 0, recordOf({ value: Buffer.from([0xff]) }))).toEqual([]);
  });

  test('a route over key and headers sends a value that is not JSON', () => {
    expect(dataOf(eventsOf(routerOf(keyed), 'a', { key: 'k', value: 'plain\ntext' })[0])).toBe('plain\ntext');
  });
});

test('events own their bytes: the fetch buffer may be overwritten', () => {
  const record = recordOf({ key: 'k', value: 'before' });
  const [event] = routerOf([{ topic: 'a', channels: '{key}' }]).router.route('a', 0, record) as ReturnType<typeof eventsOf>;
  record.value?.fill(0);
  expect(dataOf(event)).toBe('before');
});
