import type { AccessLogOptions } from './access-log.js';

/** Which browsers' pages may read answers. */
export interface CorsOptions {
  /** Origins such as `https://app.example.com` or `https://*.example.com`, or `*` for all. Default: none. */
  readonly origins: readonly string[] | '*';
  /** Lets pages send cookies; never together with `*`. Default false. */
  readonly credentials: boolean;
  /** How long a browser may remember a preflight. Default 7200. */
  readonly maxAgeSeconds: number;
  /** Answers `Access-Control-Request-Private-Network`. Default false. */
  readonly privateNetwork: boolean;
}

/** PEM files; read again when they change. */
export interface HttpTlsOptions {
  readonly certFile: string;
  readonly keyFile: string;
}

export interface HttpOptions {
  /** Address to listen on. Default empty: all, IPv6 and IPv4. */
  readonly host: string;
  /** 0 picks a free one. Default 8080. */
  readonly port: number;
  /** Put before every path; empty or like `/fabric`. Default empty. */
  readonly basePath: string;
  readonly cors: CorsOptions;
  /** Null: plain HTTP. */
  readonly tls: HttpTlsOptions | null;
  /** Believes PROXY protocol v2, and takes one request a connection. Default false. */
  readonly proxyProtocol: boolean;
  /** Connections at a time, whatever they have asked; more are cut. 0: a tenth more than `streamsMax`, and 1000. Default 0. */
  readonly socketsMax: number;
  /** Polls and documents from here on are compressed; 0: none. Default 1024. */
  readonly compressBytesMin: number;
  /** Most seconds that `Prefer: wait=` is granted. Default 25. */
  readonly pollWaitSecondsMax: number;
  readonly log: AccessLogOptions;
  /** Longest path with its query. Default 8192. */
  readonly urlBytesMax: number;
  /** Most bytes of a request line and its headers. Default 16384. */
  readonly headerBytesMax: number;
  /** Longest body of a publish. Default 1 MiB. */
  readonly bodyBytesMax: number;
  /** A body must have arrived whole by then. Default 10000; uWebSockets.js itself gives up on a body that pauses for 10 s. */
  readonly bodyTimeoutMs: number;
  /** Publishes under way at a time; more are told `overloaded`. Default 1000. */
  readonly publishesPendingMax: number;
  /** Open streams, pending polls and admissions at a time, together; more are told `overloaded`. Default 100000. */
  readonly streamsMax: number;
}

export const defaultHttpOptions: HttpOptions = {
  host: '',
  port: 8080,
  basePath: '',
  cors: { origins: [], credentials: false, maxAgeSeconds: 7_200, privateNetwork: false },
  tls: null,
  proxyProtocol: false,
  socketsMax: 0,
  compressBytesMin: 1_024,
  pollWaitSecondsMax: 25,
  log: { sampleRate: 0.01, refusalsPerSecondMax: 10 },
  urlBytesMax: 8_192,
  headerBytesMax: 16_384,
  bodyBytesMax: 1_048_576,
  bodyTimeoutMs: 10_000,
  publishesPendingMax: 1_000,
  streamsMax: 100_000,
};

/** What is wrong with the options, naming the option; null when nothing is. */
export function findHttpOptionsFault(options: HttpOptions): string | null {
  if (options.cors.origins === '*' && options.cors.credentials) return 'cors.credentials: cannot be combined with cors.origins "*"';
  if (options.basePath !== '' && !/^(\/[A-Za-z0-9._~-]+)+$/.test(options.basePath)) {
    return 'basePath: must be empty or like "/fabric", without a slash at the end';
  }
  if (options.headerBytesMax > 16_384) return 'headerBytesMax: at most 16384, the bound of heads that arrive in pieces';
  return null;
}
