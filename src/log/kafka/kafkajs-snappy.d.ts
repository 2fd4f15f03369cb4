declare module 'kafkajs-snappy' {
  export default function makeSnappyCodec(): {
    compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>;
    decompress(data: Buffer): Promise<Buffer>;
  };
}
