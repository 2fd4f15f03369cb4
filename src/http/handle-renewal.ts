import type { Principal } from '../admission/principal.js';
import { isStreamId } from '../admission/stream-registry.js';
import type { ControlSender } from '../control/control-command.js';
import type { Clock } from '../std/clock.js';
import type { PostContext } from './create-post.js';
import type { Exchange } from './exchange.js';
import type { Problem } from './problem.js';
import { createSmallPost } from './small-post.js';
import type { SmallAnswer } from './small-post.js';

export interface RenewalContext extends PostContext {
  readonly sender: ControlSender;
  /** A stream of this node; undefined: it may be another's. */
  readonly findStream: (id: string) => { readonly principal: Pick<Principal, 'subject'> } | undefined;
  readonly clock: Clock;
}

const ownToken: Problem = {
  code: 'token-missing',
  detail: 'A stream goes on with a token of its own: as bearer, or in the cookie.',
  headers: { 'WWW-Authenticate': 'Bearer realm="selvage"' },
};

/**
 * `POST /v1/streams/{id}/token` on any node, with a fresh token of the stream's subject; the body is empty or ignored. 202 with `expiresInMs` (null: never): the command is
 * in the control topic, and the stream's own node applies it if the subject is the same. A stream that nobody has is not noticed here.
 */
export function createRenewalHandler(context: RenewalContext): (exchange: Exchange) => void {
  return createSmallPost(context, 'a renewal', ({ request }, principal) => renew(request.pathParameters['id'] ?? '', principal, context));
}

async function renew(streamId: string, principal: Principal, { sender, findStream, clock, logger }: RenewalContext): Promise<SmallAnswer> {
  if (!isStreamId(streamId)) return { code: 'stream-unknown', detail: 'The address holds no id of a stream.' };
  const { subject, tokenId, issuedAtMs, expiresAtMs, claims, via } = principal;
  if (subject === null || tokenId === null || (via !== 'bearer' && via !== 'cookie')) return ownToken;
  const local = findStream(streamId);
  if (local !== undefined && local.principal.subject !== subject) {
    return { code: 'subject-mismatch', detail: 'The stream was opened by somebody else.' };
  }
  try {
    await sender.send({ kind: 'renew', streamId, subject, tokenId, issuedAtMs, expiresAtMs, claims });
  } catch (error) {
    logger.warn('a renewal did not get into the control topic', { stream: streamId, error });
    return { code: 'log-unavailable', detail: 'The renewal was not confirmed; asking again is harmless.', retryAfterSeconds: 1 };
  }
  return { status: 202, value: { expiresInMs: expiresAtMs === null ? null : Math.max(0, expiresAtMs - clock.nowMs()) } };
}
