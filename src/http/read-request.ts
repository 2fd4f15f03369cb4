import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import type { RequestSnapshot } from '../protocol/request-snapshot.js';
import { chooseRequestId } from './request-id.js';
import { parseQuery } from './parse-query.js';
import type { HttpOptions } from './http-options.js';
import type { Problem } from './problem.js';
import { formatRemoteAddress } from './remote-address.js';

/** A request as it was read, and what is wrong with it as such. The snapshot is there either way, for CORS and the route's own answer. */
export interface ReadRequest {
  readonly snapshot: RequestSnapshot;
  readonly problem: Problem | null;
}

const noQuery: ReadonlyMap<string, readonly string[]> = new Map();

/** Copies all that is needed of the request, synchronously: `req` is dead after the handler's first `await`. */
export function readRequest(res: HttpResponse, req: HttpRequest, options: HttpOptions, random: () => number): ReadRequest {
  const path = req.getUrl();
  const queryText = req.getQuery() ?? '';
  const method = req.getCaseSensitiveMethod();
  const { headers, headerBytes } = readHeaders(req);
  const urlBytes = Buffer.byteLength(path) + (queryText === '' ? 0 : 1 + Buffer.byteLength(queryText));
  const query = parseQuery(queryText);
  const snapshot: RequestSnapshot = {
    method,
    path,
    pathParameters: {},
    query: query ?? noQuery,
    headers,
    remoteAddress: readAddress(res, options.proxyProtocol),
    requestId: chooseRequestId(headers.get('x-request-id'), random),
  };
  const headBytes = method.length + urlBytes + headerBytes + requestLineBytes;
  return { snapshot, problem: findProblem(options, urlBytes, headBytes, query !== null) ?? findAmbiguity(headers) };
}

/** What the parser took for PROXY protocol v2 is believed only where a balancer is known to write it; anybody can. */
function readAddress(res: HttpResponse, isProxied: boolean): string {
  const told = isProxied ? formatRemoteAddress(res.getProxiedRemoteAddress()) : '';
  return told === '' ? formatRemoteAddress(res.getRemoteAddress()) : told;
}

/**
 * Where this parser and one in front could see different requests, or different hosts: it takes the first of several lengths, and any transfer
 * coding for `chunked`. (It refuses a length beside a transfer coding by itself.) Values of one header are joined by commas.
 */
function findAmbiguity(headers: ReadonlyMap<string, string>): Problem | null {
  const coding = headers.get('transfer-encoding');
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') return ambiguous('The only transfer coding read here is "chunked".');
  if (headers.get('content-length')?.includes(',') === true) return ambiguous('There is more than one Content-Length.');
  if (headers.get('host')?.includes(',') === true) return ambiguous('There is more than one Host.');
  return null;
}

const ambiguous = (detail: string): Problem => ({ code: 'malformed-request', detail });

/** Two spaces, `HTTP/1.1` and CRLF of the request line, and the empty line. */
const requestLineBytes = 14;

function findProblem(options: HttpOptions, urlBytes: number, headBytes: number, queryIsSound: boolean): Problem | null {
  if (urlBytes > options.urlBytesMax) {
    return { code: 'uri-too-long', detail: `The path and query have ${urlBytes} bytes.`, limit: options.urlBytesMax };
  }
  if (headBytes > options.headerBytesMax) {
    return { code: 'headers-too-large', detail: `The request line and headers have ${headBytes} bytes.`, limit: options.headerBytesMax };
  }
  return queryIsSound ? null : { code: 'malformed-request', detail: 'The query holds an escape that is malformed or not UTF-8.' };
}

function readHeaders(req: HttpRequest): { headers: Map<string, string>; headerBytes: number } {
  const headers = new Map<string, string>();
  let headerBytes = 0;
  req.forEach((name, value) => {
    headerBytes += name.length + Buffer.byteLength(value) + 4;
    const earlier = headers.get(name);
    // RFC 9110 5.3; cookies alone are joined by semicolons (RFC 9113 8.2.3).
    headers.set(name, earlier === undefined ? value : `${earlier}${name === 'cookie' ? '; ' : ', '}${value}`);
  });
  return { headers, headerBytes };
}
