import { errorCatalogue, type ErrorCode } from '../protocol/error-catalogue.js';
import { schemaRef } from './schemas.js';
import type { JsonObject } from './surface.js';

const text = (description: string): JsonObject => ({ description, schema: { type: 'string' } });

/** Headers of answers, by name. */
export const responseHeaders = {
  'X-Request-Id': text("The request's own where it is sane, else a new one; in the node's lines about the request."),
  'Retry-After': { description: 'Seconds after which to come back.', schema: { type: 'integer', minimum: 0 } },
  'WWW-Authenticate': text('RFC 6750.'),
  'RateLimit-Policy': text('Quotas of the caller (draft-ietf-httpapi-ratelimit-headers).'),
  RateLimit: text('What is left of them.'),
  ETag: text('Of a poll the position, of a document its hash; weak where the body is compressed.'),
  'Preference-Applied': text('`wait=n` as far as `Prefer` was granted (RFC 7240).'),
  'Idempotent-Replayed': text('`true`: the answer to an earlier request with the same key; nothing was published now.'),
  'Set-Cookie': text('The session, or its end.'),
  Allow: text('The methods of the address.'),
} as const satisfies JsonObject;

export type ResponseHeader = keyof typeof responseHeaders;

export const headersOf = (...names: readonly ResponseHeader[]): JsonObject =>
  Object.fromEntries(['X-Request-Id', ...names].map((name) => [name, { $ref: `#/components/headers/${name}` }]));

/** An answer that is no refusal; `content` by media type. */
export function answered(description: string, content: JsonObject | null, ...headers: readonly ResponseHeader[]): JsonObject {
  return { description, headers: headersOf(...headers), ...(content === null ? {} : { content }) };
}

export const jsonContent = (schema: JsonObject): JsonObject => ({ 'application/json': { schema } });

/** The refusals of an operation, by status. */
export function problemResponses(codes: readonly ErrorCode[]): JsonObject {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codes) {
    const { status } = errorCatalogue[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const entries = [...byStatus].sort(([a], [b]) => a - b).map(([status, some]) => [String(status), problemResponse(status, some)] as const);
  return Object.fromEntries(entries);
}

export function problemResponse(status: number, codes: readonly ErrorCode[]): JsonObject {
  const examples = codes.map((code) => [code, { $ref: `#/components/examples/${code}` }] as const);
  const schema = { allOf: [schemaRef('Problem'), { properties: { code: { enum: [...codes] }, status: { const: status } } }] };
  const further: readonly ResponseHeader[] =
    status === 401
      ? ['WWW-Authenticate']
      : status === 429
        ? ['Retry-After', 'RateLimit', 'RateLimit-Policy']
        : status === 503 || status === 409
          ? ['Retry-After']
          : status === 405
            ? ['Allow']
            : [];
  return {
    description: codes.map((code) => `${errorCatalogue[code].title} (\`${code}\`)`).join('; '),
    headers: headersOf(...further),
    content: { 'application/problem+json': { schema, examples: Object.fromEntries(examples) } },
  };
}

/** A problem of each code, for the documents' readers. */
export function problemExamples(): JsonObject {
  return Object.fromEntries(
    Object.entries(errorCatalogue).map(([code, { status, title }]) => [
      code,
      { summary: title, value: { type: `urn:selvage:error:${code}`, title, status, code, detail: title } },
    ]),
  );
}
