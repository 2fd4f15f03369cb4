import { STATUS_CODES } from 'node:http';
import type { HttpResponse } from 'uWebSockets.js';
import type { RequestSnapshot } from '../protocol/request-snapshot.js';
import type { Cors, HeaderList } from './cors.js';
import { encodeProblem, statusOf } from './problem.js';
import type { Problem } from './problem.js';

export interface WholeAnswer {
  readonly status: number;
  readonly contentType?: string;
  readonly body?: string | Uint8Array;
  readonly headers?: HeaderList;
  /** Answers `HEAD`: the head alone, without a length. */
  readonly headOnly?: boolean;
  readonly closeConnection?: boolean;
}

/**
 * One request and its answer, until the answer is whole or a stream takes over. Made synchronously in the handler, so that a peer that goes
 * away is noticed whatever is awaited; nothing touches the response after that.
 */
export class Exchange {
  readonly request: RequestSnapshot;
  readonly #res: HttpResponse;
  readonly #cors: Cors;
  readonly #onAnswered: (status: number) => void;
  #isOpen = true;
  #onGone: (() => void) | null = null;

  constructor(res: HttpResponse, request: RequestSnapshot, cors: Cors, onAnswered: (status: number) => void) {
    this.#res = res;
    this.request = request;
    this.#cors = cors;
    this.#onAnswered = onAnswered;
    res.onAborted(() => {
      this.#isOpen = false;
      this.#onGone?.();
      this.#onGone = null;
    });
  }

  /** False once it was answered or the peer is gone. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Called once when the peer goes away before the answer was whole. One listener at a time. */
  onGone(listener: (() => void) | null): void {
    this.#onGone = listener;
  }

  /** Reads the body; see `HttpResponse.onData`. Must be called in the handler itself. */
  onData(listener: (chunk: ArrayBuffer, isLast: boolean) => void): void {
    this.#res.onData(listener);
  }

  /** Answers in whole; does nothing when the exchange is over. */
  answer(answer: WholeAnswer): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#onGone = null;
    this.#onAnswered(answer.status);
    const res = this.#res;
    res.cork(() => {
      this.#writeHead(res, answer);
      if (answer.headOnly === true || answer.status === 204) res.endWithoutBody();
      else res.end(answer.body ?? '', answer.closeConnection ?? false);
    });
  }

  refuse(problem: Problem): void {
    const headers: [string, string][] = Object.entries(problem.headers ?? {});
    if (problem.retryAfterSeconds !== undefined) headers.push(['Retry-After', String(Math.ceil(problem.retryAfterSeconds))]);
    this.answer({
      status: statusOf(problem.code),
      contentType: 'application/problem+json',
      body: encodeProblem(problem),
      headers,
      headOnly: this.request.method === 'HEAD',
      closeConnection: problem.closeConnection ?? false,
    });
  }

  /** The CORS headers of this request's answer. */
  corsHeaders(): HeaderList {
    return this.#cors.answerHeaders(this.request);
  }

  /** Gives the response to a stream, which from now on is the only one to touch it. Null when the peer is gone. */
  handOver(): HttpResponse | null {
    if (!this.#isOpen) return null;
    this.#isOpen = false;
    this.#onGone = null;
    this.#onAnswered(200);
    return this.#res;
  }

  #writeHead(res: HttpResponse, answer: WholeAnswer): void {
    res.writeStatus(`${answer.status} ${STATUS_CODES[answer.status] ?? ''}`);
    if (answer.contentType !== undefined) res.writeHeader('Content-Type', answer.contentType);
    res.writeHeader('Cache-Control', 'no-store, no-transform');
    res.writeHeader('Vary', 'Accept, Origin');
    for (const [name, value] of this.#cors.answerHeaders(this.request)) res.writeHeader(name, value);
    for (const [name, value] of answer.headers ?? []) res.writeHeader(name, value);
  }
}
