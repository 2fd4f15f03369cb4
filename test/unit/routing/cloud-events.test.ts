import { expect, test } from 'vitest';
import { dataOf, eventsOf, recordOf, routerOf } from './routing-fixture.js';

const routes = [
  {
    topic: 'a',
    channels: '{header:ce_subject|none}',
    type: '{header:ce_type}',
    attributes: { tenant: '{header:ce_tenant}', n: '{json:/n}' },
  },
];
const envelope = { specversion: '1.0', id: '1', source: '/s', type: 'order.paid', subject: 'o1', tenant: 't1' };
const structured = { 'content-type': 'application/cloudevents+json' };

test('binary mode: attributes are headers, the value is the data', () => {
  const headers = { ce_specversion: '1.0', ce_type: 'order.paid', ce_subject: 'o1', ce_tenant: 't1', 'content-type': 'application/json' };
  const [event] = eventsOf(routerOf(routes), 'a', { headers, value: '{"n": 1}' });
  expect(event).toMatchObject({ channels: ['o1'], type: 'order.paid', attributes: { tenant: 't1', n: '1' } });
  expect(dataOf(event)).toBe('{"n": 1}');
});

test.each([
  structured,
  { 'Content-Type': 'Application/CloudEvents+JSON; charset=UTF-8' },
  { 'content-type': 'application/cloudevents+json;charset=utf-8' },
])('structured mode by %j: the envelope gives the attributes, its data is sent as written', (headers) => {
  const value = `${JSON.stringify(envelope).slice(0, -1)},"data": {"n": 12345678901234567891}}`;
  const [event] = eventsOf(routerOf(routes), 'a', { headers, value });
  expect(event).toMatchObject({ channels: ['o1'], type: 'order.paid', attributes: { tenant: 't1', n: '12345678901234567891' } });
  expect(dataOf(event)).toBe('{"n": 12345678901234567891}');
});

test('structured mode: base64 data is decoded, text data is itself, no data is none', () => {
  const plain = routerOf([{ topic: 'a', channels: 'c' }]);
  const send = (more: object): string => dataOf(eventsOf(plain, 'a', { headers: structured, value: { ...envelope, ...more } })[0]);
  expect(send({ data_base64: Buffer.from('héllo').toString('base64') })).toBe('héllo');
  expect(send({ data: 'a "text"', datacontenttype: 'text/plain' })).toBe('a "text"');
  expect(send({ data: 'a "text"', datacontenttype: 'application/json' })).toBe('"a \\"text\\""');
  expect(send({ data: [1] })).toBe('[1]');
  expect(send({})).toBe('');
});

test.each([
  ['not JSON', '{', structured, 'invalid-cloudevent'],
  ['a list', '[]', structured, 'invalid-cloudevent'],
  ['without id', { ...envelope, id: undefined }, structured, 'invalid-cloudevent'],
  ['with both kinds of data', { ...envelope, data: 1, data_base64: '' }, structured, 'invalid-cloudevent'],
  ['with broken base64', { ...envelope, data_base64: '*' }, structured, 'invalid-cloudevent'],
  ['with base64 of bytes that are not text', { ...envelope, data_base64: '/w==' }, structured, 'invalid-utf8'],
  ['of a format that is not read', envelope, { 'content-type': 'application/cloudevents+avro' }, 'invalid-cloudevent'],
  ['not UTF-8', Buffer.from([0xff]), structured, 'invalid-utf8'],
])('an envelope %s is refused', (_, value, headers, reason) => {
  expect(routerOf([{ topic: 'a', channels: 'c' }]).router.route('a', 0, recordOf({ value, headers }))).toBe(reason);
});

test('a tombstone is one whatever its content type', () => {
  const observed = routerOf([{ topic: 'a', channels: '{key}', tombstone: { type: 'gone', data: '{}' } }]);
  expect(eventsOf(observed, 'a', { key: 'k', value: null, headers: structured })[0]?.type).toBe('gone');
});
