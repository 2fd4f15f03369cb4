import { expect, test } from 'vitest';
import { LogError } from '../../../src/log/event-log.js';
import type { EventLog } from '../../../src/log/event-log.js';
import { mayPublish, setUpPublisher } from './publisher-fixture.js';

test('an event is in the log when it is answered, keyed and typed, and the answer says where', async () => {
  const { publish, readAll } = await setUpPublisher();
  const answer = await publish({ channel: 'task:t1', type: 'progress', data: { progress: 40 } });
  const [record] = await readAll();
  expect(record).toMatchObject({ topic: 'tasks', key: 't1', value: '{"progress":40}', headers: { 'selvage-type': 'progress' } });
  expect(answer).toEqual({
    kind: 'answered',
    status: 200,
    isReplay: false,
    results: [{ position: `task:t1@${record?.partition}-${record?.offset}`, partition: record?.partition, offset: String(record?.offset) }],
  });
});

test.each(['murmur2', 'crc32'] as const)('what is published to a topic keyed by %s is where its readers look', async (keyed) => {
  const routes = [
    { topic: 'plain', channels: 'plain.{key}', publish: true },
    { topic: 'tasks', channels: 'task.{key}', keyed, publish: true },
    // Of the same topic: its records have to be at home, too.
    { topic: 'tasks', channels: 'copy.{key}', publish: true },
  ];
  const { publish, readAll, router } = await setUpPublisher({ routes });
  for (let n = 0; n < 40; n++) {
    for (const channel of [`task.t${n}`, `copy.c${n}`]) expect(await publish({ channel, data: n })).toMatchObject({ status: 200 });
  }
  const records = await readAll();
  expect(new Set(records.map(({ partition }) => partition)).size).toBe(4);
  for (const { topic, partition, key } of records) {
    const record = { offset: 0, timestampMs: 0, key: Buffer.from(key), value: null, headers: {} };
    expect(router.isStray(topic, partition, record, 4), key).toBe(false);
    if (key.startsWith('t')) expect(router.sourcesOf(`task.${key}`)[0]?.home?.(4)).toBe(partition);
  }
});

test('a batch keeps its order within a channel and is answered in its own order', async () => {
  const { publish, readAll } = await setUpPublisher();
  const events = Array.from({ length: 100 }, (_, i) => ({ channel: `task:t${i % 3}`, data: i }));
  const answer = await publish({ events });
  expect(answer.kind === 'answered' && answer.results.map((result) => ('position' in result ? result.position.split('@')[0] : ''))).toEqual(
    events.map(({ channel }) => channel),
  );
  const records = await readAll();
  for (const key of ['t0', 't1', 't2']) {
    const values = records.filter((record) => record.key === key).map(({ value }) => Number(value));
    expect(values).toEqual([...values].sort((a, b) => a - b));
  }
});

test('strings are sent as they are, other values as they are written: digits survive', async () => {
  const { publish, readAll } = await setUpPublisher();
  const body =
    '{"events":[{"channel":"news","data":"plain \\"text\\"","key":"a"},{"data":12345678901234567890.10,"channel":"news","key":"a"},{"key":"a","channel":"news","data":{"a": [1,{"€":null}]}}]}';
  expect(await publish(body)).toMatchObject({ status: 200 });
  expect((await readAll()).map(({ value }) => value)).toEqual(['plain "text"', '12345678901234567890.10', '{"a": [1,{"€":null}]}']);
});

test('user and channel name the channel of a user, both encoded as values of routes are', async () => {
  const { publish, readAll } = await setUpPublisher();
  const base = { attributes: { kind: 'user' }, data: 1 };
  await publish({ ...base, user: 'ada', channel: 'inbox' });
  await publish({ ...base, user: 'a.b', channel: '**' });
  await publish({ ...base, user: '{channel}', channel: '$&' });
  expect((await readAll()).map(({ key }) => key).sort()).toEqual(['%7Bchannel%7D.%24%26', 'a%2Eb.%2A%2A', 'ada.inbox']);
});

test('broadcast is a channel of its own name, and its key may be chosen for order', async () => {
  const { publish, readAll } = await setUpPublisher();
  expect(await publish({ broadcast: true, data: 'hello', key: 'one' })).toMatchObject({ status: 200 });
  expect(await readAll()).toMatchObject([{ topic: 'news', key: 'one', value: 'hello' }]);
  expect(await publish({ channel: 'task:1', data: 1, key: '2' })).toMatchObject({
    refusal: { code: 'invalid-event', detail: expect.stringMatching(/"key"/) as string },
  });
});

test('attributes go where the route reads them; what it cannot carry is refused by name', async () => {
  const { publish, readAll, router } = await setUpPublisher();
  expect(await publish({ channel: 'task:1', data: { stage: 'draw' }, attributes: { session: 's 1', stage: 'draw' } })).toMatchObject({
    status: 200,
  });
  const [record] = await readAll();
  expect(record?.headers).toEqual({ session: 's 1' });
  expect(router.publishTargetOf('task:1')).toMatchObject({ key: '1', keyIsFree: false, typeHeaders: ['ce_type', 'selvage-type'] });
  const refused: readonly [unknown, RegExp][] = [
    [{ channel: 'task:1', data: { stage: 'draw' }, attributes: { stage: 'paint' } }, /"stage"/],
    [{ channel: 'task:1', data: 1, attributes: { colour: 'red' } }, /"colour"/],
    ['{"channel":"task:1","data":1,"attributes":{"__proto__":"x"}}', /"__proto__"/],
    [{ channel: 'task:1', data: 1, attributes: { session: 7 } }, /"session"/],
    [{ broadcast: true, type: 'alarm', data: 1 }, /type "alarm"/],
    [{ channel: 'user.ada.x', data: 1 }, /does not select/],
    [{ channel: 'wide.a', data: 'no json' }, /must be JSON/],
  ];
  for (const [body, detail] of refused) {
    expect(await publish(body)).toMatchObject({
      kind: 'refused',
      refusal: { code: 'invalid-event', detail: expect.stringMatching(detail) as string },
    });
  }
  expect((await readAll()).length).toBe(1);
});

