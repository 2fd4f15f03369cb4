import type { LogRecord, RecordHeaders } from './log-record.js';

/** Bytes with a place in them; reads the variable-length numbers of Kafka's record format. */
export class VarReader {
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  /** A signed number of at most 32 bits. */
  readInt(): number {
    const { bytes } = this;
    let byte = bytes[this.at++] as number;
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    let raw = byte & 0x7f;
    for (let shift = 7; byte >= 0x80 && shift < 35; shift += 7) {
      byte = bytes[this.at++] as number;
      raw |= (byte & 0x7f) << shift;
    }
    return (raw >>> 1) ^ -(raw & 1);
  }

  /** A signed number of at most 64 bits; exact below 2^53. */
  readLong(): number {
    const { bytes } = this;
    let raw = 0;
    let unit = 1;
    let byte: number;
    do {
      byte = bytes[this.at++] as number;
      raw += (byte & 0x7f) * unit;
      unit *= 128;
    } while (byte >= 0x80 && unit < 2 ** 70);
    return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
  }
}

/** Where bytes are. */
export interface Span {
  start: number;
  end: number;
}

/**
 * A record that is still the bytes of its batch: places instead of objects. Most records are routed by their key and copied once, and a view of
 * a few bytes would cost more than both. `key`, `value` and `headers` are made anew at each call.
 */
export class PackedRecord implements LogRecord {
  readonly offset: number;
  readonly timestampMs: number;
  /** The whole batch, not only this record. */
  readonly bytes: Buffer;
  /** -1: there is no key. */
  readonly keyStart: number;
  readonly keyEnd: number;
  /** -1: there is no value. */
  readonly valueStart: number;
  readonly valueEnd: number;
  readonly headerCount: number;
  readonly headersStart: number;

  /** `reader` stands behind the record's offset; it stands behind the record afterwards. */
  constructor(offset: number, timestampMs: number, bytes: Buffer, reader: VarReader) {
    this.offset = offset;
    this.timestampMs = timestampMs;
    this.bytes = bytes;
    const keyLength = reader.readInt();
    this.keyStart = keyLength < 0 ? -1 : reader.at;
    this.keyEnd = keyLength < 0 ? -1 : (reader.at += keyLength);
    const valueLength = reader.readInt();
    this.valueStart = valueLength < 0 ? -1 : reader.at;
    this.valueEnd = valueLength < 0 ? -1 : (reader.at += valueLength);
    this.headerCount = reader.readInt();
    this.headersStart = reader.at;
  }

  get key(): Buffer | null {
    return this.keyStart < 0 ? null : this.bytes.subarray(this.keyStart, this.keyEnd);
  }

  get value(): Buffer | null {
    return this.valueStart < 0 ? null : this.bytes.subarray(this.valueStart, this.valueEnd);
  }

  /** Headers without a value are left out. */
  get headers(): RecordHeaders {
    const headers = Object.create(null) as Record<string, Uint8Array | Uint8Array[]>;
    const reader = new VarReader(this.bytes, this.headersStart);
    for (let i = 0; i < this.headerCount; i++) {
      const nameLength = reader.readInt();
      const name = this.bytes.toString('utf8', reader.at, (reader.at += nameLength));
      const length = reader.readInt();
      if (length < 0) continue;
      const value = this.bytes.subarray(reader.at, (reader.at += length));
      const before = headers[name];
      if (before === undefined) headers[name] = value;
      else if (Array.isArray(before)) before.push(value);
      else headers[name] = [before, value];
    }
    return headers;
  }

  /** Puts where the value of the last header of that name is into `into`; false when there is none. */
  findHeader(name: Uint8Array, into: Span): boolean {
    if (this.headerCount <= 0) return false;
    const { bytes } = this;
    const reader = new VarReader(bytes, this.headersStart);
    let isFound = false;
    for (let i = 0; i < this.headerCount; i++) {
      const nameLength = reader.readInt();
      const nameStart = reader.at;
      reader.at += nameLength;
      const length = reader.readInt();
      if (length < 0) continue;
      if (nameLength === name.length && isAt(bytes, nameStart, name)) {
        isFound = true;
        into.start = reader.at;
        into.end = reader.at + length;
      }
      reader.at += length;
    }
    return isFound;
  }
}

/** Length of a record's value; 0 without one. */
export function valueLengthOf(record: LogRecord): number {
  return record instanceof PackedRecord ? record.valueEnd - record.valueStart : (record.value?.length ?? 0);
}

function isAt(bytes: Uint8Array, start: number, what: Uint8Array): boolean {
  for (let i = 0; i < what.length; i++) if (bytes[start + i] !== what[i]) return false;
  return true;
}
