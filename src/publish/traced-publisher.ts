import { errorCatalogue } from '../protocol/error-catalogue.js';
import type { RequestSpan, Tracer } from '../telemetry/tracer.js';
import type { PublishAnswer, Publisher, PublishRequest } from './publisher.js';

/** Traces another publisher: a span from the body having been read to the answer, whose context the records carry instead of the caller's. */
export class TracedPublisher implements Publisher {
  readonly #publisher: Publisher;
  readonly #tracer: Pick<Tracer, 'beginRequest'>;

  constructor(publisher: Publisher, tracer: Pick<Tracer, 'beginRequest'>) {
    this.#publisher = publisher;
    this.#tracer = tracer;
  }

  async publish(request: PublishRequest): Promise<PublishAnswer> {
    const fields = { 'http.request.method': 'POST', 'http.route': '/v1/publish', 'http.request.body.size': request.body.length };
    const span = this.#tracer.beginRequest('POST /v1/publish', request.headers, fields);
    if (span === null) return this.#publisher.publish(request);
    try {
      const headers = new Map(request.headers).set('traceparent', span.traceparent);
      const answer = await this.#publisher.publish({ ...request, headers });
      tell(span, answer);
      return answer;
    } catch (error) {
      span.end('internal-error');
      throw error;
    }
  }
}

function tell(span: RequestSpan, answer: PublishAnswer): void {
  span.set({ 'selvage.publish.replay': answer.isReplay });
  if (answer.kind === 'refused') {
    const { code } = answer.refusal;
    const { status } = errorCatalogue[code];
    span.set({ 'http.response.status_code': status, 'selvage.outcome': code });
    return span.end(status >= 500 ? code : undefined);
  }
  const { status, results } = answer;
  const faults = results.flatMap((result) => ('error' in result ? [result.error] : []));
  const accepted = results.length - faults.length;
  span.set({
    'http.response.status_code': status,
    'selvage.outcome': 'answered',
    'selvage.publish.events': results.length,
    'selvage.publish.accepted': accepted,
  });
  span.end(faults.find((fault) => fault.status >= 500)?.code);
}
