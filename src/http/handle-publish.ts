import type { Authenticator } from '../admission/authenticator.js';
import type { Principal } from '../admission/principal.js';
import type { PublishAnswer, Publisher } from '../publish/publisher.js';
import type { Timers } from '../std/clock.js';
import type { Logger } from '../telemetry/logger.js';
import type { Exchange } from './exchange.js';
import { BodyBudget, readBody } from './read-body.js';
import type { BodyBounds, BodyResult } from './read-body.js';

export interface PublishContext {
  readonly publisher: Publisher;
  readonly authenticator: Authenticator;
  readonly bounds: BodyBounds & { readonly publishesPendingMax: number };
  readonly timers: Timers;
  readonly logger: Logger;
  isDraining(): boolean;
}

/** `POST` of events: who asks, then the body, then the log. What is answered with 200 is in the log. */
export function createPublishHandler(context: PublishContext): (exchange: Exchange) => void {
  const { publishesPendingMax } = context.bounds;
  const budget = new BodyBudget();
  let pending = 0;
  return (exchange) => {
    if (pending >= publishesPendingMax) {
      const detail = 'Too many publishes are under way.';
      return exchange.refuse({ code: 'overloaded', detail, limit: publishesPendingMax, retryAfterSeconds: 1 });
    }
    pending++;
    publish(exchange, context, budget)
      .catch((error: unknown) => {
        context.logger.error('a publish failed', { error });
        exchange.refuse({ code: 'internal-error', detail: 'It is not known whether the events are in the log.' });
      })
      .finally(() => pending--);
  };
}

async function publish(exchange: Exchange, context: PublishContext, budget: BodyBudget): Promise<void> {
  const authentication = context.authenticator.authenticate(exchange.request);
  if (!(authentication instanceof Promise) && authentication.kind === 'refused') {
    // Known at once: nothing of the body is kept.
    return exchange.refuse(authentication.refusal);
  }
  // A body comes at once or never, so it is read while a key is being fetched.
  const reading = readBody(exchange, context.bounds, context.timers, budget);
  try {
    const authenticated = await authentication;
    const body = await reading.result;
    if (authenticated.kind === 'principal') await publishBody(exchange, context, authenticated.principal, body);
    else if (body.kind !== 'gone') exchange.refuse(authenticated.refusal);
  } finally {
    reading.release();
  }
}

async function publishBody(exchange: Exchange, context: PublishContext, principal: Principal, body: BodyResult): Promise<void> {
  if (body.kind === 'gone') return;
  if (body.kind === 'problem') return exchange.refuse(body.problem);
  const { headers, remoteAddress } = exchange.request;
  const contentType = headers.get('content-type') ?? '';
  const answer = await context.publisher.publish({ body: body.bytes, contentType, headers, principal, address: remoteAddress });
  tell(exchange, answer, context.isDraining());
}

function tell(exchange: Exchange, answer: PublishAnswer, closeConnection: boolean): void {
  if (answer.kind === 'refused') {
    const { refusal, isReplay } = answer;
    return exchange.refuse({ ...refusal, headers: { ...refusal.headers, ...(isReplay ? { [replayed]: 'true' } : {}) }, closeConnection });
  }
  exchange.answer({
    status: answer.status,
    contentType: 'application/json',
    body: JSON.stringify({ results: answer.results }),
    headers: answer.isReplay ? [[replayed, 'true']] : [],
    closeConnection,
  });
}

const replayed = 'Idempotent-Replayed';
