import { expect, test } from 'vitest';
import { DeliveryTraces } from '../../../src/telemetry/delivery-traces.js';
import { SpanBudget } from '../../../src/telemetry/span-budget.js';

const clock = { nowMs: () => 1_000, tickMs: () => 0 };
const [trace, span] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'];
const event = { topic: 't', partition: 0, offset: 7, type: 'progress' };

/** What is told of an event whose record has this `traceparent`, written to three readers in two goes. */
function toldOf(traceparent: string | null, spansMax = 10): readonly { readonly readers: number; readonly traceId: string }[] {
  const told: { readers: number; traceId: string }[] = [];
  const traces = new DeliveryTraces(new SpanBudget(spansMax, clock), clock, ({ readers, producer }) =>
    told.push({ readers, traceId: producer.traceId }),
  );
  const headers = traceparent === null ? {} : { traceparent: Buffer.from(traceparent) };
  const one = { ...event };
  traces.expect({ offset: 7, timestampMs: 1, key: null, value: null, headers }, [{ ...event }, one], 1);
  traces.sent(one, 1);
  traces.sent({ ...event }, 5);
  traces.sent(one, 2);
  traces.flushed();
  traces.flushed();
  expect(traces.isExpecting).toBe(false);
  return told;
}

test.each(['01', '03', '0b', 'ff', '09'])('an event of a trace with the flags %s is told once, with all its readers', (flags) => {
  expect(toldOf(`00-${trace}-${span}-${flags}`)).toEqual([{ readers: 3, traceId: trace }]);
});

test('a later version of the header, longer than ours, is understood', () => {
  expect(toldOf(`cc-${trace}-${span}-01-more`)).toHaveLength(1);
});

test.each([
  ['no header', null],
  ['a trace that nobody keeps', `00-${trace}-${span}-00`],
  ['other flags alone', `00-${trace}-${span}-0a`],
  ['an empty header', ''],
  ['a header that is too short', `00-${trace}-${span}-1`],
  ['a header that is too long', `cc-${trace}-${span}-01-${'x'.repeat(300)}`],
  ['a trace of zeros', `00-${'0'.repeat(32)}-${span}-01`],
  ['capital letters', `00-${trace.toUpperCase()}-${span}-01`],
  ['the forbidden version', `ff-${trace}-${span}-01`],
])('%s tells nothing', (_, traceparent) => {
  expect(toldOf(traceparent)).toEqual([]);
});

test('no more spans are made than there is room for', () => {
  expect(toldOf(`00-${trace}-${span}-01`, 0)).toEqual([]);
});
