import { createRequire } from 'node:module';
import kafkajs from 'kafkajs';
import { expect, test } from 'vitest';
import { partitionOfKey } from '../../../src/log/key-partition.js';
import { murmur2 } from '../../../src/std/murmur2.js';
import { knownKafkajsVersion, quietRequestQueue } from '../../../src/log/kafka/quiet-request-queue.js';
import { registerCodecs } from '../../../src/log/kafka/register-codecs.js';
import { makeZstdCodec } from '../../../src/log/kafka/zstd-codec.js';

const require = createRequire(import.meta.url);

test('kafkajs is the version whose insides are known', () => {
  expect((require('kafkajs/package.json') as { version: string }).version).toBe(knownKafkajsVersion);
});

test('an idle request queue arms no timer, a waiting one does', () => {
  quietRequestQueue();
  quietRequestQueue();
  const RequestQueue = require('kafkajs/src/network/requestQueue') as new (options: object) => {
    pending: unknown[];
    throttleCheckTimeoutId: NodeJS.Timeout | null;
    scheduleCheckPendingRequests(): void;
    checkPendingRequests(): void;
    destroy(): void;
  };
  const queue = new RequestQueue({
    requestTimeout: 1_000,
    enforceRequestTimeout: false,
    clientId: 'c',
    broker: 'b',
    logger: { debug: () => {} },
    maxInFlightRequests: 0,
  });
  queue.checkPendingRequests();
  expect(queue.throttleCheckTimeoutId).toBe(null);
  queue.pending.push({});
  queue.scheduleCheckPendingRequests();
  expect(queue.throttleCheckTimeoutId).not.toBe(null);
  queue.destroy();
});

test('every codec is registered with kafkajs and gives back what went in, however often it is registered', async () => {
  await Promise.all([registerCodecs(), registerCodecs()]);
  await registerCodecs();
  const sample = Buffer.from('äöü'.repeat(5_000));
  const codecs = kafkajs.CompressionCodecs as unknown as Readonly<Record<number, () => unknown>>;
  for (const type of [1, 2, 3, 4]) {
    const codec = codecs[type]?.() as {
      compress(encoder: object): Promise<Buffer>;
      decompress(data: Buffer): Promise<Buffer>;
    };
    const packed = await codec.compress({ buffer: sample });
    expect(packed.length).toBeLessThan(sample.length);
    expect(Buffer.compare(await codec.decompress(packed), sample)).toBe(0);
  }
});

test('a Zstandard frame that does not tell its size is unpacked whatever its size; one that claims too much, or is none, is refused', async () => {
  const { compress, decompress } = await makeZstdCodec();
  for (const size of [10, 300, 70_000, 3_000_000, 9_000_000]) {
    const sample = Buffer.alloc(size, 'selvage ');
    expect((await decompress(await compress(sample))).equals(sample)).toBe(true);
    expect((await decompress(withoutSize(sample))).equals(sample)).toBe(true);
  }
  await expect(decompress(Buffer.from('this is not packed at all'))).rejects.toThrow();
  const claims = Buffer.from('28b52ffde0ffffffffffff0f00010000', 'hex');
  await expect(decompress(claims)).rejects.toThrow();
});

/** A frame of raw blocks with a window and no content size (RFC 8878 §3.1.1), as streaming writers make. */
function withoutSize(data: Buffer): Buffer {
  const parts: Uint8Array[] = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x70])];
  for (let at = 0; at < data.length; at += 100_000) {
    const block = data.subarray(at, at + 100_000);
    const header = (block.length << 3) | (at + 100_000 >= data.length ? 1 : 0);
    parts.push(Buffer.from([header & 0xff, (header >> 8) & 0xff, (header >> 16) & 0xff]), block);
  }
  return Buffer.concat(parts);
}

test("keys go to the partition that kafkajs' and Java's partitioner choose", () => {
  const choose = kafkajs.Partitioners.DefaultPartitioner();
  const partitionMetadata = Array.from({ length: 17 }, (_, partitionId) => ({ partitionId, leader: 1 }) as never);
  for (const key of ['', 'a', 'ab', 'abc', 'abcd', 'run-42', 'äöü', '21'.repeat(100)]) {
    const expected = choose({ topic: 't', partitionMetadata, message: { key: Buffer.from(key), value: null } });
    expect(partitionOfKey(Buffer.from(key), 17)).toBe(expected);
  }
  // From the tests of Kafka's Java client (UtilsTest.testMurmur2).
  expect(murmur2(Buffer.from('21'))).toBe(-973932308);
  expect(murmur2(Buffer.from('foobar'))).toBe(-790332482);
  expect(murmur2(Buffer.from('a-little-bit-long-string'))).toBe(-985981536);
});
