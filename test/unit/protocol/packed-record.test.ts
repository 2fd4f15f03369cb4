import fc from 'fast-check';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { copied, copyPlain } from '../../../src/protocol/copy-plain.js';
import { EventBody } from '../../../src/protocol/event-body.js';
import { EventBodyEncoder } from '../../../src/protocol/event-body-codec.js';
import { PackedRecord, VarReader } from '../../../src/protocol/packed-record.js';

const require = createRequire(import.meta.url);
interface WireRecord {
  readonly offsetDelta: number;
  readonly timestampDelta: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string | string[]>>;
}
/** kafkajs' own writer of records, the other side of ours. */
const encodeRecord = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: WireRecord) => { readonly buffer: Buffer };

function unpack(bytes: Buffer): PackedRecord {
  const reader = new VarReader(bytes, 0);
  const end = reader.readInt() + reader.at;
  reader.at++;
  const timestampMs = 1_000 + reader.readLong();
  const offset = 5_000_000_000 + reader.readInt();
  const record = new PackedRecord(offset, timestampMs, bytes, reader);
  expect(end).toBe(bytes.length);
  return record;
}

const bytes = fc.option(fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)));
const headerName = fc.string({ minLength: 1, maxLength: 8 }).filter((name) => name !== '__proto__');

test('what kafkajs writes is read back: offset, time, key, value and headers, with and without each', () => {
  const record = fc.record({
    offsetDelta: fc.nat(2_000_000),
    timestampDelta: fc.integer({ min: -1_000_000_000_000, max: 1_000_000_000_000 }),
    key: bytes,
    value: bytes,
    headers: fc.dictionary(headerName, fc.oneof(fc.string(), fc.array(fc.string(), { minLength: 1, maxLength: 3 })), { maxKeys: 4 }),
  });
  fc.assert(
    fc.property(record, (written) => {
      const read = unpack(encodeRecord(written).buffer);
      expect(read.offset).toBe(5_000_000_000 + written.offsetDelta);
      expect(read.timestampMs).toBe(1_000 + written.timestampDelta);
      expect(read.key).toEqual(written.key);
      expect(read.value).toEqual(written.value);
      expect(Object.keys(read.headers).sort()).toEqual(Object.keys(written.headers).sort());
      const span = { start: 0, end: 0 };
      for (const [name, value] of Object.entries(written.headers)) {
        const last = Array.isArray(value) ? (value.at(-1) ?? '') : value;
        expect(read.findHeader(Buffer.from(name), span)).toBe(true);
        expect(read.bytes.toString('utf8', span.start, span.end)).toBe(Buffer.from(last).toString());
      }
      expect(read.findHeader(Buffer.from('none of these names'), span)).toBe(false);
    }),
    { numRuns: 500 },
  );
});

test('a copy tells of control characters and of bytes beyond ASCII, wherever they are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(5), (data, shift) => {
      const from = new Uint8Array([...Array.from({ length: shift }, () => 7), ...data, 3]);
      const to = new Uint8Array(data.length + 8);
      const met = copyPlain(new DataView(from.buffer), shift, new DataView(to.buffer), 1, data.length);
      expect(to.slice(1, 1 + data.length)).toEqual(data);
      expect([to[0], to[1 + data.length]]).toEqual([0, 0]);
      expect((met & copied.control) !== 0).toBe(data.some((byte) => byte < 0x20));
      expect((met & copied.beyondAscii) !== 0).toBe(data.some((byte) => byte >= 0x80));
    }),
    { numRuns: 2_000 },
  );
});

test('a body taken as it lies is the body that is encoded with care, or none', () => {
  const careful = new EventBodyEncoder();
  const quick = new EventBodyEncoder();
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 90 }), fc.nat(9), (text, shift) => {
      const data = Buffer.from(text);
      const source = Buffer.concat([Buffer.alloc(shift, 65), data, Buffer.alloc(3, 66)]);
      const view = new DataView(source.buffer, source.byteOffset, source.length);
      const place = quick.placePlain('progress', view, shift, data.length);
      if (place === null) expect(/[\0-\x1f]/.test(text)).toBe(true);
      else {
        expect(Buffer.from(new EventBody(place).bytes)).toEqual(Buffer.from(careful.encode('progress', data).bytes));
        expect(quick.isLastAscii).toBe(/^[\0-\x7f]*$/.test(text));
      }
    }),
    { numRuns: 1_000 },
  );
});
