import { copied, copyPlain, plainBytesMax } from './copy-plain.js';
import { EventBody, layoutOf } from './event-body.js';
import type { EncodedPlace } from './event-body.js';
import { Slabs } from './slabs.js';

const LF = 10;
const CR = 13;
const defaultType = 'message';
const textEncoder = new TextEncoder();

/** `event: <type>` LF and `data: `, for a type with one line of data. */
function prefixOf(type: string): Uint8Array {
  return textEncoder.encode(type === defaultType ? 'data: ' : `event: ${type}\ndata: `);
}

class LastPlace implements EncodedPlace {
  block: Uint8Array = new Uint8Array(0);
  start = 0;
  byteLength = 0;
  layout = 0;
}

/** Remembers the encoded prefix of each type; types come from routes, so there are few, but a template may make many: bounded. */
export class EventBodyEncoder {
  static readonly #typesMax = 1_024;
  readonly #prefixes = new Map<string, Uint8Array>();
  #lastType = defaultType;
  #lastPrefix = prefixOf(defaultType);
  readonly #slabs: Slabs;
  /** Where the last event was put; the next one changes it. */
  readonly #place = new LastPlace();
  /** Whether the data that `placePlain` took last are ASCII; if not, they are still to be checked as UTF-8. */
  isLastAscii = true;

  /** Bodies are cut from `slabs`; default: of the encoder's own. */
  constructor(slabs: Slabs = new Slabs()) {
    this.#slabs = slabs;
  }

  /** `place`, as a body. */
  encode(type: string, data: Uint8Array): EventBody {
    return new EventBody(this.place(type, data));
  }

  /**
   * Encodes an event once; what is returned is good until the next one. `type` holds no CR, LF or NUL; `data` is valid UTF-8 and is copied. CR, LF and CRLF in the data
   * each end a line (the reader sees LF).
   */
  place(type: string, data: Uint8Array): EncodedPlace {
    const prefix = this.#prefix(type);
    if (data.indexOf(LF) < 0 && data.indexOf(CR) < 0) {
      const byteLength = prefix.length + data.length + 1;
      const start = this.#slabs.reserve(byteLength);
      const { block } = this.#slabs;
      block.set(prefix, start);
      block.set(data, start + prefix.length);
      block[start + byteLength - 1] = LF;
      return this.#placed(block, start, byteLength, prefix.length, true);
    }
    return this.#placeLines(prefix, splitLines(data));
  }

  /** `place` for data that lie in a larger buffer, when they are short and one line; null when they are not, for `place` to do it. */
  placePlain(type: string, source: DataView, dataAt: number, dataLength: number): EncodedPlace | null {
    if (dataLength > plainBytesMax) return null;
    const prefix = this.#prefix(type);
    const byteLength = prefix.length + dataLength + 1;
    const start = this.#slabs.reserve(byteLength);
    const { block, view } = this.#slabs;
    const dataStart = start + prefix.length;
    const met = copyPlain(source, dataAt, view, dataStart, dataLength);
    if ((met & copied.control) !== 0) {
      this.#slabs.giveBack(byteLength);
      return null;
    }
    this.isLastAscii = (met & copied.beyondAscii) === 0;
    for (let i = 0; i < prefix.length; i++) block[start + i] = prefix[i] as number;
    block[dataStart + dataLength] = LF;
    return this.#placed(block, start, byteLength, prefix.length, true);
  }

  #placeLines(prefix: Uint8Array, lines: readonly Uint8Array[]): EncodedPlace {
    let byteLength = prefix.length - dataLine.length;
    for (const line of lines) byteLength += dataLine.length + line.length + 1;
    const start = this.#slabs.reserve(byteLength);
    const { block } = this.#slabs;
    block.set(prefix, start);
    let at = start + prefix.length - dataLine.length;
    for (const line of lines) {
      block.set(dataLine, at);
      block.set(line, at + dataLine.length);
      at += dataLine.length + line.length;
      block[at++] = LF;
    }
    return this.#placed(block, start, byteLength, prefix.length, false);
  }

  #placed(block: Uint8Array, start: number, byteLength: number, dataStart: number, isSingleLine: boolean): EncodedPlace {
    const place = this.#place;
    place.block = block;
    place.start = start;
    place.byteLength = byteLength;
    place.layout = layoutOf(dataStart, isSingleLine);
    return place;
  }

  #prefix(type: string): Uint8Array {
    if (type !== this.#lastType) {
      this.#lastPrefix = this.#rememberedPrefix(type);
      this.#lastType = type;
    }
    return this.#lastPrefix;
  }

  #rememberedPrefix(type: string): Uint8Array {
    let prefix = this.#prefixes.get(type);
    if (prefix === undefined) {
      prefix = prefixOf(type);
      if (this.#prefixes.size >= EventBodyEncoder.#typesMax) this.#prefixes.clear();
      this.#prefixes.set(type, prefix);
    }
    return prefix;
  }
}

/** `EventBodyEncoder.encode` for an occasional event. */
export function encodeEventBody(type: string, data: Uint8Array): EventBody {
  return new EventBodyEncoder(new Slabs(0)).encode(type, data);
}

/** The data of an event; its lines are joined by LF, as a reader joins them. */
export function decodeEventData(body: EventBody): Uint8Array {
  const { bytes, dataStart, isSingleLine } = body;
  if (isSingleLine) return bytes.subarray(dataStart, bytes.length - 1);
  const out = new Uint8Array(bytes.length - dataStart);
  let length = 0;
  let start = dataStart;
  for (;;) {
    const end = bytes.indexOf(LF, start);
    out.set(bytes.subarray(start, end), length);
    length += end - start;
    if (end + 1 >= bytes.length) return out.subarray(0, length);
    out[length++] = LF;
    start = end + 1 + dataLine.length;
  }
}

const dataLine = textEncoder.encode('data: ');

function splitLines(data: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  let start = 0;
  for (let i = 0; i < data.length; i++) {
    const byte = data[i];
    if (byte !== LF && byte !== CR) continue;
    lines.push(data.subarray(start, i));
    if (byte === CR && data[i + 1] === LF) i++;
    start = i + 1;
  }
  lines.push(data.subarray(start));
  return lines;
}
