import type { NamedStream } from '../admission/named-streams/named-stream.js';
import type { Sink, SinkOwner } from '../hub/sink.js';
import type { CloseCode } from '../protocol/close-catalogue.js';
import { errorCatalogue } from '../protocol/error-catalogue.js';
import type { RequestSnapshot } from '../protocol/request-snapshot.js';
import type { RequestSpan, Tracer } from '../telemetry/tracer.js';
import type { EventStreams, StreamAnswer, StreamHandle } from './event-streams.js';

/**
 * Traces the beginnings of streams: a span from the request to the reader being at the tail (or refused, or gone before that), with the tier that
 * its resume was read from. Only the streams that are sampled have more between them and their socket than others.
 */
export class TracedStreams implements EventStreams {
  readonly #streams: EventStreams;
  readonly #tracer: Pick<Tracer, 'beginRequest'>;

  constructor(streams: EventStreams, tracer: Pick<Tracer, 'beginRequest'>) {
    this.#streams = streams;
    this.#tracer = tracer;
  }

  open(request: RequestSnapshot, stream?: NamedStream): Promise<StreamAnswer> | StreamAnswer {
    const route = stream?.name ?? 'events';
    const fields = { 'http.request.method': request.method, 'selvage.stream.route': route };
    const span = this.#tracer.beginRequest(`${request.method} ${route}`, request.headers, fields);
    if (span === null) return this.#streams.open(request, stream);
    const fail = (error: unknown): never => {
      span.end('internal-error');
      throw error;
    };
    try {
      const answer = this.#streams.open(request, stream);
      return answer instanceof Promise ? answer.then((admitted) => traced(admitted, span), fail) : traced(answer, span);
    } catch (error) {
      return fail(error);
    }
  }
}

/** The answer, with the span ended when what it begins has begun. */
function traced(answer: StreamAnswer, span: RequestSpan): StreamAnswer {
  switch (answer.kind) {
    case 'refused': {
      const { code } = answer.refusal;
      const { status } = errorCatalogue[code];
      span.set({ 'selvage.outcome': code, 'http.response.status_code': status });
      span.end(status >= 500 ? code : undefined);
      return answer;
    }
    case 'ended':
      span.set({ 'selvage.outcome': 'ended', 'http.response.status_code': 204 });
      span.end();
      return answer;
    case 'stream':
      span.mark('admitted');
      return { ...answer, attach: (sink) => attachTraced(answer, sink, span), discard: () => (abandon(span), answer.discard?.()) };
    case 'poll': {
      span.mark('admitted');
      const poll: typeof answer.poll = (signal) =>
        answer.poll(signal).then(
          (result) => {
            span.set({ 'selvage.outcome': 'poll', 'http.response.status_code': 200 });
            span.end();
            return result;
          },
          (error: unknown) => {
            span.end(signal.aborted ? undefined : 'internal-error');
            throw error;
          },
        );
      return { ...answer, poll, discard: () => (abandon(span), answer.discard?.()) };
    }
  }
}

function abandon(span: RequestSpan): void {
  span.set({ 'selvage.outcome': 'abandoned' });
  span.end();
}

function attachTraced(answer: StreamAnswer & { readonly kind: 'stream' }, sink: Sink, span: RequestSpan): SinkOwner & StreamHandle {
  span.set({ 'selvage.outcome': 'stream', 'http.response.status_code': 200 });
  let owner: (SinkOwner & StreamHandle) | null = null;
  let isOver = false;
  const over = (): void => {
    isOver = true;
    // The reader may get there before it is handed over.
    if (owner === null) return;
    const { streamId, resumedFrom } = owner.summary?.() ?? {};
    span.set({
      ...(streamId === undefined ? {} : { 'selvage.stream.id': streamId }),
      ...(resumedFrom === undefined ? {} : { 'selvage.resume.tier': resumedFrom }),
    });
    span.end();
  };
  const told = new TracedSink(sink, over);
  owner = answer.attach(told);
  if (isOver) over();
  const inner = owner;
  return {
    onWritable: () => inner.onWritable(),
    onPeerGone: () => {
      inner.onPeerGone();
      if (!isOver) over();
    },
    close: (code) => inner.close(code),
    ...(inner.summary === undefined ? {} : { summary: inner.summary.bind(inner) }),
  };
}

/** A sink that tells once when the reader is at the tail, or when it is over before that. */
class TracedSink implements Sink {
  readonly #sink: Sink;
  #over: (() => void) | null;

  constructor(sink: Sink, over: () => void) {
    this.#sink = sink;
    this.#over = over;
  }

  write(frames: Uint8Array): boolean {
    return this.#sink.write(frames);
  }

  onLive(): void {
    this.#sink.onLive?.();
    this.#tell();
  }

  end(frames: Uint8Array, code: CloseCode): void {
    this.#sink.end(frames, code);
    this.#tell();
  }

  #tell(): void {
    const over = this.#over;
    this.#over = null;
    over?.();
  }
}
