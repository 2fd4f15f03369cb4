const multiplier = 0x5bd1e995;
const seed = 0x9747b28c | 0;

/** murmur2 of Kafka's Java client, as a signed 32-bit number. */
export function murmur2(key: Uint8Array): number {
  const words = key.length >>> 2;
  let hash = seed ^ key.length;
  for (let word = 0; word < words; word++) {
    const at = word << 2;
    let part = byteAt(key, at) | (byteAt(key, at + 1) << 8) | (byteAt(key, at + 2) << 16) | (byteAt(key, at + 3) << 24);
    part = Math.imul(part, multiplier);
    part ^= part >>> 24;
    hash = Math.imul(hash, multiplier) ^ Math.imul(part, multiplier);
  }
  const rest = words << 2;
  const left = key.length - rest;
  if (left > 2) hash ^= byteAt(key, rest + 2) << 16;
  if (left > 1) hash ^= byteAt(key, rest + 1) << 8;
  if (left > 0) hash = Math.imul(hash ^ byteAt(key, rest), multiplier);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, multiplier);
  return hash ^ (hash >>> 15);
}

const byteAt = (bytes: Uint8Array, index: number): number => bytes[index] ?? 0;

/** The partition that Kafka's Java client and kafkajs choose for a key. */
export function partitionOfKey(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fffffff) % partitionCount;
}
