import type { EventStreams, StreamAnswer } from '../subscribe/event-streams.js';
import type { Environment } from '../std/clock.js';
import type { Logger } from '../telemetry/logger.js';
import type { Exchange } from './exchange.js';
import { asksForStream, isAcceptable } from './negotiate.js';
import type { Problem } from './problem.js';
import { encodeSoftRefusal, softCodeOf } from './soft-refusal.js';
import type { StreamBoard } from './stream-board.js';
import { streamContentType } from './stream-head.js';

export interface EventsContext {
  readonly streams: EventStreams;
  readonly board: StreamBoard;
  readonly environment: Environment;
  readonly logger: Logger;
  isDraining(): boolean;
}

/** `GET` and `HEAD` of a stream's address: admits, then streams, polls or refuses. */
export function handleEvents(exchange: Exchange, context: EventsContext): void {
  if (!isAcceptable(exchange.request)) {
    return exchange.refuse({ code: 'not-acceptable', detail: 'Served are text/event-stream and application/json.' });
  }
  if (context.isDraining())
    return refuse(exchange, context, { code: 'not-ready', detail: 'This node is about to stop.', retryAfterSeconds: 1 });
  if (context.board.isFull)
    return refuse(exchange, context, { code: 'overloaded', detail: 'Too many streams are open.', retryAfterSeconds: 10 });
  const fail = (error: unknown): void => {
    context.logger.error('a request for events failed', { error });
    exchange.refuse({ code: 'internal-error', detail: 'The request could not be served.' });
  };
  try {
    const answer = context.streams.open(exchange.request);
    if (!(answer instanceof Promise)) return deliver(exchange, context, answer);
    const release = context.board.hold();
    answer
      .finally(release)
      .then((opened) => deliver(exchange, context, opened))
      .catch(fail);
  } catch (error) {
    fail(error);
  }
}

function deliver(exchange: Exchange, context: EventsContext, answer: StreamAnswer): void {
  if (!exchange.isOpen) return;
  switch (answer.kind) {
    case 'refused':
      return refuse(exchange, context, answer.refusal);
    case 'ended':
      return exchange.answer({ status: 204 });
    case 'stream':
      return exchange.request.method === 'HEAD'
        ? exchange.answer({ status: 200, contentType: streamContentType, headOnly: true })
        : context.board.open(exchange, (sink) => answer.attach(sink));
    case 'poll':
      return exchange.request.method === 'HEAD'
        ? exchange.answer({ status: 200, contentType: 'application/json', headOnly: true })
        : poll(exchange, context, answer);
  }
}

function poll(exchange: Exchange, context: EventsContext, answer: StreamAnswer & { kind: 'poll' }): void {
  const gone = new AbortController();
  const release = context.board.hold();
  exchange.onGone(() => gone.abort());
  answer
    .poll(gone.signal)
    .finally(release)
    .then(
      ({ body }) => exchange.answer({ status: 200, contentType: 'application/json', body, closeConnection: context.isDraining() }),
      (error: unknown) => {
        if (gone.signal.aborted) return;
        context.logger.error('a poll failed', { error });
        exchange.refuse({ code: 'internal-error', detail: 'The poll could not be answered.' });
      },
    );
}

function refuse(exchange: Exchange, context: EventsContext, problem: Problem): void {
  const closeConnection = context.isDraining();
  const softCode = asksForStream(exchange.request) ? softCodeOf(problem.code) : null;
  if (softCode === null) return exchange.refuse({ ...problem, closeConnection });
  exchange.answer({
    status: 200,
    contentType: streamContentType,
    headers: [['X-Accel-Buffering', 'no']],
    body: encodeSoftRefusal(softCode, (problem.retryAfterSeconds ?? 0) * 1_000, context.environment.random()),
    headOnly: exchange.request.method === 'HEAD',
    closeConnection,
  });
}
