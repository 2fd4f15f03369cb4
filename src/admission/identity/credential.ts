import type { RequestSnapshot } from '../../protocol/request-snapshot.js';
import { findCookie } from './find-cookie.js';
import { refuse } from './refusals.js';
import type { Refused } from './refusals.js';

/** Longest token. */
export const tokenBytesMax = 8_192;
/** Longest ticket; it is part of an address. */
export const ticketBytesMax = 2_048;
export const ticketParameter = 'ticket';
export const tokenParameter = 'access_token';

export type Credential =
  | { readonly kind: 'none' }
  | { readonly kind: 'token'; readonly text: string; readonly via: 'bearer' | 'cookie' | 'query' }
  | { readonly kind: 'ticket'; readonly text: string };

export interface CredentialRules {
  /** Null: cookies are not looked at. */
  readonly cookieName: string | null;
  readonly queryToken: boolean;
}

const none: Credential = { kind: 'none' };
/** Three parts of base64url: a signed token in compact form (RFC 7515). */
const compactForm = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;

/**
 * The one credential of a request: bearer, then cookie, ticket, query. Two that differ are refused, as nobody can say who is meant; one that
 * is malformed, or given in a way that is switched off, is refused too and never taken for none.
 */
export function findCredential(request: RequestSnapshot, rules: CredentialRules): Credential | Refused {
  let found: Credential = none;
  for (const next of [bearerOf(request), cookieOf(request, rules), ticketOf(request), queryTokenOf(request, rules)]) {
    if (next.kind === 'refused') return next;
    if (next.kind === 'none') continue;
    if (found.kind === 'none') found = next;
    else if (found.kind !== next.kind || found.text !== next.text)
      return refuse('token-invalid', 'Two different credentials were sent: one must go.');
  }
  return found;
}

/** The token of the `Authorization` header, as far as its form goes. */
export function bearerOf({ headers }: Pick<RequestSnapshot, 'headers'>): Credential | Refused {
  const header = headers.get('authorization');
  if (header === undefined) return none;
  const text = /^bearer +([^ ]+) *$/i.exec(header)?.[1];
  if (text === undefined) return refuse('token-invalid', 'The Authorization header must be of the form "Bearer <token>".');
  return checkedToken(text, 'bearer');
}

function cookieOf({ headers }: RequestSnapshot, { cookieName }: CredentialRules): Credential | Refused {
  const header = cookieName === null ? undefined : headers.get('cookie');
  if (cookieName === null || header === undefined) return none;
  const values = findCookie(header, cookieName);
  // A page that was signed out has a cookie with nothing in it.
  if (values.length === 0 || (values.length === 1 && values[0] === '')) return none;
  // A neighbouring domain may have set the second one.
  if (values.length > 1) return refuse('token-invalid', 'The cookie was sent twice.');
  return checkedToken(values[0] ?? '', 'cookie');
}

function ticketOf({ query }: RequestSnapshot): Credential | Refused {
  const values = query.get(ticketParameter);
  if (values === undefined) return none;
  const [text = ''] = values;
  if (values.length > 1) return refuse('ticket-invalid', 'The ticket was sent twice.');
  if (text.length > ticketBytesMax) return refuse('ticket-invalid', `The ticket is longer than ${ticketBytesMax} bytes.`);
  return text === '' ? refuse('ticket-invalid', 'The ticket is empty.') : { kind: 'ticket', text };
}

function queryTokenOf({ query }: RequestSnapshot, { queryToken }: CredentialRules): Credential | Refused {
  const values = query.get(tokenParameter);
  if (values === undefined) return none;
  if (!queryToken) return refuse('token-invalid', 'Tokens in the address are switched off: use the Authorization header or a ticket.');
  if (values.length > 1) return refuse('token-invalid', 'The token was sent twice.');
  return checkedToken(values[0] ?? '', 'query');
}

function checkedToken(text: string, via: 'bearer' | 'cookie' | 'query'): Credential | Refused {
  if (text.length > tokenBytesMax) return refuse('token-invalid', `The token is longer than ${tokenBytesMax} bytes.`);
  return compactForm.test(text) ? { kind: 'token', text, via } : refuse('token-invalid', 'The token is not a signed JWT.');
}
