import type { Authenticator } from '../admission/authenticator.js';
import type { Principal } from '../admission/principal.js';
import type { Timers } from '../std/clock.js';
import type { Logger } from '../telemetry/logger.js';
import type { Exchange } from './exchange.js';
import { BodyBudget, readBody } from './read-body.js';
import type { BodyBounds } from './read-body.js';

export interface PostContext {
  readonly authenticator: Authenticator;
  readonly timers: Timers;
  readonly logger: Logger;
}

export interface PostRules {
  /** What the log calls it. */
  readonly name: string;
  readonly bounds: BodyBounds;
  /** Such requests under way at a time. */
  readonly pendingMax: number;
  /** Bytes of their bodies held at a time; default 64 MiB. */
  readonly heldBytesMax?: number;
  /** What one is told whose `serve` has thrown. */
  readonly failure: string;
}

/** A handler of requests with bodies: who asks, then the body, then `serve`, which answers. All of it bounded. */
export function createPost(
  context: PostContext,
  rules: PostRules,
  serve: (exchange: Exchange, principal: Principal, body: Uint8Array) => Promise<void>,
): (exchange: Exchange) => void {
  const budget = new BodyBudget(rules.heldBytesMax);
  const run = async (exchange: Exchange): Promise<void> => {
    const authentication = context.authenticator.authenticate(exchange.request);
    if (!(authentication instanceof Promise) && authentication.kind === 'refused') {
      // Known at once: nothing of the body is kept.
      return exchange.refuse(authentication.refusal);
    }
    // A body comes at once or never: it is read while a key is fetched, and its listener must be there before this handler returns.
    const reading = readBody(exchange, rules.bounds, context.timers, budget);
    try {
      const authenticated = await authentication;
      const body = await reading.result;
      if (body.kind === 'gone') return;
      if (authenticated.kind === 'refused') return exchange.refuse(authenticated.refusal);
      if (body.kind === 'problem') return exchange.refuse(body.problem);
      await serve(exchange, authenticated.principal, body.bytes);
    } finally {
      reading.release();
    }
  };
  let pending = 0;
  return (exchange) => {
    if (pending >= rules.pendingMax) {
      return exchange.refuse({ code: 'overloaded', detail: 'Too much is under way.', limit: rules.pendingMax, retryAfterSeconds: 1 });
    }
    pending++;
    run(exchange)
      .catch((error: unknown) => {
        context.logger.error(`${rules.name} failed`, { error });
        exchange.refuse({ code: 'internal-error', detail: rules.failure });
      })
      .finally(() => pending--);
  };
}
