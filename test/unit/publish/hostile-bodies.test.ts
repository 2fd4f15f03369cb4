import fc from 'fast-check';
import { expect, test } from 'vitest';
import { setUpPublisher } from './publisher-fixture.js';

const good = { channel: 'task:t1', data: 1 };

test('bodies that cannot be meant are refused, each with its own code, and nothing is published', async () => {
  const { publish, readAll } = await setUpPublisher();
  const cases: readonly [unknown, string, RegExp][] = [
    ['{"channel":', 'malformed-request', /JSON/],
    [new Uint8Array([0x22, 0xff, 0x22]), 'malformed-request', /UTF-8/],
    ['', 'malformed-request', /JSON/],
    ['[]', 'invalid-event', /object/],
    ['null', 'invalid-event', /object/],
    [{ events: [] }, 'invalid-event', /at least one/],
    [{ events: {} }, 'invalid-event', /array/],
    [{ events: [good], channel: 'task:x' }, 'invalid-event', /nothing but/],
    [{ events: Array.from({ length: 10_000 }, () => good) }, 'invalid-event', /at most 100/],
    [{ ...good, id: 'x' }, 'invalid-event', /"id"/],
    ['{"channel":"task:1","data":1,"__proto__":{"channel":"news"}}', 'invalid-event', /"__proto__"/],
    [{ ...good, channel: 'task:a\nb' }, 'invalid-event', /"channel"/],
    [{ ...good, channel: 'task:\ud800' }, 'invalid-event', /"channel"/],
    [{ ...good, channel: `task:${'x'.repeat(300)}` }, 'invalid-event', /"channel"/],
    [{ ...good, type: 'selvage.gap' }, 'invalid-event', /"type"/],
    [{ ...good, type: 'a\rb' }, 'invalid-event', /"type"/],
    [{ ...good, type: 'x'.repeat(65) }, 'invalid-event', /"type"/],
    [{ ...good, type: 7 }, 'invalid-event', /"type"/],
    [{ channel: 'task:t1' }, 'invalid-event', /"data" is missing/],
    ['{"channel":"task:1","data":"\\ud800"}', 'invalid-event', /surrogate/],
    [{ ...good, user: '' }, 'invalid-event', /"user"/],
    [{ ...good, user: '\udc00' }, 'invalid-event', /surrogate/],
    [{ ...good, user: 'x'.repeat(250) }, 'invalid-event', /longer/],
    [{ ...good, broadcast: true }, 'invalid-event', /"broadcast"/],
    [{ broadcast: 'yes', data: 1 }, 'invalid-event', /"broadcast"/],
    [{ ...good, key: '' }, 'invalid-event', /"key"/],
    [{ ...good, attributes: [] }, 'invalid-event', /"attributes"/],
    [{ ...good, attributes: { session: 'x'.repeat(1_025) } }, 'invalid-event', /"session"/],
    [{ ...good, attributes: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`a${i}`, ''])) }, 'invalid-event', /16/],
    [`{"channel":"task:1","data":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 'invalid-event', /nested deeper/],
    ['{"a":'.repeat(100_000), 'invalid-event', /nested deeper/],
    [{ channel: 'other:1', data: 1 }, 'unroutable-channel', /other:1/],
    [{ channel: 'silent.1', data: 1 }, 'unroutable-channel', /silent.1/],
  ];
  for (const [body, code, detail] of cases) {
    expect(await publish(body), JSON.stringify(body).slice(0, 80)).toMatchObject({
      kind: 'refused',
      refusal: { code, detail: expect.stringMatching(detail) as string },
    });
  }
  expect(await readAll()).toEqual([]);
});

test('of repeated names the last counts, everywhere alike', async () => {
  const { publish, readAll } = await setUpPublisher();
  await publish('{"channel":"news","channel":"task:1","data":1,"data":{"a":2}}');
  expect(await readAll()).toMatchObject([{ topic: 'tasks', key: '1', value: '{"a":2}' }]);
});

test('NUL, line ends and every other character of data survive', async () => {
  const { publish, readAll } = await setUpPublisher();
  const data = '\u0000a\r\nb\u2028\ufeff😀';
  await publish({ channel: 'news', data });
  expect((await readAll()).map(({ value }) => value)).toEqual([data]);
});

test('an event over the bound of events is told by its size', async () => {
  const { publish } = await setUpPublisher({ eventBytesMax: 100 });
  expect(await publish({ channel: 'task:1', data: 'x'.repeat(101) })).toMatchObject({ refusal: { code: 'body-too-large' } });
});

test('media types that are not read here are refused', async () => {
  const { publish } = await setUpPublisher();
  for (const contentType of [
    '',
    'text/plain',
    'application/cloudevents+avro',
    'application/cloudevents-batch+protobuf',
    'application/jsonx',
  ]) {
    expect(await publish(good, { contentType })).toMatchObject({ refusal: { code: 'unsupported-media-type' } });
  }
  expect(await publish(good, { contentType: 'Application/JSON; charset=utf-8' })).toMatchObject({ status: 200 });
});

test('whatever JSON comes, there is an answer or a refusal, and never a throw', async () => {
  const { publish } = await setUpPublisher();
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), fc.constantFrom('bare', 'events', 'event', 'cloud'), async (value, form) => {
      const body = form === 'events' ? { events: value } : form === 'event' ? { channel: 'task:1', data: value, attributes: value } : value;
      const contentType = form === 'cloud' ? 'application/cloudevents-batch+json' : 'application/json';
      const answer = await publish(JSON.stringify(body), { contentType });
      return answer.kind === 'answered' || answer.refusal.code !== 'internal-error';
    }),
    { numRuns: 500 },
  );
});
