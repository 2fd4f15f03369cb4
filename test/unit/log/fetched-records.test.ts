import fc from 'fast-check';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { useFetchedRecords } from '../../../src/log/kafka/fetched-records.js';
import { registerCodecs } from '../../../src/log/kafka/register-codecs.js';

const require = createRequire(import.meta.url);
const answersFile = 'kafkajs/src/protocol/requests/fetch/v4/decodeMessages';

interface Message {
  readonly offset: string | number;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}
type Decode = (decoder: object) => Promise<readonly Message[]>;
type Encoder = { readonly buffer: Buffer; writeInt32(value: number): Encoder; writeEncoder(other: Encoder): Encoder };
const NewEncoder = require('kafkajs/src/protocol/encoder') as new () => Encoder;
const NewDecoder = require('kafkajs/src/protocol/decoder') as new (buffer: Buffer) => object;
const { RecordBatch: encodeBatch } = require('kafkajs/src/protocol/recordBatch/v0') as { RecordBatch: (batch: object) => Promise<Encoder> };
const encodeRecord = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => Encoder;
const NewBatch = require('kafkajs/src/consumer/batch') as new (
  topic: string,
  fetchedOffset: string,
  data: object,
) => {
  readonly messages: readonly Message[];
  firstOffset(): unknown;
  lastOffset(): unknown;
};

const theirs = require(answersFile) as Decode;
useFetchedRecords();
useFetchedRecords();
const ours = require(answersFile) as Decode;

interface WrittenBatch {
  readonly count: number;
  readonly compression: number;
  /** null: no transaction. */
  readonly producerId: number | null;
  readonly isMarker: boolean;
}

async function encodeAnswer(batches: readonly WrittenBatch[], cutBytes: number): Promise<Buffer> {
  const whole: Buffer[] = [];
  let firstOffset = 7;
  for (const { count, compression, producerId, isMarker } of batches) {
    const records = Array.from({ length: count }, (_, i) =>
      encodeRecord({
        offsetDelta: i,
        timestampDelta: i * 3,
        key: Buffer.from(`k${i}`),
        value: Buffer.from(`v${firstOffset + i}`),
        headers: {},
      }),
    );
    const encoded = await encodeBatch({
      compression,
      firstOffset,
      firstTimestamp: 1_700_000_000_000,
      maxTimestamp: 1_700_000_000_000 + count * 3,
      lastOffsetDelta: count - 1,
      producerId: producerId ?? -1,
      transactional: producerId !== null,
      records,
    });
    const bytes = Buffer.from(encoded.buffer);
    // kafkajs writes no markers: the flag of control batches, as a broker sets it.
    if (isMarker) bytes.writeInt16BE(bytes.readInt16BE(21) | 0x20, 21);
    whole.push(bytes);
    firstOffset += count;
  }
  const bytes = Buffer.concat(whole);
  const set = bytes.subarray(0, bytes.length - Math.min(cutBytes, whole.at(-1)?.length ?? 0));
  return Buffer.concat([new NewEncoder().writeInt32(set.length).buffer, set]);
}

const plainOf = (messages: readonly Message[]): unknown =>
  messages.map(({ offset, timestamp, key, value }) => [String(offset), timestamp, String(key), String(value)]);

test('an answer of a broker is the same as kafkajs reads it, in every codec, cut off, with transactions, from any offset', async () => {
  expect(ours).not.toBe(theirs);
  await registerCodecs();
  const batch = fc.record({
    count: fc.integer({ min: 1, max: 20 }),
    compression: fc.integer({ min: 0, max: 4 }),
    producerId: fc.option(fc.integer({ min: 1, max: 3 })),
    isMarker: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(batch, { maxLength: 5 }),
      fc.nat(40),
      fc.nat(60),
      fc.array(fc.record({ producerId: fc.integer({ min: 1, max: 3 }), firstOffset: fc.nat(60) }), { maxLength: 2 }),
      async (batches, cutBytes, fetchedOffset, aborted) => {
        const answer = await encodeAnswer(batches, cutBytes);
        const abortedTransactions = aborted
          .map(({ producerId, firstOffset }) => ({ producerId: String(producerId), firstOffset: String(firstOffset) }))
          .sort((a, b) => Number(a.firstOffset) - Number(b.firstOffset));
        const read = async (decode: Decode): Promise<unknown> => {
          const messages = await decode(new NewDecoder(answer));
          const data = { partition: 0, highWatermark: '100', abortedTransactions, messages };
          const made = new NewBatch('t', String(fetchedOffset), data);
          return {
            all: plainOf(messages),
            left: plainOf(made.messages),
            last: String(made.lastOffset()),
            first: String(made.firstOffset()),
          };
        };
        expect(await read(ours)).toEqual(await read(theirs));
      },
    ),
    { numRuns: 300 },
  );
});
