import { fragmentedHeadBytesMax } from './load-uws.js';
import { readProxyHeader } from './read-proxy-header.js';
import type { ProxiedSource } from './read-proxy-header.js';

export type GatheredHead =
  | { readonly kind: 'partial' }
  /** `bytes` begin with the request line and hold all that was read since. */
  | { readonly kind: 'whole'; readonly source: ProxiedSource | null; readonly bytes: Buffer }
  | { readonly kind: 'faulty'; readonly reason: string }
  /** Without an end within the bound. */
  | { readonly kind: 'too-large' };

const headEnd = Buffer.from('\r\n\r\n');
const partial: GatheredHead = { kind: 'partial' };

/** Puts together what arrives in pieces of any size: PROXY protocol v2, and the head of the first request. Holds what it was given until the head is whole. */
export class HeadGatherer {
  #bytes: Buffer = Buffer.alloc(0);
  #source: ProxiedSource | null = null;
  #hasHeader = false;
  /** Up to here no end of the head begins. */
  #searchedTo = 0;

  take(chunk: Buffer): GatheredHead {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    if (!this.#hasHeader) {
      const reading = readProxyHeader(this.#bytes);
      if (reading.kind !== 'whole') return reading;
      this.#hasHeader = true;
      this.#source = reading.source;
      this.#bytes = this.#bytes.subarray(reading.end);
    }
    return this.#findEnd();
  }

  #findEnd(): GatheredHead {
    const bytes = this.#bytes;
    const first = bytes[0];
    if (first === undefined) return partial;
    // A method begins with a letter. Empty lines in front would end the "head" early, and a further PROXY header begins with them.
    if (!isLetter(first)) return { kind: 'faulty', reason: 'no request behind the PROXY header' };
    const end = bytes.indexOf(headEnd, this.#searchedTo);
    if (end > fragmentedHeadBytesMax || (end < 0 && bytes.length > fragmentedHeadBytesMax)) return { kind: 'too-large' };
    if (end >= 0) return { kind: 'whole', source: this.#source, bytes };
    this.#searchedTo = Math.max(0, bytes.length - headEnd.length + 1);
    return partial;
  }
}

const isLetter = (byte: number): boolean => (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
