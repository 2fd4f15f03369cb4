import { expect, test } from 'vitest';
import { LogError } from '../../../src/log/event-log.js';
import type { EventLog } from '../../../src/log/event-log.js';
import { mayPublish, setUpPublisher } from './publisher-fixture.js';

const event = { channel: 'news', data: 1 };
const keyed = (key: string) => ({ headers: { 'idempotency-key': key } });
const ada = (more = {}) => mayPublish(() => true, more);

test('of fifty requests with one key at once one is published; later ones get its answer', async () => {
  const { publish, readAll } = await setUpPublisher();
  const answers = await Promise.all(Array.from({ length: 50 }, () => publish(event, keyed('"k 1"'))));
  expect(answers.filter(({ kind }) => kind === 'answered').length).toBe(1);
  expect(answers.filter((answer) => answer.kind === 'refused' && answer.refusal.code === 'key-in-flight').length).toBe(49);
  const first = answers.find(({ kind }) => kind === 'answered');
  expect(await publish(event, keyed('"k 1"'))).toEqual({ ...first, isReplay: true });
  expect((await readAll()).length).toBe(1);
});

test('a quoted and a bare key are one; another body under it is refused; keys belong to a caller', async () => {
  const { publish, readAll } = await setUpPublisher();
  await publish(event, { ...keyed('k'), principal: ada() });
  expect(await publish(event, { ...keyed('"k"'), principal: ada() })).toMatchObject({ isReplay: true });
  expect(await publish({ ...event, data: 2 }, { ...keyed('k'), principal: ada() })).toMatchObject({ refusal: { code: 'key-reused' } });
  for (const principal of [ada({ subject: 'bob' }), ada({ tenant: 't' }), ada({ claims: { iss: 'other' } })]) {
    expect(await publish(event, { ...keyed('k'), principal })).toMatchObject({ kind: 'answered', isReplay: false });
  }
  expect((await readAll()).length).toBe(4);
});

test('malformed keys are refused, and a refused request leaves its key free', async () => {
  const { publish, readAll } = await setUpPublisher();
  for (const key of ['', '""', 'a b', '"a', 'a"', 'x'.repeat(256), '"ä"', 'a, b']) {
    expect(await publish(event, keyed(key)), key).toMatchObject({ refusal: { code: 'malformed-request' } });
  }
  expect(await publish({ channel: '', data: 1 }, keyed('k'))).toMatchObject({ refusal: { code: 'invalid-event' } });
  expect(await publish(event, keyed('k'))).toMatchObject({ kind: 'answered', isReplay: false });
  expect((await readAll()).length).toBe(1);
});

test('what the log certainly did not take may be tried again under the key; what nobody knows may not', async () => {
  const failures: (LogError | null)[] = [new LogError('away', true), new LogError('no answer', true, { outcomeUnknown: true }), null];
  let appends = 0;
  const append: EventLog['append'] = () => {
    appends++;
    const failure = failures.shift() ?? null;
    return failure === null ? Promise.resolve([{ topic: 'news', partition: 0, offset: 1 }]) : Promise.reject(failure);
  };
  const { publish } = await setUpPublisher({ log: { append } });
  expect(await publish(event, keyed('k'))).toMatchObject({ refusal: { code: 'log-unavailable' } });
  expect(await publish(event, keyed('k'))).toMatchObject({ refusal: { code: 'outcome-unknown' }, isReplay: false });
  expect(await publish(event, keyed('k'))).toMatchObject({ refusal: { code: 'outcome-unknown' }, isReplay: true });
  expect(appends).toBe(2);
});

test('without a store, keys are refused and nothing is published', async () => {
  const { publish, readAll } = await setUpPublisher({ store: null });
  expect(await publish(event, keyed('k'))).toMatchObject({ refusal: { code: 'store-unavailable' } });
  expect(await readAll()).toEqual([]);
});
