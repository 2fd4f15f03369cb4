import type { BodyCompressor } from './compress-body.js';
import type { HeaderList } from './cors.js';
import type { Exchange } from './exchange.js';

export interface TextAnswer {
  readonly contentType: string;
  readonly body: string;
  /** Headers, once it is known whether the body is compressed. */
  headers?(isCompressed: boolean): HeaderList;
}

/** Answers 200 with a text, in gzip or brotli where the client takes it and it is worth it. For polls and documents; streams are never compressed. */
export function answerCompressed(exchange: Exchange, answer: TextAnswer, compressor: BodyCompressor): void {
  const { contentType, body } = answer;
  const headOnly = exchange.request.method === 'HEAD';
  const base = { status: 200, contentType, varyAlso: 'Accept-Encoding', headOnly };
  const plain = (): void => exchange.answer({ ...base, body, headers: answer.headers?.(false) ?? [] });
  const compressing = headOnly ? null : compressor.compress(body, exchange.request.headers.get('accept-encoding'));
  if (compressing === null) return plain();
  void compressing.then((compressed) => {
    if (compressed === null) return plain();
    const headers: HeaderList = [['Content-Encoding', compressed.coding], ...(answer.headers?.(true) ?? [])];
    exchange.answer({ ...base, body: compressed.bytes, headers });
  });
}
