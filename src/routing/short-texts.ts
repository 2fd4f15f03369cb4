import { decodeUtf8 } from './decode-utf8.js';

/** Longer runs are decoded each time. */
const bytesMax = 64;
const slotCount = 4_096;

/**
 * Remembers what short runs of UTF-8 read as: keys and types come again and again, and to ask the engine for a string costs more than to look at
 * a few bytes. The same bytes give the same string, whose hash is then known already. One entry a slot, the newest; 4,096 slots of at most 64
 * bytes, all in one block: what is dear is memory that the processor has not at hand, and an object a slot is several such places.
 */
export class ShortTexts {
  readonly #bytes = new Uint8Array(slotCount * bytesMax);
  readonly #lengths = new Uint8Array(slotCount);
  readonly #texts: string[] = new Array<string>(slotCount).fill('');

  /** `bytes.toString('utf8', start, end)`; undefined when that is not UTF-8. */
  at(bytes: Buffer, start: number, end: number): string | undefined {
    const length = end - start;
    if (length > bytesMax) return decodeUtf8(bytes, start, end);
    let hash = length;
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0;
    const slot = (hash ^ (hash >>> 15)) & (slotCount - 1);
    if (this.#lengths[slot] === length && this.#isIn(slot, bytes, start, length)) return this.#texts[slot];
    const text = decodeUtf8(bytes, start, end);
    if (text === undefined) return undefined;
    this.#bytes.set(bytes.subarray(start, end), slot * bytesMax);
    this.#lengths[slot] = length;
    this.#texts[slot] = text;
    return text;
  }

  #isIn(slot: number, bytes: Uint8Array, start: number, length: number): boolean {
    const own = this.#bytes;
    const at = slot * bytesMax;
    for (let i = 0; i < length; i++) if (own[at + i] !== bytes[start + i]) return false;
    return true;
  }
}
