import type { RequestSnapshot } from '../protocol/request-snapshot.js';
import { compileOrigins } from '../std/match-origin.js';
import type { CorsOptions } from './http-options.js';

export type HeaderList = readonly (readonly [name: string, value: string])[];

/** The CORS headers of answers and of preflights. */
export interface Cors {
  /** Headers for an answer to the request; empty for an origin that is not allowed. */
  answerHeaders(request: RequestSnapshot): HeaderList;
  /** Headers for a preflight, besides those of every answer; `allow` lists the methods of the route. */
  preflightHeaders(request: RequestSnapshot, allow: string): HeaderList;
}

/** Request headers that pages may send, besides `ce-*`. `Last-Event-ID` is safelisted only while short and plain; event-source-polyfill sends `Cache-Control`. */
const allowedHeaders = [
  'Accept',
  'Authorization',
  'Cache-Control',
  'Content-Type',
  'Last-Event-ID',
  'X-Requested-With',
  'Idempotency-Key',
  'If-None-Match',
  'Prefer',
  'X-Request-Id',
  'traceparent',
  'tracestate',
];

/** Answer headers that pages may read. */
const exposedHeaders = [
  'Retry-After',
  'ETag',
  'Preference-Applied',
  'RateLimit',
  'RateLimit-Policy',
  'X-Request-Id',
  'Idempotent-Replayed',
  'WWW-Authenticate',
].join(', ');

const none: HeaderList = [];
const extensionAttribute = /^ce-[a-z0-9]{1,40}$/;
const extensionAttributesMax = 20;

/** Credentials are announced to listed origins alone, never with `*`. */
export function createCors(options: CorsOptions): Cors {
  const { origins } = options;
  const isAllowed = origins === '*' ? null : compileOrigins(origins);
  const expose = ['Access-Control-Expose-Headers', exposedHeaders] as const;
  const openHeaders: HeaderList = [['Access-Control-Allow-Origin', '*'], expose];
  const answerHeaders = (request: RequestSnapshot): HeaderList => {
    const origin = request.headers.get('origin');
    if (origin === undefined) return none;
    if (isAllowed === null) return openHeaders;
    if (!isAllowed(origin)) return none;
    const headers: (readonly [string, string])[] = [['Access-Control-Allow-Origin', origin], expose];
    if (options.credentials) headers.push(['Access-Control-Allow-Credentials', 'true']);
    return headers;
  };
  const preflightHeaders = (request: RequestSnapshot, allow: string): HeaderList => {
    if (answerHeaders(request).length === 0) return none;
    const headers: (readonly [string, string])[] = [
      ['Access-Control-Allow-Methods', allow],
      ['Access-Control-Allow-Headers', allowedHeaders.concat(askedAttributes(request)).join(', ')],
      ['Access-Control-Max-Age', String(options.maxAgeSeconds)],
    ];
    const asksForPrivate = request.headers.get('access-control-request-private-network') === 'true';
    if (options.privateNetwork && asksForPrivate) headers.push(['Access-Control-Allow-Private-Network', 'true']);
    return headers;
  };
  return { answerHeaders, preflightHeaders };
}

/** CloudEvents attributes are headers of any name with this beginning, which no list can hold and `*` does not mean beside credentials. */
function askedAttributes(request: RequestSnapshot): readonly string[] {
  const asked = request.headers.get('access-control-request-headers');
  if (asked === undefined) return [];
  const names = asked.split(',', 100).map((name) => name.trim().toLowerCase());
  return names.filter((name) => extensionAttribute.test(name)).slice(0, extensionAttributesMax);
}
