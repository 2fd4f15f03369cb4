import { createRequire } from 'node:module';
import kafkajs from 'kafkajs';
import { PackedRecord, VarReader } from '../../protocol/packed-record.js';
import { LogError } from '../event-log.js';
import { knownKafkajsVersion } from './quiet-request-queue.js';

/** What kafkajs asks of a record, to leave out aborted ones and markers. */
interface BatchContext {
  readonly producerId: string;
  readonly inTransaction: boolean;
  readonly isControlBatch: boolean;
}

/** A record as our decoder makes it, in the place of kafkajs' message. Its `offset` is a number. */
export class FetchedRecord extends PackedRecord {
  readonly batchContext: BatchContext;

  constructor(offset: number, timestampMs: number, bytes: Buffer, reader: VarReader, batchContext: BatchContext) {
    super(offset, timestampMs, bytes, reader);
    this.batchContext = batchContext;
  }

  get isControlRecord(): boolean {
    return this.batchContext.isControlBatch;
  }

  /** As kafkajs has it. */
  get timestamp(): string {
    return String(this.timestampMs);
  }
}

/**
 * The records of one answer for a partition, in the order of their offsets. kafkajs filters them three times: by offset, by transaction, by kind. Without
 * transactions and markers each of these holds from some record on to the end, so that the first one is looked for instead.
 */
class FetchedRecords extends Array<FetchedRecord> {
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }

  hasTransactions = false;

  override filter(holds: (record: FetchedRecord, index: number, all: FetchedRecord[]) => unknown): FetchedRecord[] {
    if (this.hasTransactions) return super.filter(holds);
    let from = 0;
    for (let to = this.length; from < to;) {
      const middle = from === 0 ? 0 : (from + to) >>> 1;
      if (holds(this[middle] as FetchedRecord, middle, this)) to = middle;
      else from = middle + 1;
    }
    if (from === 0) return this;
    const rest = new FetchedRecords();
    for (let i = from; i < this.length; i++) rest.push(this[i] as FetchedRecord);
    return rest;
  }
}

/** kafkajs' reader of answers, as far as it is used here. */
interface AnswerReader {
  readInt32(): number;
  canReadBytes(length: number): boolean;
  readBytes(length: number): Buffer;
  offset: number;
}

type DecodeMessages = (reader: AnswerReader) => Promise<readonly unknown[]>;
interface Codec {
  decompress(bytes: Buffer): Promise<Buffer>;
}

const mark = Symbol.for('selvage.fetchedRecords');
const answersFile = 'kafkajs/src/protocol/requests/fetch/v4/decodeMessages';

/**
 * Decodes record batches with our own code instead of kafkajs', which makes a dozen objects of each record: most of what reading a topic costs. Every
 * consumer of this process then gets `FetchedRecord`s. Safe to call again; must be called before the first fetch, because kafkajs loads its
 * decoders then. Throws when kafkajs is not the version that this was written for.
 */
export function useFetchedRecords(): void {
  const require = createRequire(import.meta.url);
  const { version } = require('kafkajs/package.json') as { version: string };
  if (version !== knownKafkajsVersion)
    throw new LogError(`kafkajs ${version} is not ${knownKafkajsVersion}, whose insides are known`, false);
  const decodeOld = require(answersFile) as DecodeMessages & { [mark]?: true };
  if (decodeOld[mark]) return;
  const decode = Object.assign((reader: AnswerReader) => decodeMessages(reader, decodeOld), { [mark]: true });
  const loaded = require.cache[require.resolve(answersFile)];
  if (loaded === undefined) throw new LogError('the decoder of kafkajs cannot be replaced here', false);
  loaded.exports = decode;
}

/** Bytes before the records of a batch: 12 of its place and length, 49 of what they share. */
const prefixBytes = 12;
const sharedBytes = 49;
const magicAt = 16;
/** Bits of a batch's attributes. */
const codecMask = 0x7;
const appendTimeFlag = 0x8;
const transactionalFlag = 0x10;
const controlFlag = 0x20;

/** kafkajs' registry of codecs, by their number in a batch's attributes; 0, uncompressed, has none. */
const codecs = kafkajs.CompressionCodecs as unknown as Readonly<Record<number, (() => Codec) | undefined>>;

async function decodeMessages(reader: AnswerReader, decodeOld: DecodeMessages): Promise<readonly unknown[]> {
  const before = reader.offset;
  const size = reader.readInt32();
  if (size <= 0 || !reader.canReadBytes(size)) return [];
  const bytes = reader.readBytes(size);
  // Message sets as written before Kafka 0.11.
  if (bytes[magicAt] !== 2) {
    reader.offset = before;
    return decodeOld(reader);
  }
  const records = new FetchedRecords();
  let at = 0;
  while (at + prefixBytes + sharedBytes <= size) {
    const end = at + prefixBytes + bytes.readInt32BE(at + 8);
    // The last batch of an answer may be cut off.
    if (end > size) break;
    const attributes = bytes.readInt16BE(at + 21);
    const codec = codecs[attributes & codecMask];
    const count = bytes.readInt32BE(at + 57);
    const packed = bytes.subarray(at + prefixBytes + sharedBytes, end);
    if (codec === undefined && (attributes & codecMask) !== 0)
      throw new LogError(`a batch has the unknown codec ${attributes & codecMask}`, false);
    const unpacked = codec === undefined || count <= 0 ? packed : await codec().decompress(packed);
    if ((attributes & (transactionalFlag | controlFlag)) !== 0) records.hasTransactions = true;
    unpackRecords(unpacked, count, batchAt(bytes, at, attributes), records);
    at = end;
  }
  return records;
}

interface BatchHead {
  readonly baseOffset: number;
  readonly baseTimestampMs: number;
  /** The broker's own time of all records; null: each has its producer's. */
  readonly appendTimeMs: number | null;
  readonly context: BatchContext;
}

function batchAt(bytes: Buffer, at: number, attributes: number): BatchHead {
  return {
    baseOffset: longAt(bytes, at),
    baseTimestampMs: longAt(bytes, at + 27),
    appendTimeMs: (attributes & appendTimeFlag) === 0 ? null : longAt(bytes, at + 35),
    context: {
      producerId: (attributes & (transactionalFlag | controlFlag)) === 0 ? '-1' : bytes.readBigInt64BE(at + 43).toString(),
      inTransaction: (attributes & transactionalFlag) !== 0,
      isControlBatch: (attributes & controlFlag) !== 0,
    },
  };
}

/** A 64-bit number; exact below 2^53. */
function longAt(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 4_294_967_296 + bytes.readUInt32BE(at + 4);
}

function unpackRecords(bytes: Buffer, count: number, head: BatchHead, into: FetchedRecord[]): void {
  const { baseOffset, baseTimestampMs, appendTimeMs, context } = head;
  const reader = new VarReader(bytes, 0);
  for (let i = 0; i < count; i++) {
    const end = reader.readInt() + reader.at;
    reader.at++;
    const timestampMs = baseTimestampMs + reader.readLong();
    const offset = baseOffset + reader.readInt();
    if (!(end <= bytes.length)) throw new LogError(`the batch at offset ${baseOffset} is broken`, true);
    into.push(new FetchedRecord(offset, appendTimeMs ?? timestampMs, bytes, reader, context));
    reader.at = end;
  }
}
