/** Longer runs are decoded each time. */
const bytesMax = 64;
const slotCount = 4_096;

interface Slot {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/**
 * Remembers what short runs of UTF-8 read as: keys and types come again and again, and to ask the engine for a string costs more than to look at a few bytes. The
 * same bytes give the same string, whose hash is then known already. One entry a slot, the newest; 4,096 slots of at most 64 bytes.
 */
export class ShortTexts {
  readonly #slots: (Slot | undefined)[] = new Array<Slot | undefined>(slotCount).fill(undefined);

  /** `bytes.toString('utf8', start, end)`. */
  at(bytes: Buffer, start: number, end: number): string {
    const length = end - start;
    if (length > bytesMax) return bytes.toString('utf8', start, end);
    let hash = length;
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0;
    const at = (hash ^ (hash >>> 15)) & (slotCount - 1);
    const slot = this.#slots[at];
    if (slot !== undefined && isSame(slot.bytes, bytes, start, length)) return slot.text;
    const text = bytes.toString('utf8', start, end);
    this.#slots[at] = { bytes: Uint8Array.prototype.slice.call(bytes, start, end), text };
    return text;
  }
}

function isSame(own: Uint8Array, bytes: Buffer, start: number, length: number): boolean {
  if (own.length !== length) return false;
  for (let i = 0; i < length; i++) if (own[i] !== bytes[start + i]) return false;
  return true;
}
