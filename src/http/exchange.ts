import { STATUS_CODES } from 'node:http';
import type { HttpResponse } from 'uWebSockets.js';
import type { ErrorCode } from '../protocol/error-catalogue.js';
import type { RequestSnapshot } from '../protocol/request-snapshot.js';
import type { Timers } from '../std/clock.js';
import type { LineSubject } from './access-log.js';
import type { Cors, HeaderList } from './cors.js';
import { encodeProblem, statusOf } from './problem.js';
import type { Problem } from './problem.js';
import { announcedBytes, UnreadBody } from './unread-body.js';

export interface WholeAnswer {
  readonly status: number;
  readonly contentType?: string;
  readonly body?: string | Uint8Array;
  readonly headers?: HeaderList;
  /** Answers `HEAD`: the head alone, without a length. */
  readonly headOnly?: boolean;
  readonly closeConnection?: boolean;
  /** The refusal that it tells, for who counts. */
  readonly code?: ErrorCode;
  /** Request headers besides `Accept` and `Origin` that chose this answer. */
  readonly varyAlso?: string;
}

/** What all exchanges of a server share. */
export interface ExchangeShare {
  readonly cors: Cors;
  readonly timers: Timers;
  /** Every connection carries one request. */
  readonly isSingleUse: boolean;
  /** The node is going: no connection is kept. */
  isDraining(): boolean;
  /** Called once, with the status; a stream counts as 200. */
  onAnswered(exchange: Exchange, status: number, code: ErrorCode | null, isStream: boolean): void;
}

/**
 * One request and its answer, until the answer is whole or a stream takes over. Made synchronously in the handler, so that a peer that goes
 * away is noticed whatever is awaited; nothing touches the response after that.
 *
 * An answer that closes its connection goes out in a later turn. uWebSockets.js would otherwise read on in what came with the request and answer
 * that too; while an answer is due it takes a further request as a reason to cut the connection.
 */
export class Exchange {
  readonly request: RequestSnapshot;
  /** For its lines in the log. */
  readonly subject: LineSubject;
  readonly startedTickMs: number;
  readonly #res: HttpResponse;
  readonly #share: ExchangeShare;
  /** Whether an answer may still be given. */
  #isOpen = true;
  #isGone = false;
  /** Null: there is none, or somebody reads it. */
  #unread: UnreadBody | null;
  #onGone: (() => void) | null = null;

  constructor(res: HttpResponse, request: RequestSnapshot, share: ExchangeShare, routeName: string, startedTickMs: number) {
    this.#res = res;
    this.request = request;
    this.#share = share;
    const { requestId, remoteAddress } = request;
    this.subject = { ...(requestId === undefined ? {} : { requestId }), address: remoteAddress, route: routeName };
    this.startedTickMs = startedTickMs;
    const announced = announcedBytes(request);
    this.#unread = announced === 0 ? null : new UnreadBody(res, announced);
    res.onAborted(() => {
      this.#isOpen = false;
      this.#isGone = true;
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
    this.#unread = null;
    this.#res.onData(listener);
  }

  /** Answers in whole, behind a body that nobody reads; does nothing when the exchange is over. */
  answer(answer: WholeAnswer): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#onGone = null;
    if (this.#unread === null) return this.#finish(answer);
    this.#unread.whenOver(this.#share.timers, (isWhole) => this.#finish(isWhole ? answer : { ...answer, closeConnection: true }));
  }

  #finish(answer: WholeAnswer): void {
    if (this.#isGone) return;
    this.#share.onAnswered(this, answer.status, answer.code ?? null, false);
    const mustClose = answer.closeConnection === true || this.#share.isSingleUse;
    if (mustClose) this.#share.timers.soon(() => this.#send(answer, true));
    else this.#send(answer, this.#share.isDraining());
  }

  refuse(problem: Problem): void {
    this.answer({
      status: statusOf(problem.code),
      contentType: 'application/problem+json',
      body: encodeProblem(problem),
      headers: problemHeaders(problem),
      headOnly: this.request.method === 'HEAD',
      closeConnection: problem.closeConnection ?? false,
      code: problem.code,
    });
  }

  /** The headers that this request's answer has whatever it is. */
  commonHeaders(): HeaderList {
    const { requestId } = this.request;
    const cors = this.#share.cors.answerHeaders(this.request);
    return requestId === undefined ? cors : [['X-Request-Id', requestId], ...cors];
  }

  /** Gives the response to a stream, which from now on is the only one to touch it. Null when the peer is gone. */
  handOver(): HttpResponse | null {
    if (!this.#isOpen) return null;
    this.#isOpen = false;
    this.#onGone = null;
    this.#share.onAnswered(this, 200, null, true);
    return this.#res;
  }

  #send(answer: WholeAnswer, closes: boolean): void {
    if (this.#isGone) return;
    const res = this.#res;
    const isBodiless = answer.headOnly === true || answer.status === 204 || answer.status === 304;
    res.cork(() => {
      this.#writeHead(res, answer);
      if (!isBodiless) res.end(answer.body ?? '', closes);
      // The addon cannot close after an answer without a length: one of 0 is told where the connection must not be used again.
      else if (this.#share.isSingleUse) res.end('', true);
      else {
        if (closes) res.writeHeader('Connection', 'close');
        res.endWithoutBody();
      }
    });
  }

  #writeHead(res: HttpResponse, answer: WholeAnswer): void {
    res.writeStatus(`${answer.status} ${STATUS_CODES[answer.status] ?? ''}`);
    if (answer.contentType !== undefined) res.writeHeader('Content-Type', answer.contentType);
    res.writeHeader('Cache-Control', 'no-store, no-transform');
    res.writeHeader('Vary', answer.varyAlso === undefined ? 'Accept, Origin' : `Accept, Origin, ${answer.varyAlso}`);
    for (const [name, value] of this.commonHeaders()) res.writeHeader(name, value);
    for (const [name, value] of answer.headers ?? []) res.writeHeader(name, value);
  }
}

function problemHeaders({ headers, retryAfterSeconds }: Problem): HeaderList {
  const list: [string, string][] = Object.entries(headers ?? {});
  if (retryAfterSeconds !== undefined) list.push(['Retry-After', String(Math.ceil(retryAfterSeconds))]);
  return list;
}
