import { expect, test } from 'vitest';
import { setUpPublisher } from './publisher-fixture.js';

const event = { specversion: '1.0', id: 'a1', source: '/jobs', type: 'progress', subject: 'task:1', data: { done: 1 } };
const structured = { contentType: 'application/cloudevents+json; charset=utf-8' };
const binary = { 'ce-specversion': '1.0', 'ce-id': 'a1', 'ce-source': '/jobs', 'ce-type': 'progress', 'ce-subject': 'task:1' };

test('a structured CloudEvent becomes a record of the binary Kafka binding, with its digits', async () => {
  const { publish, readAll } = await setUpPublisher();
  const body = JSON.stringify({ ...event, count: 7, session: 's' }).replace('"done":1', '"done": 1234567890123456789');
  expect(await publish(body, structured)).toMatchObject({ status: 200 });
  expect(await readAll()).toMatchObject([
    {
      topic: 'tasks',
      key: '1',
      value: '{"done": 1234567890123456789}',
      headers: {
        ce_specversion: '1.0',
        ce_id: 'a1',
        ce_source: '/jobs',
        ce_type: 'progress',
        ce_subject: 'task:1',
        ce_count: '7',
        ce_session: 's',
        'content-type': 'application/json',
      },
    },
  ]);
});

test('binary mode decodes its headers, and the extension goes before the subject', async () => {
  const { publish, readAll } = await setUpPublisher();
  const headers = { ...binary, 'ce-subject': 'Gr%C3%B6%C3%9Fe', 'ce-selvagechannel': 'task:2', 'ce-quoted': '"a \\"b\\" %25"' };
  expect(await publish('{"n":1}', { contentType: 'application/json', headers })).toMatchObject({ status: 200 });
  expect(await readAll()).toMatchObject([
    { key: '2', value: '{"n":1}', headers: { ce_subject: 'Größe', ce_quoted: 'a "b" %', 'content-type': 'application/json' } },
  ]);
});

test('a batch of CloudEvents is answered one by one', async () => {
  const { publish, readAll } = await setUpPublisher();
  const body = [event, { ...event, type: undefined }, { ...event, subject: 'task:2', data: undefined, data_base64: 'eyJuIjoxfQ==' }];
  expect(await publish(body, { contentType: 'application/cloudevents-batch+json' })).toMatchObject({
    status: 207,
    results: [{ offset: '0' }, { error: { code: 'invalid-event' } }, { offset: '0' }],
  });
  expect((await readAll()).map(({ value }) => value).sort()).toEqual(['{"done":1}', '{"n":1}']);
  expect(await publish([], { contentType: 'application/cloudevents-batch+json' })).toMatchObject({ refusal: { code: 'invalid-event' } });
});

test('what is no CloudEvent 1.0, or none for us, is refused with the reason', async () => {
  const { publish, readAll } = await setUpPublisher();
  const cases: readonly [unknown, RegExp][] = [
    [{ ...event, specversion: '0.3' }, /specversion/],
    [{ ...event, id: '' }, /CloudEvent/],
    [{ ...event, subject: undefined }, /selvagechannel or subject/],
    [{ ...event, subject: 'a\nb' }, /"subject"/],
    [{ ...event, Session: 'x' }, /"Session"/],
    [{ ...event, nested: {} }, /"nested"/],
    [{ ...event, big: 'x'.repeat(1_025) }, /"big"/],
    [{ ...event, type: 'x'.repeat(65) }, /"type"/],
    [{ ...event, type: 'selvage.gap' }, /"type"/],
    [{ ...event, datacontenttype: 'application/cloudevents+json' }, /inside/],
    [{ ...event, data: undefined, data_base64: '/w==' }, /UTF-8/],
    [{ ...event, data_base64: 'eyJ9' }, /either/],
    [{ ...event, ...Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`x${i}`, ''])) }, /32/],
    ['{"__proto__":{"specversion":"1.0","id":"a","source":"b","type":"c"}}', /CloudEvent/],
  ];
  for (const [body, detail] of cases) {
    expect(await publish(body, structured), JSON.stringify(body).slice(0, 60)).toMatchObject({
      refusal: { code: 'invalid-event', detail: expect.stringMatching(detail) as string },
    });
  }
  for (const bad of ['%', '%ff', '%ed%a0%80', 'ö', 'a%0ab']) {
    expect(await publish('{}', { headers: { ...binary, 'ce-x': bad } }), bad).toMatchObject({ refusal: { code: 'invalid-event' } });
  }
  expect(await publish(new Uint8Array([0xff]), { contentType: 'application/octet-stream', headers: binary })).toMatchObject({
    refusal: { code: 'invalid-event' },
  });
  expect(await readAll()).toEqual([]);
});
