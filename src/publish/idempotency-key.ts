import { createHash } from 'node:crypto';
import type { PublishRequest } from './publisher.js';

const keyLengthMax = 255;
/** An sf-string (RFC 8941 §3.3.3). */
const quoted = /^"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/;
/** What is sent in practice: a bare token, such as a UUID. */
const bare = /^[A-Za-z0-9!#$%&'*+./:=@^_`|~-]+$/;

export type ReadKey = { readonly kind: 'none' } | { readonly kind: 'key'; readonly key: string } | { readonly kind: 'malformed' };

/** Reads `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a quoted string or a bare token of 1 to 255 characters; both of one text are one key. */
export function readIdempotencyKey(headers: ReadonlyMap<string, string>): ReadKey {
  const header = headers.get('idempotency-key');
  if (header === undefined) return { kind: 'none' };
  const text = header.trim();
  const key = quoted.exec(text)?.[1]?.replace(/\\(.)/g, '$1') ?? (bare.test(text) ? text : '');
  return key === '' || key.length > keyLengthMax ? { kind: 'malformed' } : { kind: 'key', key };
}

/** A name for the key that is the caller's own: issuer, tenant and subject are in it. All who are anonymous share one. */
export function scopedKey(key: string, { principal }: PublishRequest): string {
  const { claims, tenant, subject } = principal;
  const issuer = typeof claims['iss'] === 'string' ? claims['iss'] : null;
  return createHash('sha256')
    .update(JSON.stringify([issuer, tenant, subject, key]))
    .digest('hex');
}

/** What makes two requests the same: content type, `ce-` headers and body, byte for byte. */
export function fingerprintOf({ body, contentType, headers }: PublishRequest): string {
  const attributes = [...headers].filter(([name]) => name.startsWith('ce-')).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([contentType.trim().toLowerCase(), attributes]))
    .update('\n')
    .update(body)
    .digest('hex');
}
