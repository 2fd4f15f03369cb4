import type { Publisher } from '../publish/publisher.js';
import type { Timers } from '../std/clock.js';
import type { Logger } from '../telemetry/logger.js';
import type { Exchange } from './exchange.js';
import { readBody } from './read-body.js';
import type { BodyBounds } from './read-body.js';

export interface PublishContext {
  readonly publisher: Publisher;
  readonly bounds: BodyBounds & { readonly publishesPendingMax: number };
  readonly timers: Timers;
  readonly logger: Logger;
  isDraining(): boolean;
}

/** `POST` of events. What is answered with 200 is in the log. */
export function createPublishHandler(context: PublishContext): (exchange: Exchange) => void {
  let pending = 0;
  return (exchange) => {
    if (pending >= context.bounds.publishesPendingMax) {
      const limit = context.bounds.publishesPendingMax;
      return exchange.refuse({
        code: 'overloaded',
        detail: 'Too many publishes are under way.',
        limit,
        retryAfterSeconds: 1,
        closeConnection: true,
      });
    }
    pending++;
    publish(exchange, context)
      .catch((error: unknown) => {
        context.logger.error('a publish failed', { error });
        exchange.refuse({ code: 'internal-error', detail: 'It is not known whether the events are in the log.' });
      })
      .finally(() => pending--);
  };
}

async function publish(exchange: Exchange, context: PublishContext): Promise<void> {
  const body = await readBody(exchange, context.bounds, context.timers);
  if (body.kind === 'gone') return;
  if (body.kind === 'problem') return exchange.refuse(body.problem);
  const answer = await context.publisher.publish(body.bytes, exchange.request.headers.get('content-type') ?? '');
  const closeConnection = context.isDraining();
  if (answer.kind === 'refused') exchange.refuse({ ...answer.refusal, closeConnection });
  else
    exchange.answer({ status: 200, contentType: 'application/json', body: JSON.stringify({ results: answer.results }), closeConnection });
}
