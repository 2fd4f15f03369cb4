import { createHash } from 'node:crypto';
import type { Logger } from '../telemetry/logger.js';
import { chooseCoding } from './compress-body.js';
import type { BodyCompressor, ContentCoding } from './compress-body.js';
import type { Exchange } from './exchange.js';
import { entityTag } from './standard-words.js';

/** An address of the server, for those who describe it. */
export interface ServedRoute {
  readonly name: string;
  /** Without the base path; values stand as `{name}`. */
  readonly path: string;
  /** In upper case, without `OPTIONS`. */
  readonly methods: readonly string[];
}

/** Makes the documents that describe what is served, from what is served. */
export interface DocumentMakers {
  /** OpenAPI, as JSON text. */
  openapi(routes: readonly ServedRoute[]): string;
  /** AsyncAPI, as JSON text. */
  asyncapi(routes: readonly ServedRoute[]): string;
}

interface Made {
  readonly text: string;
  readonly hash: string;
  readonly compressed: Map<ContentCoding, Uint8Array>;
}

/** `GET` and `HEAD` of a document: made when it is first asked for, then kept, and its compressed forms too. */
export function createDocumentHandler(make: () => string, compressor: BodyCompressor, logger: Logger): (exchange: Exchange) => void {
  let made: Made | null = null;
  return (exchange) => {
    try {
      made ??= keep(make());
    } catch (error) {
      logger.error('a document could not be made', { error });
      return exchange.refuse({ code: 'internal-error', detail: 'The document could not be made.' });
    }
    const { text, hash, compressed } = made;
    const { method, headers } = exchange.request;
    const tell = (bytes: string | Uint8Array, coding: ContentCoding | null): void =>
      exchange.answer({
        status: 200,
        contentType: 'application/json',
        body: bytes,
        headers: [['ETag', entityTag(hash, coding !== null)], ...(coding === null ? [] : [['Content-Encoding', coding] as const])],
        headOnly: method === 'HEAD',
        varyAlso: 'Accept-Encoding',
      });
    if (names(headers.get('if-none-match'), hash)) {
      return exchange.answer({ status: 304, headers: [['ETag', entityTag(hash, false)]], varyAlso: 'Accept-Encoding' });
    }
    const acceptEncoding = headers.get('accept-encoding');
    const coding = chooseCoding(acceptEncoding);
    const known = coding === null ? undefined : compressed.get(coding);
    if (known !== undefined) return tell(known, coding);
    const compressing = compressor.compress(text, acceptEncoding);
    if (compressing === null) return tell(text, null);
    void compressing.then((done) => {
      if (done === null) return tell(text, null);
      compressed.set(done.coding, done.bytes);
      tell(done.bytes, done.coding);
    });
  };
}

function keep(text: string): Made {
  const hash = createHash('sha256').update(text).digest('base64url').slice(0, 22);
  return { text, hash, compressed: new Map() };
}

/** `If-None-Match` compares weakly (RFC 9110, 13.1.2). */
function names(header: string | undefined, hash: string): boolean {
  const tags = (header ?? '').split(',', 20).map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(`"${hash}"`) || tags.includes('*');
}
