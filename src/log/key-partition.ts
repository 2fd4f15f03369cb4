import { murmur2 } from '../std/murmur2.js';

/** The partition that Kafka's Java client and kafkajs choose for a key. */
export function partitionOfKey(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fffffff) % partitionCount;
}
