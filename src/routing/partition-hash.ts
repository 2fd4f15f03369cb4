import { crc32 } from 'node:zlib';
import type { LogRecord } from '../protocol/log-record.js';
import { PackedRecord } from '../protocol/packed-record.js';
import { murmur2 } from '../std/murmur2.js';

/** How a keyed topic's producers choose a partition. */
export type KeyHash = 'murmur2' | 'crc32';

/**
 * A non-negative number whose remainder by the partition count is the partition of the key.
 *
 * `murmur2`: `toPositive(murmur2(key)) % n`, the default of the Java client and kafkajs; an empty key is hashed like any other.
 * `crc32`: `crc32(key) % n`, librdkafka's `consistent` and, for keys that are not empty, its default `consistent_random`. An empty key
 * has no one partition there: null.
 */
export function hashKey(hash: KeyHash, key: Uint8Array): number | null {
  if (hash === 'murmur2') return murmur2(key) & 0x7fffffff;
  return key.length === 0 ? null : crc32(key) >>> 0;
}

/** `hashKey` of the record's key; null for a record without one. */
export function hashKeyOf(hash: KeyHash, record: LogRecord): number | null {
  if (hash === 'murmur2' && record instanceof PackedRecord) {
    return record.keyStart < 0 ? null : murmur2(record.bytes, record.keyStart, record.keyEnd) & 0x7fffffff;
  }
  return record.key === null ? null : hashKey(hash, record.key);
}
