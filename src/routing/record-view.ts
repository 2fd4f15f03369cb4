import { isUtf8 } from 'node:buffer';
import type { EncodedPlace } from '../protocol/event-body.js';
import type { EventBodyEncoder } from '../protocol/event-body-codec.js';
import type { LogRecord } from '../protocol/log-record.js';
import { PackedRecord, type Span } from '../protocol/packed-record.js';
import { readStructuredEvent, structuredFormatOf } from './cloud-event.js';
import type { StructuredEvent } from './cloud-event.js';
import { decodeUtf8 } from './decode-utf8.js';
import { readJsonPointer } from './json-pointer.js';
import type { JsonPointer } from './json-pointer.js';
import { ShortTexts } from './short-texts.js';
import { sliceJson } from './json-slice.js';
import type { UndecodableReason } from './router.js';
import type { ValueSource } from './template.js';

/** What a source holds: a text, several (a JSON array), or nothing. */
export type SourceValue = string | readonly (string | undefined)[] | undefined;

const noBytes = new Uint8Array(0);
const noRecord: LogRecord = { offset: 0, timestampMs: 0, key: null, value: null, headers: {} };
/** Names of headers whose bytes are remembered; names come from routes, so there are few. */
const headerNamesMax = 1_024;

/**
 * One record while it is routed. Everything is decoded when first asked for, and once: a route over key and headers never looks into the
 * value. What cannot be decoded reads as missing and sets `failure`, which stands for the whole record. One view serves one record after
 * the other.
 */
export class RecordView {
  failure: UndecodableReason | null = null;
  readonly #valueBytesMax: number;
  readonly #arrayMax: number;
  #record: LogRecord = noRecord;
  #packed: PackedRecord | null = null;
  #key: string | undefined | null = null;
  /** null: not looked at yet; undefined: the value is no structured CloudEvent. */
  #envelope: StructuredEvent | undefined | null = null;
  #text: string | null = null;
  #isParsed = false;
  #document: unknown;
  readonly #headerNames = new Map<string, Uint8Array>();
  readonly #texts = new ShortTexts();
  readonly #span: Span = { start: 0, end: 0 };
  /** The batch of the last packed record, and a view of it. */
  #batch: Buffer | null = null;
  #batchView: DataView = new DataView(noBytes.buffer);

  /** `arrayMax`: how many elements of a JSON array are read at most. */
  constructor(valueBytesMax: number, arrayMax: number) {
    this.#valueBytesMax = valueBytesMax;
    this.#arrayMax = arrayMax;
  }

  /** Turns to another record. */
  look(record: LogRecord): void {
    this.failure = null;
    this.#record = record;
    this.#packed = record instanceof PackedRecord ? record : null;
    this.#key = null;
    this.#envelope = null;
    this.#text = null;
    this.#isParsed = false;
    this.#document = undefined;
  }

  read(source: ValueSource): SourceValue {
    switch (source.kind) {
      case 'key':
        return this.key();
      case 'header':
        return this.header(source.name);
      case 'json':
        return this.json(source.pointer);
    }
  }

