const seed = 0x9747b28c;
const mixer = 0x5bd1e995;

/** Murmur2 exactly as the Java client and kafkajs compute it; a signed 32-bit number. Of the bytes from `start` to `end`. */
export function murmur2(data: Uint8Array, start = 0, end = data.length): number {
  const length = end - start;
  const whole = start + (length & ~3);
  let h = seed ^ length;
  for (let i = start; i < whole; i += 4) {
    let k = (data[i] as number) | ((data[i + 1] as number) << 8) | ((data[i + 2] as number) << 16) | ((data[i + 3] as number) << 24);
    k = Math.imul(k, mixer);
    k ^= k >>> 24;
    h = Math.imul(h, mixer) ^ Math.imul(k, mixer);
  }
  const rest = length & 3;
  if (rest === 3) h ^= (data[whole + 2] as number) << 16;
  if (rest >= 2) h ^= (data[whole + 1] as number) << 8;
  if (rest >= 1) h = Math.imul(h ^ (data[whole] as number), mixer);
  h = Math.imul(h ^ (h >>> 13), mixer);
  return h ^ (h >>> 15);
}
