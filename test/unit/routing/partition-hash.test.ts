import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hashKey } from '../../../src/routing/partition-hash.js';
import { murmur2 } from '../../../src/std/murmur2.js';
import { isWellFormed } from '../../../src/std/percent-encoding.js';
import { recordOf, routerOf } from './routing-fixture.js';

const require = createRequire(import.meta.url);
const kafkajsMurmur2 = require('kafkajs/src/producer/partitioners/default/murmur2') as (key: Buffer) => number;

describe('murmur2', () => {
  // From Kafka's own UtilsTest.testMurmur2.
  test.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('of %j as Java has it', (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash);
  });

  test('of any bytes as kafkajs has it', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (key) => murmur2(key) === kafkajsMurmur2(Buffer.from(key))));
  });

  test('is made positive by its sign bit, not by its absolute value', () => {
    expect(hashKey('murmur2', Buffer.from('21'))).toBe(-973932308 & 0x7fffffff);
  });
});

describe('crc32', () => {
  test.each([
    ['123456789', 0xcbf43926],
    ['a', 0xe8b7be43],
    ['abc', 0x352441c2],
  ])('of %j is the standard one', (key, hash) => {
    expect(hashKey('crc32', Buffer.from(key))).toBe(hash);
  });

  test('an empty key has no one partition: librdkafka spreads it', () => {
    expect(hashKey('crc32', new Uint8Array(0))).toBeNull();
    expect(hashKey('murmur2', new Uint8Array(0))).toBe(murmur2(new Uint8Array(0)) & 0x7fffffff);
  });
});

describe('strays of a keyed topic', () => {
  const { router } = routerOf([
    { topic: 'keyed', keyed: 'murmur2', channels: 'k.{key}' },
    { topic: 'keyed', channels: 'all-of-keyed' },
    { topic: 'spread', channels: 's.{key}' },
  ]);
  const home = (key: string, count: number): number => (hashKey('murmur2', Buffer.from(key)) as number) % count;

  test('a record is at home where its key hashes under the count', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.integer({ min: 1, max: 30 }), fc.nat(29), (key, count, partition) => {
        fc.pre(partition < count && isWellFormed(key));
        expect(router.isStray('keyed', partition, recordOf({ key }), count)).toBe(home(key, count) !== partition);
      }),
    );
  });

  test('no key, no keyed route, no topic: no stray', () => {
    expect(router.isStray('keyed', 3, recordOf({ key: null }), 8)).toBe(false);
    for (const partition of [0, 1, 2, 3, 4, 5, 6, 7]) {
      expect(router.isStray('spread', partition, recordOf({ key: 'x' }), 8)).toBe(false);
      expect(router.isStray('elsewhere', partition, recordOf({ key: 'x' }), 8)).toBe(false);
    }
  });
});