  key(): string | undefined {
    if (this.#key === null) this.#key = this.#readKey();
    return this.#key;
  }

  /** The last of repeated headers, as the Java client's `lastHeader`. `ce_*` names are the attributes of a structured CloudEvent, if it is one. */
  header(name: string): string | undefined {
    if (name.startsWith('ce_') && this.#isStructured()) {
      const attribute = attributeText(this.#envelope ?? undefined, name.slice(3));
      if (attribute !== undefined) return attribute;
    }
    return this.#ownHeader(name);
  }

  json(pointer: JsonPointer): SourceValue {
    if (!this.#isParsed) this.#parse();
    const value = readJsonPointer(this.#document, pointer);
    if (!Array.isArray(value)) return this.#scalar(value, pointer, undefined);
    return value.slice(0, this.#arrayMax).map((element, i) => this.#scalar(element, pointer, i));
  }

  /** The source text of the JSON value at `pointer`. */
  slice(pointer: JsonPointer): string | undefined {
    if (!this.#isParsed) this.#parse();
    return this.#document === undefined ? undefined : sliceJson(this.#documentText(), pointer);
  }

  /** The whole data of the event: valid UTF-8 of bounded size, unless `failure` is set. May be a view into the record. */
  data(): Uint8Array {
    if (this.#isStructured()) {
      const data = this.#envelope?.data ?? noBytes;
      return this.#checked(typeof data === 'string' ? Buffer.from(data) : data);
    }
    return this.#checked(this.#record.value ?? noBytes);
  }

  /** Places an event with the whole data, in the usual case that they can be taken as they lie; null: read `data`. */
  placePlain(type: string, encoder: EventBodyEncoder): EncodedPlace | null {
    const packed = this.#packed;
    if (packed === null || packed.valueStart < 0 || this.#isStructured()) return null;
    if (packed.valueEnd - packed.valueStart > this.#valueBytesMax) return null;
    if (this.#batch !== packed.bytes) {
      const { buffer, byteOffset, length } = (this.#batch = packed.bytes);
      this.#batchView = new DataView(buffer, byteOffset, length);
    }
    const place = encoder.placePlain(type, this.#batchView, packed.valueStart, packed.valueEnd - packed.valueStart);
    if (place !== null && !encoder.isLastAscii && !isUtf8(place.block.subarray(place.start, place.start + place.byteLength)))
      this.#fail('invalid-utf8');
    return place;
  }

  #readKey(): string | undefined {
    const packed = this.#packed;
    if (packed === null) return this.#record.key === null ? undefined : this.#decode(this.#record.key);
    return packed.keyStart < 0 ? undefined : this.#decodeAt(packed.bytes, packed.keyStart, packed.keyEnd);
  }

  #ownHeader(name: string): string | undefined {
    if (this.#packed !== null) {
      if (this.#packed.headerCount <= 0) return undefined;
      const isThere = this.#packed.findHeader(this.#headerName(name), this.#span);
      return isThere ? this.#decodeAt(this.#packed.bytes, this.#span.start, this.#span.end) : undefined;
    }
    const { headers } = this.#record;
    if (!Object.hasOwn(headers, name)) return undefined;
    const value = headers[name];
    const bytes = Array.isArray(value) ? (value.at(-1) as Uint8Array | undefined) : (value as Uint8Array | undefined);
    return bytes === undefined ? undefined : this.#decode(bytes);
  }

  #isStructured(): boolean {
    if (this.#envelope !== null) return this.#envelope !== undefined;
    this.#envelope = undefined;
    if (this.#packed !== null && this.#packed.headerCount <= 0) return false;
    // Names as the CloudEvents binding writes them and as HTTP bridges do.
    const contentType = this.#ownHeader('content-type') ?? this.#ownHeader('Content-Type');
    const format = contentType === undefined ? undefined : structuredFormatOf(contentType);
    const value = format === undefined ? null : this.#record.value;
    if (value === null) return false;
    const text = this.#decode(this.#checked(value)) ?? '';
    if (this.failure === null && format === 'json') this.#envelope = readStructuredEvent(text);
    // An envelope of another format cannot be read, and an oversized or broken one has its own reason already.
    if (this.#envelope === undefined) this.#fail('invalid-cloudevent');
    return this.#envelope !== undefined;
  }

  #documentText(): string {
    if (this.#text === null) {
      const text = this.#decode(this.data()) ?? '';
      this.#text = text.startsWith('\ufeff') ? text.slice(1) : text;
    }
    return this.#text;
  }

  #parse(): void {
    this.#isParsed = true;
    if (this.#record.value === null) return;
    const text = this.#documentText();
    if (this.failure !== null) return;
    try {
      this.#document = JSON.parse(text);
    } catch {
      this.#fail('invalid-json');
    }
  }

  /** Text of a string, number or boolean. A number that a double cannot hold is given as written: two ids must never become one channel. */
  #scalar(value: unknown, pointer: JsonPointer, index: number | undefined): string | undefined {
    if (typeof value === 'string') return value;
    if (typeof value === 'boolean') return String(value);
    if (typeof value !== 'number') return undefined;
    const isExact = Number.isSafeInteger(value) || (Number.isFinite(value) && !Number.isInteger(value));
    return isExact ? String(value) : this.slice(index === undefined ? pointer : [...pointer, String(index)]);
  }

  #checked(bytes: Uint8Array): Uint8Array {
    if (bytes.length > this.#valueBytesMax) this.#fail('oversized');
    else if (!isUtf8(bytes)) this.#fail('invalid-utf8');
    else return bytes;
    return noBytes;
  }

  #decode(bytes: Uint8Array): string | undefined {
    return this.#utf8(decodeUtf8(Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)));
  }

  #decodeAt(bytes: Buffer, start: number, end: number): string | undefined {
    return this.#utf8(this.#texts.at(bytes, start, end));
  }

  #utf8(text: string | undefined): string | undefined {
    if (text === undefined) this.#fail('invalid-utf8');
    return text;
  }

  #headerName(name: string): Uint8Array {
    let bytes = this.#headerNames.get(name);
    if (bytes === undefined) {
      if (this.#headerNames.size >= headerNamesMax) this.#headerNames.clear();
      this.#headerNames.set(name, (bytes = Buffer.from(name)));
    }
    return bytes;
  }

  #fail(reason: UndecodableReason): void {
    this.failure ??= reason;
  }
}

function attributeText(envelope: StructuredEvent | undefined, name: string): string | undefined {
  if (envelope === undefined || name === 'data' || name === 'data_base64' || !Object.hasOwn(envelope.attributes, name)) return undefined;
  const value = envelope.attributes[name];
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}
