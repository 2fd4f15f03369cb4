import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createEnvelopeFormat, jsonLinesFormat, plainFormat } from '../../../src/hub/frame-format.js';
import type { FrameFormat } from '../../../src/hub/frame-format.js';
import { ChunkWriter } from '../../../src/protocol/chunk-writer.js';
import { encodeControl, encodeRetry, keepAliveFrame } from '../../../src/protocol/control-frames.js';
import { decodeEventData, encodeEventBody, EventBodyEncoder } from '../../../src/protocol/event-body-codec.js';
import type { RoutedEvent } from '../../../src/routing/routed-event.js';
import { parseEventStream } from './sse-parser.js';
import { readVectors } from './vectors.js';

interface FrameVector {
  readonly name: string;
  readonly type: string;
  readonly data: string;
  readonly id: string | null;
  readonly channels?: readonly string[];
  readonly timestampMs?: number;
  readonly bytes: string;
}
interface ControlVector {
  readonly name: string;
  readonly type: string;
  readonly data: object;
  readonly id: string | null;
  readonly bytes: string;
}
interface FrameVectors {
  readonly plain: readonly FrameVector[];
  readonly envelope: readonly FrameVector[];
  readonly json: readonly FrameVector[];
  readonly control: readonly ControlVector[];
  readonly keepAlive: string;
  readonly retry: readonly { readonly retryMs: number; readonly bytes: string }[];
}

const vectors = readVectors('frames') as FrameVectors;
const utf8 = (text: string): Uint8Array => Buffer.from(text);
/** Without dropping a byte order mark. */
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

function eventOf(type: string, data: string, channels: readonly string[], timestampMs: number): RoutedEvent {
  const body = encodeEventBody(type, utf8(data));
  return { topic: 't', partition: 0, offset: 0, index: 0, timestampMs, channels, type, attributes: null, latest: null, body };
}

function frameOf(
  format: FrameFormat,
  { type, data, id, channels = ['c'], timestampMs = 0 }: Omit<FrameVector, 'name' | 'bytes'>,
): Uint8Array {
  const out = new ChunkWriter();
  out.begin();
  format.event(out, eventOf(type, data, channels, timestampMs), channels, id);
  return out.take().slice();
}

describe('the golden frames', () => {
  const formats: readonly (readonly [name: string, format: FrameFormat, frames: readonly FrameVector[]])[] = [
    ['plain', plainFormat, vectors.plain],
    ['envelope', createEnvelopeFormat(), vectors.envelope],
    ['json', jsonLinesFormat, vectors.json],
  ];
  for (const [name, format, frames] of formats) {
    test.each(frames)(`${name}: $name`, (vector) => {
      expect(textOf(frameOf(format, vector))).toBe(vector.bytes);
    });
  }

  test.each(vectors.control)('control: $name', ({ type, data, id, bytes }) => {
    expect(textOf(encodeControl(type, data, id ?? undefined))).toBe(bytes);
    const out = new ChunkWriter();
    out.begin();
    plainFormat.control(out, type, data, id);
    expect(textOf(out.take())).toBe(bytes);
  });

  test('the keep-alive is a comment and no blank line', () => {
    expect(textOf(keepAliveFrame)).toBe(vectors.keepAlive);
  });

  test.each(vectors.retry)('retry of $retryMs ms', ({ retryMs, bytes }) => {
    expect(textOf(encodeRetry(retryMs))).toBe(bytes);
  });
});

const withLines = fc.string({
  unit: fc.oneof(fc.constantFrom('\r', '\n', ':', ' ', 'data: ', 'id: ', '\0', '\ufeff'), fc.string({ unit: 'grapheme', maxLength: 3 })),
});
const types = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter((type) => !/[\r\n\0]/.test(type));
const ids = fc.string({ unit: fc.constantFrom(...'0123456789abcxyz.-~_'), minLength: 1, maxLength: 40 });
const withLf = (text: string): string => text.replaceAll(/\r\n|\r/g, '\n');

describe('any event', () => {
  test('keeps its data through its body, but that every line end becomes LF', () => {
    const encoder = new EventBodyEncoder();
    fc.assert(
      fc.property(types, withLines, (type, data) => {
        const body = encoder.encode(type, utf8(data));
        expect(textOf(decodeEventData(body))).toBe(withLf(data));
        expect(body.isSingleLine).toBe(!/[\r\n]/.test(data));
        // Once normalised it does not change any more.
        expect(textOf(encoder.encode(type, decodeEventData(body)).bytes)).toBe(textOf(body.bytes));
      }),
      { numRuns: 500 },
    );
  });

  test('is read back by an EventSource with its type, data and id, whatever stands around it', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(types, withLines, ids), { minLength: 1, maxLength: 6 }), (events) => {
        const chunks: Uint8Array[] = [encodeRetry(2_417), keepAliveFrame, encodeControl('selvage.position', {}, 'p0')];
        for (const [type, data, id] of events) chunks.push(frameOf(plainFormat, { type, data, id }), keepAliveFrame);
        const read = parseEventStream(Buffer.concat(chunks));
        expect(read.retryMs).toBe(2_417);
        expect(read.events).toEqual([
          { type: 'selvage.position', data: '{}', lastEventId: 'p0' },
          ...events.map(([type, data, id]) => ({ type, data: withLf(data), lastEventId: id })),
        ]);
        expect(read.lastEventId).toBe(events.at(-1)?.[2]);
      }),
      { numRuns: 500 },
    );
  });

  test('of several of one record carries the id on the last alone, and a reader cut off between them has not got it', () => {
    const first = frameOf(plainFormat, { type: 'a', data: '1', id: null });
    const last = frameOf(plainFormat, { type: 'b', data: '2', id: 'p1' });
    const before = encodeControl('selvage.position', {}, 'p0');
    expect(parseEventStream(Buffer.concat([before, first])).lastEventId).toBe('p0');
    const whole = Buffer.concat([before, first, last]);
    for (let cut = before.length; cut < whole.length; cut++) {
      expect(parseEventStream(whole.subarray(0, cut)).lastEventId).toBe('p0');
    }
    expect(parseEventStream(whole).lastEventId).toBe('p1');
  });

  test('in an envelope is one line of JSON', () => {
    const format = createEnvelopeFormat();
    fc.assert(
      fc.property(types, fc.oneof(withLines, fc.json()), fc.array(withLines, { minLength: 1, maxLength: 3 }), (type, data, channels) => {
        const [event] = parseEventStream(frameOf(format, { type, data, id: 'p', channels })).events;
        expect(event?.data).not.toContain('\n');
        const envelope = JSON.parse(event?.data ?? '') as { channel: string; type: string; time: string; data: unknown };
        expect(envelope).toMatchObject({ channel: channels[0], type, time: '1970-01-01T00:00:00.000Z' });
        expect(envelope.data).toEqual(jsonOrText(withLf(data)));
      }),
      { numRuns: 300 },
    );
  });
});

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text.startsWith('\ufeff') ? text.slice(1) : text) as unknown;
  } catch {
    return text;
  }
}
