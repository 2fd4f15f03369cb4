import { crc32 } from 'node:zlib';
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
