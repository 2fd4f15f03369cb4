import type { RequestSnapshot } from '../protocol/request-snapshot.js';
import type { CorsOptions } from './http-options.js';

export type HeaderList = readonly (readonly [name: string, value: string])[];

/** The CORS headers of answers and of preflights. */
export interface Cors {
  /** Headers for an answer to the request; empty for an origin that is not allowed. */
  answerHeaders(request: RequestSnapshot): HeaderList;
  /** Headers for a preflight, besides those of every answer; `allow` lists the methods of the route. */
  preflightHeaders(request: RequestSnapshot, allow: string): HeaderList;
}

// `Last-Event-ID` is safelisted only while short and plain; `Cache-Control` is sent by event-source-polyfill.
const allowedHeaders = 'Accept, Authorization, Cache-Control, Content-Type, Last-Event-ID, X-Requested-With';
const none: HeaderList = [];

/** Credentials are announced to listed origins alone, never with `*`. */
export function createCors(options: CorsOptions): Cors {
  const { origins } = options;
  const listed = origins === '*' ? null : new Set(origins);
  const openHeaders: HeaderList = [
    ['Access-Control-Allow-Origin', '*'],
    ['Access-Control-Expose-Headers', 'Retry-After'],
  ];
  const answerHeaders = (request: RequestSnapshot): HeaderList => {
    const origin = request.headers.get('origin');
    if (origin === undefined) return none;
    if (listed === null) return openHeaders;
    if (!listed.has(origin)) return none;
    const headers: [string, string][] = [
      ['Access-Control-Allow-Origin', origin],
      ['Access-Control-Expose-Headers', 'Retry-After'],
    ];
    if (options.credentials) headers.push(['Access-Control-Allow-Credentials', 'true']);
    return headers;
  };
  const preflightHeaders = (request: RequestSnapshot, allow: string): HeaderList => {
    if (answerHeaders(request).length === 0) return none;
    return [
      ['Access-Control-Allow-Methods', allow],
      ['Access-Control-Allow-Headers', allowedHeaders],
      ['Access-Control-Max-Age', String(options.maxAgeSeconds)],
    ];
  };
  return { answerHeaders, preflightHeaders };
}
