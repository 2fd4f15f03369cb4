import type { Authenticator } from '../admission/authenticator.js';
import type { Principal } from '../admission/principal.js';
import type { ErrorCode } from '../protocol/error-catalogue.js';
import type { Timers } from '../std/clock.js';
import type { Logger } from '../telemetry/logger.js';
import type { HeaderList } from './cors.js';
import type { Exchange, WholeAnswer } from './exchange.js';
import type { Problem } from './problem.js';
import { BodyBudget, readBody } from './read-body.js';

export interface SmallPostContext {
  readonly authenticator: Authenticator;
  readonly timers: Timers;
  readonly logger: Logger;
}

/** What a small POST is answered with: JSON of that status (null: no body), or a problem. */
export type SmallAnswer = { readonly status: number; readonly value: object | null; readonly headers?: HeaderList } | Problem;

const bodyBytesMax = 16_384;
const bodyTimeoutMs = 5_000;
/** Such requests under way at a time. */
const pendingMax = 1_000;
const jsonType = /^application\/json *(;|$)/i;
const decoder = new TextDecoder('utf-8', { fatal: true });

/** A handler of small JSON bodies: who asks, then the body, then `answer`. All of it bounded. */
export function createSmallPost(
  context: SmallPostContext,
  name: string,
  answer: (exchange: Exchange, principal: Principal, body: Uint8Array) => Promise<SmallAnswer> | SmallAnswer,
): (exchange: Exchange) => void {
  const budget = new BodyBudget(pendingMax * bodyBytesMax);
  let pending = 0;
  const run = async (exchange: Exchange): Promise<void> => {
    const authentication = context.authenticator.authenticate(exchange.request);
    if (!(authentication instanceof Promise) && authentication.kind === 'refused') {
      return exchange.refuse(authentication.refusal);
    }
    // The body is read while a key is fetched: its listener must be there before this handler returns.
    const reading = readBody(exchange, { bodyBytesMax, bodyTimeoutMs }, context.timers, budget);
    try {
      const authenticated = await authentication;
      const body = await reading.result;
      if (body.kind === 'gone') return;
      if (authenticated.kind === 'refused') return exchange.refuse(authenticated.refusal);
      if (body.kind === 'problem') return exchange.refuse(body.problem);
      const answered = await answer(exchange, authenticated.principal, body.bytes);
      if ('code' in answered) exchange.refuse(answered);
      else exchange.answer(answerOf(answered));
    } finally {
      reading.release();
    }
  };
  return (exchange) => {
    if (pending >= pendingMax) {
      return exchange.refuse({ code: 'overloaded', detail: 'Too much is under way.', limit: pendingMax, retryAfterSeconds: 1 });
    }
    pending++;
    run(exchange)
      .catch((error: unknown) => {
        context.logger.error(`${name} failed`, { error });
        exchange.refuse({ code: 'internal-error', detail: 'The request could not be served.' });
      })
      .finally(() => pending--);
  };
}

function answerOf({ status, value, headers = [] }: Exclude<SmallAnswer, Problem>): WholeAnswer {
  return value === null ? { status, headers } : { status, headers, contentType: 'application/json', body: JSON.stringify(value) };
}

export type JsonFields = Readonly<Record<string, unknown>>;
export type JsonBody = { readonly kind: 'fields'; readonly fields: JsonFields } | { readonly kind: 'problem'; readonly problem: Problem };

/** The fields of a JSON object, or what is wrong with the body. */
export function parseJsonObject(exchange: Exchange, body: Uint8Array): JsonBody {
  const wrong = (code: ErrorCode, detail: string): JsonBody => ({ kind: 'problem', problem: { code, detail } });
  if (!jsonType.test(exchange.request.headers.get('content-type') ?? '')) {
    return wrong('unsupported-media-type', 'The body must be application/json.');
  }
  try {
    const root: unknown = JSON.parse(decoder.decode(body));
    if (typeof root === 'object' && root !== null && !Array.isArray(root)) return { kind: 'fields', fields: root as JsonFields };
  } catch {
    return wrong('malformed-request', 'The body is not JSON in UTF-8.');
  }
  return wrong('malformed-request', 'The body must be an object.');
}
