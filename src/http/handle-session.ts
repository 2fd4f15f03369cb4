import type { Authenticator } from '../admission/authenticator.js';
import { bearerOf } from '../admission/identity/credential.js';
import { refuseForeignSession } from '../admission/identity/origin-rules.js';
import type { Principal } from '../admission/principal.js';
import type { RequestSnapshot } from '../protocol/request-snapshot.js';
import type { Clock } from '../std/clock.js';
import type { HeaderList } from './cors.js';
import type { PostContext } from './create-post.js';
import type { Exchange } from './exchange.js';
import { createSmallPost } from './small-post.js';
import type { SmallAnswer } from './small-post.js';

/** The cookie that carries a token. */
export interface SessionCookie {
  /** Begins with `__Host-` unless configured otherwise. */
  readonly name: string;
  readonly sameSite: 'strict' | 'lax' | 'none';
  /** One for each site that embeds the page (CHIPS). */
  readonly isPartitioned: boolean;
}

export interface SessionContext extends PostContext {
  readonly cookie: SessionCookie;
  /** Whether pages of this origin, besides the node's own, may use the cookie. */
  readonly isAllowedOrigin: (origin: string) => boolean;
  readonly clock: Clock;
}

export type SessionHandlers = Readonly<Record<'POST' | 'DELETE', (exchange: Exchange) => void>>;

/** Name and value together; browsers drop what is longer without a word (RFC 6265bis, 5.7). */
export const cookieBytesMax = 4_096;

/**
 * `POST /v1/session` with a bearer token: 204, and the token is in the cookie until it runs out. `DELETE /v1/session`: 204, and the cookie is gone,
 * whoever asks. Bodies are ignored. Both only for pages of allowed origins; programs send no `Origin` and are let through.
 *
 * The cookie is always `Secure`. Over plain HTTP browsers do not keep it, but for loopback: Chromium 156 does on 127.0.0.1 and localhost, with `__Host-`
 * and Partitioned (tried); Firefox says that it does, Safari does not.
 */
export function createSessionHandlers(context: SessionContext): SessionHandlers {
  const { isAllowedOrigin } = context;
  const guarded =
    (handle: (exchange: Exchange) => void) =>
    (exchange: Exchange): void => {
      const foreign = refuseForeignSession(exchange.request, isAllowedOrigin);
      if (foreign === null) handle(exchange);
      else exchange.refuse(foreign.refusal);
    };
  const begin = { ...context, authenticator: withoutCookie(context.authenticator) };
  return {
    POST: guarded(createSmallPost(begin, 'a session', ({ request }, principal) => setCookie(request, principal, context))),
    DELETE: guarded((exchange) => exchange.answer({ status: 204, headers: cookieHeader(context.cookie, '', 0) })),
  };
}

/** The cookie that is there is the one to be replaced: its token may have run out, or be another than the bearer's. */
function withoutCookie(authenticator: Authenticator): Authenticator {
  return {
    authenticate(request) {
      const headers = new Map(request.headers);
      headers.delete('cookie');
      return authenticator.authenticate({ ...request, headers });
    },
  };
}

function setCookie(request: RequestSnapshot, principal: Principal, { cookie, clock }: SessionContext): SmallAnswer {
  const bearer = bearerOf(request);
  if (principal.via !== 'bearer' || bearer.kind !== 'token') {
    const headers = { 'WWW-Authenticate': 'Bearer realm="selvage"' };
    return { code: 'token-missing', detail: 'A session is made from a bearer token.', headers };
  }
  const byteCount = cookie.name.length + bearer.text.length;
  if (byteCount > cookieBytesMax) {
    const detail = `Browsers keep cookies of at most ${cookieBytesMax} bytes, and this one would have ${byteCount}: use a ticket.`;
    return { code: 'malformed-request', detail, limit: cookieBytesMax, present: byteCount };
  }
  const { expiresAtMs } = principal;
  const maxAgeSeconds = expiresAtMs === null ? null : Math.max(0, Math.floor((expiresAtMs - clock.nowMs()) / 1_000));
  return { status: 204, value: null, headers: cookieHeader(cookie, bearer.text, maxAgeSeconds) };
}

const sameSiteWords = { strict: 'Strict', lax: 'Lax', none: 'None' } as const;

/** `maxAgeSeconds` null: until the browser is closed. A value in compact form needs no quotes and no escapes. */
function cookieHeader({ name, sameSite, isPartitioned }: SessionCookie, value: string, maxAgeSeconds: number | null): HeaderList {
  const parts = [`${name}=${value}`, 'Path=/'];
  if (maxAgeSeconds !== null) parts.push(`Max-Age=${maxAgeSeconds}`);
  parts.push('Secure', 'HttpOnly', `SameSite=${sameSiteWords[sameSite]}`);
  if (isPartitioned) parts.push('Partitioned');
  return [['Set-Cookie', parts.join('; ')]];
}
