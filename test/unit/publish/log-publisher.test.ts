import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LogError } from '../../../src/log/event-log.js';
import type { EventLog } from '../../../src/log/event-log.js';
import { MemoryEventLog } from '../../../src/log/memory/memory-event-log.js';
import { LogPublisher } from '../../../src/publish/log-publisher.js';
import { parsePublish } from '../../../src/publish/parse-publish.js';
import { systemEnvironment } from '../../../src/std/system-environment.js';
import { noMetrics } from '../../../src/telemetry/no-metrics.js';
import { silentLogger } from '../../../src/telemetry/silent-logger.js';

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));

async function setUp(overrides: { log?: Pick<EventLog, 'append'> } = {}) {
  const log = new MemoryEventLog({}, systemEnvironment);
  await log.ensureTopic('tasks', 4);
  const publisher = new LogPublisher({
    router: { publishTargetOf: (channel) => (channel.startsWith('task:') ? { topic: 'tasks', key: channel.slice(5) } : null) },
    log: overrides.log ?? log,
    encodePosition: (channel, result) => `${channel}@${result.partition}-${result.offset}`,
    metrics: noMetrics,
    logger: silentLogger,
  });
  const publish = (body: unknown, contentType = 'application/json') => publisher.publish(encode(body), contentType);
  const readAll = async () => {
    const records: { partition: number; offset: number; key: string; value: string; type: string | null }[] = [];
    for (const { partition, end } of await log.offsets('tasks')) {
      if (end === 0) continue;
      for await (const batch of log.scan({ topic: 'tasks', partition, from: 0, to: end - 1 })) {
        for (const { offset, key, value, headers } of batch.records) {
          const type = headers['selvage-type'];
          const text = (bytes: unknown): string => Buffer.from(bytes as Uint8Array).toString();
          records.push({ partition, offset, key: text(key), value: text(value), type: type === undefined ? null : text(type) });
        }
      }
    }
    return records;
  };
  return { publish, readAll };
}

test('an event is in the log when it is answered, keyed and typed, and the answer says where', async () => {
  const { publish, readAll } = await setUp();
  const answer = await publish({ channel: 'task:t1', type: 'progress', data: { progress: 40 } });
  const records = await readAll();
  expect(records).toMatchObject([{ key: 't1', value: '{"progress":40}', type: 'progress' }]);
  const [record] = records;
  expect(answer).toEqual({
    kind: 'accepted',
    results: [{ position: `task:t1@${record?.partition}-${record?.offset}`, partition: record?.partition, offset: String(record?.offset) }],
  });
});

test('a batch keeps its order within a channel and is answered in its own order', async () => {
  const { publish, readAll } = await setUp();
  const events = Array.from({ length: 100 }, (_, i) => ({ channel: `task:t${i % 3}`, data: i }));
  const answer = await publish({ events });
  expect(answer.kind === 'accepted' && answer.results.map(({ position }) => position.split('@')[0])).toEqual(
    events.map(({ channel }) => channel),
  );
  const records = await readAll();
  for (const key of ['t0', 't1', 't2']) {
    const values = records.filter((record) => record.key === key).map(({ value }) => Number(value));
    expect(values).toEqual([...values].sort((a, b) => a - b));
  }
  expect(records.map(({ type }) => type)).toEqual(records.map(() => null));
});

test('strings are sent as they are, other values as JSON', async () => {
  const { publish, readAll } = await setUp();
  const values = ['plain "text"', '', 7, null, false, [1, { a: '€' }]];
  await publish({ events: values.map((data) => ({ channel: 'task:one', data })) });
  expect((await readAll()).map(({ value }) => value)).toEqual(['plain "text"', '', '7', 'null', 'false', '[1,{"a":"€"}]']);
});

test('a batch with one bad item is refused whole, naming the item', async () => {
  const { publish, readAll } = await setUp();
  const good = { channel: 'task:t1', data: 1 };
  const cases: readonly [unknown, string, RegExp][] = [
    [{ events: [good, { channel: '', data: 1 }] }, 'invalid-event', /events\[1\].*"channel"/],
    [{ events: [good, { channel: 'task:a\nb', data: 1 }] }, 'invalid-event', /events\[1\].*"channel"/],
    [{ events: [{ ...good, type: 'selvage.gap' }] }, 'invalid-event', /events\[0\].*"type"/],
    [{ events: [{ ...good, type: 'a\rb' }] }, 'invalid-event', /"type"/],
    [{ events: [{ ...good, type: 'x'.repeat(65) }] }, 'invalid-event', /"type"/],
    [{ events: [{ channel: 'task:t1' }] }, 'invalid-event', /"data" is missing/],
    [{ events: [{ ...good, id: 'x' }] }, 'invalid-event', /"id"/],
    [{ events: [good, { channel: 'other:1', data: 1 }] }, 'unroutable-channel', /events\[1\]/],
    [{ events: [] }, 'invalid-event', /at least one/],
    [{ events: Array.from({ length: 101 }, () => good) }, 'invalid-event', /at most 100/],
    [[good], 'invalid-event', /object/],
    ['{"channel":', 'malformed-request', /JSON/],
  ];
  for (const [body, code, detail] of cases) {
    const answer = await publish(body);
    expect(answer).toMatchObject({ kind: 'refused', refusal: { code } });
    expect(answer.kind === 'refused' && answer.refusal.detail).toMatch(detail);
  }
  expect(await readAll()).toEqual([]);
});

test('other media types and bodies that are not UTF-8 are refused', async () => {
  const { publish } = await setUp();
  expect(await publish({ channel: 'task:t', data: 1 }, 'text/plain')).toMatchObject({ refusal: { code: 'unsupported-media-type' } });
  expect(await publish({ channel: 'task:t', data: 1 }, 'Application/JSON; charset=utf-8')).toMatchObject({ kind: 'accepted' });
  expect(parsePublish(new Uint8Array([0x22, 0xff, 0x22]), 10)).toMatchObject({ code: 'malformed-request' });
});

test('a log that does not answer is told as such; any other failure is not hidden', async () => {
  const failing = (error: Error) => setUp({ log: { append: () => Promise.reject(error) } });
  const away = await failing(new LogError('no leader', true));
  expect(await away.publish({ channel: 'task:t', data: 1 })).toMatchObject({ refusal: { code: 'log-unavailable', retryAfterSeconds: 1 } });
  const broken = await failing(new TypeError('bug'));
  await expect(broken.publish({ channel: 'task:t', data: 1 })).rejects.toThrow('bug');
});

test('whatever JSON comes, parsing answers items or a refusal, and never throws', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.boolean(), (value, wrap) => {
      const parse = parsePublish(encode(JSON.stringify(wrap ? { events: value } : value)), 5);
      return parse.kind === 'refused' || parse.items.every(({ channel, data }) => typeof channel === 'string' && typeof data === 'string');
    }),
  );
});
