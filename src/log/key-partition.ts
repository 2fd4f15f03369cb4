import { crc32 } from 'node:zlib';
import { murmur2 } from '../std/murmur2.js';

/** How a key chooses its partition: as Kafka's Java client and kafkajs do, or as librdkafka does. */
export type PartitionHash = 'murmur2' | 'crc32';

/** The partition of a key. An empty key has one here under `crc32`, too, though librdkafka spreads such records. */
export function partitionOfKey(key: Uint8Array, partitionCount: number, hash: PartitionHash = 'murmur2'): number {
  return (hash === 'crc32' ? crc32(key) >>> 0 : murmur2(key) & 0x7fffffff) % partitionCount;
}
