import type { NamedStream } from '../admission/named-streams/named-stream.js';
import { ticketParameter, tokenParameter } from '../admission/identity/credential.js';
import type { JsonObject, Surface } from './surface.js';

/** Ways to say who asks, as far as they are switched on. */
export interface Scheme {
  readonly name: 'bearer' | 'cookie' | 'ticket' | 'query';
  readonly description: string;
  /** Null: `Authorization: Bearer`. */
  readonly at: { readonly in: 'cookie' | 'query'; readonly name: string } | null;
}

export function schemesOf({ credentials: { cookieName, queryToken, hasTickets } }: Surface): readonly Scheme[] {
  const schemes: Scheme[] = [{ name: 'bearer', description: 'A signed JWT.', at: null }];
  if (cookieName !== null) {
    const description = 'The JWT in a cookie, for pages of allowed origins; `POST /v1/session` sets it.';
    schemes.push({ name: 'cookie', description, at: { in: 'cookie', name: cookieName } });
  }
  if (hasTickets) {
    const description = 'A ticket of `POST /v1/tickets`, for an `EventSource`, which sends no headers.';
    schemes.push({ name: 'ticket', description, at: { in: 'query', name: ticketParameter } });
  }
  if (queryToken) schemes.push({ name: 'query', description: 'The JWT in the address.', at: { in: 'query', name: tokenParameter } });
  return schemes;
}

/** Which schemes an address takes; `optional`: or none. */
export interface Access {
  readonly schemes: readonly Scheme['name'][];
  readonly isOptional: boolean;
}

export const readAccess = (surface: Surface): Access => ({
  schemes: schemesOf(surface).map(({ name }) => name),
  isOptional: surface.anonymous.read,
});

export const publishAccess = (surface: Surface): Access => ({
  schemes: schemesOf(surface).flatMap(({ name }) => (name === 'ticket' ? [] : [name])),
  isOptional: surface.anonymous.publish,
});

export function namedAccess({ auth }: NamedStream, surface: Surface): Access {
  if (auth === 'none') return { schemes: [], isOptional: true };
  return { ...readAccess(surface), isOptional: auth === 'optional' };
}

/** OpenAPI's form: a list of alternatives, the empty one for nobody. */
export function securityOf({ schemes, isOptional }: Access): readonly JsonObject[] {
  return [...schemes.map((name) => ({ [name]: [] })), ...(isOptional && schemes.length > 0 ? [{}] : [])];
}
