import { promisify } from 'node:util';
import zlib from 'node:zlib';
import zstdWasm from '@bokuweb/zstd-wasm';

type Transform = (data: Buffer) => Promise<Buffer>;

type NativeTransform = (data: Buffer, options: object, done: (error: Error | null, result: Buffer) => void) => void;

export interface ByteCodec {
  readonly compress: Transform;
  readonly decompress: Transform;
}

/** Largest batch that is unpacked where its frame does not tell a size, or tells one. */
const unpackedBytesMax = 128 * 1024 * 1024;
const firstGuessBytes = 1024 * 1024;

/** Zstandard: Node's own where it has one (22.15 and later), else in WebAssembly. */
export async function makeZstdCodec(): Promise<ByteCodec> {
  const { zstdCompress, zstdDecompress } = zlib as unknown as Partial<Record<'zstdCompress' | 'zstdDecompress', NativeTransform>>;
  if (zstdCompress !== undefined && zstdDecompress !== undefined) {
    const [pack, unpackNatively] = [promisify(zstdCompress), promisify(zstdDecompress)];
    return { compress: (data) => pack(data, {}), decompress: (data) => unpackNatively(data, { maxOutputLength: unpackedBytesMax }) };
  }
  await zstdWasm.init();
  return {
    compress: async (data) => Buffer.from(zstdWasm.compress(data)),
    decompress: async (data) => unpack(data),
  };
}

/** Frames written as a stream (the Java client's) do not tell their size: the room for it is guessed, and doubled until it fits. */
function unpack(data: Buffer): Buffer {
  const told = frameContentSize(data);
  if (told !== null && told > unpackedBytesMax) throw new Error(`a Zstandard frame claims ${told} bytes, more than ${unpackedBytesMax}`);
  if (told !== null) return asBuffer(zstdWasm.decompress(data));
  let lastError: unknown;
  for (let room = Math.max(firstGuessBytes, data.length * 8); room <= unpackedBytesMax; room *= 4) {
    try {
      return asBuffer(zstdWasm.decompress(data, { defaultHeapSize: room }));
    } catch (error) {
      lastError = error;
    }
  }
  throw lastError;
}

const asBuffer = (data: Uint8Array): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

/** The size in a frame's header (RFC 8878 §3.1.1.1), or null where it tells none. */
function frameContentSize(data: Buffer): number | null {
  if (data.length < 6 || data.readUInt32LE(0) !== 0xfd2fb528) throw new Error('not a Zstandard frame');
  const descriptor = data.readUInt8(4);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >>> 6;
  if (sizeFlag === 0 && !isSingleSegment) return null;
  const at = 5 + (isSingleSegment ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] ?? 0);
  if (sizeFlag === 0) return data[at] ?? 0;
  if (sizeFlag === 1) return data.readUInt16LE(at) + 256;
  if (sizeFlag === 2) return data.readUInt32LE(at);
  return Number(data.readBigUInt64LE(at));
}
