import type { PublishAnswer, Publisher } from '../publish/publisher.js';
import { createPost } from './create-post.js';
import type { PostContext } from './create-post.js';
import type { Exchange } from './exchange.js';
import type { BodyBounds } from './read-body.js';

export interface PublishContext extends PostContext {
  readonly publisher: Publisher;
  readonly bounds: BodyBounds & { readonly publishesPendingMax: number };
  isDraining(): boolean;
}

/** `POST` of events: who asks, then the body, then the log. What is answered with 200 is in the log. */
export function createPublishHandler(context: PublishContext): (exchange: Exchange) => void {
  const { bounds, publisher } = context;
  const failure = 'It is not known whether the events are in the log.';
  const rules = { name: 'a publish', bounds, pendingMax: bounds.publishesPendingMax, failure };
  return createPost(context, rules, async (exchange, principal, body) => {
    const { headers, remoteAddress } = exchange.request;
    const contentType = headers.get('content-type') ?? '';
    const answer = await publisher.publish({ body, contentType, headers, principal, address: remoteAddress });
    tell(exchange, answer, context.isDraining());
  });
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