test('each event of a batch is answered by itself', async () => {
  const { publish, readAll } = await setUpPublisher();
  const answer = await publish({
    events: [
      { channel: 'task:1', data: 1 },
      { channel: '', data: 2 },
      { channel: 'silent.1', data: 3 },
      { channel: 'task:1', data: 4 },
    ],
  });
  expect(answer).toMatchObject({
    status: 207,
    results: [
      { offset: '0' },
      { error: { code: 'invalid-event', status: 422, detail: expect.stringMatching(/"channel"/) as string } },
      { error: { code: 'unroutable-channel', status: 404 } },
      { offset: '1' },
    ],
  });
  expect((await readAll()).map(({ value }) => value)).toEqual(['1', '4']);
});

test('a batch with a channel that the caller may not write publishes nothing, and names it', async () => {
  const { publish, readAll } = await setUpPublisher();
  const principal = mayPublish((channel) => channel.startsWith('task:') || channel.startsWith('wide.'));
  const answer = await publish(
    {
      events: [
        { channel: 'task:1', data: 1 },
        { broadcast: true, data: 2 },
        { channel: 'user.bob.x', data: 3 },
        { channel: 'silent.1', data: 1 },
      ],
    },
    { principal },
  );
  expect(answer).toMatchObject({
    refusal: { code: 'channel-forbidden', detail: expect.stringMatching(/"broadcast", "user.bob.x", "silent.1"/) as string },
  });
  expect(await readAll()).toEqual([]);
});

test('a channel that the record would reach through its data needs permission too', async () => {
  const { publish, readAll } = await setUpPublisher();
  const principal = mayPublish((channel) => channel.startsWith('wide.') || channel === 'project.mine');
  expect(await publish({ channel: 'wide.a', data: { project: 'theirs' } }, { principal })).toMatchObject({
    refusal: { code: 'channel-forbidden', detail: expect.stringMatching(/"project.theirs"/) as string },
  });
  expect(await publish({ channel: 'wide.a', data: { project: 'mine' } }, { principal })).toMatchObject({ status: 200 });
  expect((await readAll()).length).toBe(1);
});

test('limits are asked once a request, with the count of events that would be appended', async () => {
  const asked: number[] = [];
  const limits = {
    admitPublish: (_: unknown, __: string, events: number) => {
      asked.push(events);
      return asked.length > 1 ? ({ code: 'rate-limited', detail: 'slower', limit: 5, retryAfterSeconds: 3 } as const) : null;
    },
  };
  const { publish, readAll } = await setUpPublisher({ limits });
  const body = {
    events: [
      { channel: 'task:1', data: 1 },
      { channel: '', data: 2 },
      { channel: 'task:1', data: 4 },
    ],
  };
  await publish(body);
  expect(await publish(body)).toMatchObject({ refusal: { code: 'rate-limited', retryAfterSeconds: 3, limit: 5 } });
  expect(asked).toEqual([2, 2]);
  expect((await readAll()).length).toBe(2);
});

test('what the log did not take and what nobody knows are told apart', async () => {
  const failing = (error: Error) => setUpPublisher({ log: { append: () => Promise.reject(error) } });
  const event = { channel: 'task:t', data: 1 };
  const away = await failing(new LogError('no leader', true));
  expect(await away.publish(event)).toMatchObject({ refusal: { code: 'log-unavailable', retryAfterSeconds: 1 } });
  const unknown = await failing(new LogError('no answer', true, { outcomeUnknown: true }));
  const answer = await unknown.publish(event);
  expect(answer).toMatchObject({ refusal: { code: 'outcome-unknown' } });
  expect(answer.kind === 'refused' && answer.refusal.retryAfterSeconds).toBeUndefined();
  const broken = await failing(new TypeError('bug'));
  await expect(broken.publish(event)).rejects.toThrow('bug');
  let count = 0;
  const append: EventLog['append'] = ([record]) =>
    ++count === 2
      ? Promise.reject(new LogError('x', true))
      : Promise.resolve([{ topic: record?.topic ?? '', partition: 0, offset: count }]);
  const partial = await setUpPublisher({ log: { append } });
  expect(await partial.publish({ events: [event, event, event] })).toMatchObject({
    status: 207,
    results: [{ offset: '1' }, { error: { code: 'log-unavailable', status: 503 } }, { offset: '3' }],
  });
});

test('trace context is passed on when it is sound', async () => {
  const { publish, readAll } = await setUpPublisher();
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const event = { channel: 'task:1', data: 1 };
  await publish(event, { headers: { traceparent, tracestate: 'a=1,b=2' } });
  await publish(event, { headers: { traceparent, tracestate: 'x'.repeat(513) } });
  for (const bad of [
    `${traceparent}-x`,
    traceparent.replace('00-', 'ff-'),
    traceparent.toUpperCase(),
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    '',
  ]) {
    await publish(event, { headers: { traceparent: bad, tracestate: 'a=1' } });
  }
  expect((await readAll()).map(({ headers }) => headers)).toEqual([
    { traceparent, tracestate: 'a=1,b=2' },
    { traceparent },
    {},
    {},
    {},
    {},
    {},
  ]);
});
