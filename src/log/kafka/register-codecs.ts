import kafkajs from 'kafkajs';
import makeSnappy from 'kafkajs-snappy';
import lz4 from 'lz4-napi';
import { LogError } from '../event-log.js';
import { makeZstdCodec } from './zstd-codec.js';

/** kafkajs hands over what it encoded, or the bytes that it read. */
interface KafkajsCodec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>;
  decompress(data: Buffer): Promise<Buffer>;
}

/** Where kafkajs' own registry of codecs, one a process, remembers that it is complete: WebAssembly must not be started twice. */
const mark = Symbol.for('selvage.codecsRegistered');

/**
 * Registers every codec that Kafka knows with kafkajs, and checks each in both directions: a batch in a codec that is not registered crashes a
 * consumer for good. gzip is built in. Safe to call again. Rejects with a `LogError` that names the codec.
 */
export function registerCodecs(): Promise<void> {
  const registry = kafkajs.CompressionCodecs as { [mark]?: Promise<void> };
  registry[mark] ??= register();
  return registry[mark];
}

async function register(): Promise<void> {
  const { CompressionCodecs: codecs, CompressionTypes: types } = kafkajs;
  const zstd = await makeZstdCodec();
  const lz4Codec: KafkajsCodec = {
    compress: ({ buffer }) => lz4.compressFrame(buffer),
    decompress: (data) => lz4.decompressFrame(data),
  };
  const zstdCodec: KafkajsCodec = { compress: ({ buffer }) => zstd.compress(buffer), decompress: (data) => zstd.decompress(data) };
  codecs[types.Snappy] = makeSnappy;
  codecs[types.LZ4] = () => lz4Codec;
  codecs[types.ZSTD] = () => zstdCodec;
  const sample = Buffer.from('the bytes that went in must come out '.repeat(100));
  for (const [name, type] of Object.entries({ gzip: types.GZIP, snappy: types.Snappy, lz4: types.LZ4, zstd: types.ZSTD })) {
    const codec = codecs[type as 1 | 2 | 3 | 4]() as KafkajsCodec;
    const back = await Promise.resolve()
      .then(async () => codec.decompress(await codec.compress({ buffer: sample })))
      .catch((error: unknown) => {
        throw new LogError(`the codec ${name} does not work here`, false, { cause: error });
      });
    if (!Buffer.from(back).equals(sample)) throw new LogError(`the codec ${name} does not give back what went in`, false);
  }
}
