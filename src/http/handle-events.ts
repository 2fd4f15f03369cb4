import type { NamedStream } from '../admission/named-streams/named-stream.js';
import type { EventStreams, StreamAnswer } from '../subscribe/event-streams.js';
import type { Environment } from '../std/clock.js';
import type { Logger } from '../telemetry/logger.js';
import { answerCompressed } from './answer-compressed.js';
import type { BodyCompressor } from './compress-body.js';
import type { HeaderList } from './cors.js';
import type { Exchange } from './exchange.js';
import { asksForStream, isAcceptable } from './negotiate.js';
import type { Problem } from './problem.js';
import { encodeSoftRefusal, softCodeOf } from './soft-refusal.js';
import { entityTag, readStandardWords } from './standard-words.js';
import type { StandardWords } from './standard-words.js';
import type { StreamBoard } from './stream-board.js';
import { streamContentType } from './stream-head.js';

export interface EventsContext {
  readonly streams: EventStreams;
  readonly board: StreamBoard;
  readonly compressor: BodyCompressor;
  readonly pollWaitSecondsMax: number;
  readonly environment: Environment;
  readonly logger: Logger;
  isDraining(): boolean;
}

type PollAnswer = StreamAnswer & { readonly kind: 'poll' };

/** `GET` and `HEAD` of a stream's address: admits, then streams, polls or refuses. */
export function handleEvents(exchange: Exchange, context: EventsContext, stream?: NamedStream): void {
  if (!isAcceptable(exchange.request)) {
    return exchange.refuse({ code: 'not-acceptable', detail: 'Served are text/event-stream and application/json.' });
  }
  if (context.isDraining())
    return refuse(exchange, context, { code: 'not-ready', detail: 'This node is about to stop.', retryAfterSeconds: 1 });
  if (context.board.isFull)
    return refuse(exchange, context, { code: 'overloaded', detail: 'Too many streams are open.', retryAfterSeconds: 10 });
  const words = readStandardWords(exchange.request, context.pollWaitSecondsMax);
  const fail = (error: unknown): void => {
    context.logger.error('a request for events failed', { error, requestId: exchange.request.requestId });
    exchange.refuse({ code: 'internal-error', detail: 'The request could not be served.' });
  };
  try {
    const answer = context.streams.open(words.request, stream);
    if (!(answer instanceof Promise)) return deliver(exchange, context, answer, words);
    const release = context.board.hold();
    answer
      .finally(release)
      .then((opened) => deliver(exchange, context, opened, words))
      .catch(fail);
  } catch (error) {
    fail(error);
  }
}

function deliver(exchange: Exchange, context: EventsContext, answer: StreamAnswer, words: StandardWords): void {
  if (!exchange.isOpen) return discard(answer);
  const isHead = exchange.request.method === 'HEAD';
  switch (answer.kind) {
    case 'refused':
      return refuse(exchange, context, answer.refusal);
    case 'ended':
      return exchange.answer({ status: 204 });
    case 'stream': {
      const headers = answer.headers ?? [];
      if (isHead) {
        discard(answer);
        return exchange.answer({ status: 200, contentType: streamContentType, headers, headOnly: true });
      }
      return context.board.open(exchange, headers, (sink) => answer.attach(sink));
    }
    case 'poll':
      if (!isHead) return poll(exchange, context, answer, words);
      discard(answer);
      return exchange.answer({ status: 200, contentType: 'application/json', headers: answer.headers ?? [], headOnly: true });
  }
}

function discard(answer: StreamAnswer): void {
  if (answer.kind === 'stream' || answer.kind === 'poll') answer.discard?.();
}

function poll(exchange: Exchange, context: EventsContext, answer: PollAnswer, words: StandardWords): void {
  const gone = new AbortController();
  const release = context.board.hold();
  exchange.onGone(() => gone.abort());
  const headersOf = (position: string, isCompressed: boolean): HeaderList => [
    ['ETag', entityTag(position, isCompressed)],
    ...(words.waitSeconds === null ? [] : [['Preference-Applied', `wait=${words.waitSeconds}`] as const]),
    ...(answer.headers ?? []),
  ];
  answer
    .poll(gone.signal)
    .finally(release)
    .then(
      ({ position, body }) => {
        if (position === words.noneMatch && saysNothing(body)) return exchange.answer({ status: 304, headers: headersOf(position, false) });
        const headers = (isCompressed: boolean): HeaderList => headersOf(position, isCompressed);
        answerCompressed(exchange, { contentType: 'application/json', body, headers }, context.compressor);
      },
      (error: unknown) => {
        if (gone.signal.aborted) return;
        context.logger.error('a poll failed', { error, requestId: exchange.request.requestId });
        exchange.refuse({ code: 'internal-error', detail: 'The poll could not be answered.' });
      },
    );
}

/** No event and no gap. A position holds no quotes, so behind an empty list nothing but the name of a gap looks like one. */
function saysNothing(body: string): boolean {
  return body.startsWith('{"events":[]') && !body.includes('"gap":');
}

function refuse(exchange: Exchange, context: EventsContext, problem: Problem): void {
  const closeConnection = context.isDraining();
  const softCode = asksForStream(exchange.request) ? softCodeOf(problem.code) : null;
  if (softCode === null) return exchange.refuse({ ...problem, closeConnection });
  exchange.answer({
    status: 200,
    contentType: streamContentType,
    headers: [['X-Accel-Buffering', 'no'], ...Object.entries(problem.headers ?? {})],
    body: encodeSoftRefusal(softCode, (problem.retryAfterSeconds ?? 0) * 1_000, context.environment.random()),
    headOnly: exchange.request.method === 'HEAD',
    closeConnection,
    code: problem.code,
  });
}
