/**
 * All that is read from a request, copied before the handler returns: the transport's own object is dead after the first `await`.
 * Header names are lower case; a header or parameter given several times keeps every value in order.
 */
export interface RequestSnapshot {
  readonly method: string;
  /** Without the query, percent-encoding kept. */
  readonly path: string;
  /** Parameters named in the route's URL shape, decoded. */
  readonly pathParameters: Readonly<Record<string, string>>;
  /** Decoded; a malformed escape makes the request a 400 before this exists. */
  readonly query: ReadonlyMap<string, readonly string[]>;
  readonly headers: ReadonlyMap<string, string>;
  /** The client's address as text: the peer's, or what trusted proxies tell of it. */
  readonly remoteAddress: string;
  /** Names the request in answers and log lines; absent where no server stands before the request story. */
  readonly requestId?: string;
}
