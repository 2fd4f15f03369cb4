import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AdminHead } from './admin-guard.js';
import { parseQuery } from './parse-query.js';
import { encodeProblem, statusOf } from './problem.js';
import type { Problem } from './problem.js';

/** One request to the admin port and its answer. */
export class AdminExchange implements AdminHead {
  readonly method: string;
  readonly path: string;
  /** Null: it holds a malformed escape. */
  readonly query: ReadonlyMap<string, readonly string[]> | null;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;

  constructor(request: IncomingMessage, response: ServerResponse) {
    const [path = '', ...query] = (request.url ?? '').split('?');
    this.#request = request;
    this.#response = response;
    this.method = request.method ?? '';
    this.path = path;
    this.query = parseQuery(query.join('?'));
  }

  header(name: string): string | undefined {
    const value = this.#request.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  /** The body, or what is wrong with it. Rejects when the peer goes away; the server's own time-out bounds how long it takes. */
  async readBody(bytesMax: number): Promise<Uint8Array | Problem> {
    const tooLarge: Problem = {
      code: 'body-too-large',
      detail: `A body has at most ${bytesMax} bytes.`,
      limit: bytesMax,
      closeConnection: true,
    };
    if (Number(this.header('content-length') ?? 0) > bytesMax) return tooLarge;
    const chunks: Uint8Array[] = [];
    let byteCount = 0;
    for await (const chunk of this.#request as AsyncIterable<Uint8Array>) {
      byteCount += chunk.length;
      if (byteCount > bytesMax) return tooLarge;
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  answerJson(value: unknown, status = 200): void {
    this.send(status, 'application/json', JSON.stringify(value));
  }

  refuse(problem: Problem): void {
    const { headers = {}, retryAfterSeconds, closeConnection } = problem;
    this.send(statusOf(problem.code), 'application/problem+json', encodeProblem(problem), {
      ...headers,
      ...(retryAfterSeconds === undefined ? {} : { 'Retry-After': String(Math.ceil(retryAfterSeconds)) }),
      ...(closeConnection === true ? { Connection: 'close' } : {}),
    });
  }

  send(status: number, contentType: string, body: string, headers: Readonly<Record<string, string>> = {}): void {
    if (this.#response.headersSent || this.#response.destroyed) return;
    this.#response.writeHead(status, {
      'Content-Type': contentType,
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      'Content-Length': Buffer.byteLength(body),
      ...headers,
    });
    this.#response.end(this.method === 'HEAD' ? undefined : body);
  }
}
