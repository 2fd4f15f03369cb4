import type { Principal } from '../principal.js';
import { grantChannels, grantNothing } from '../identity/grants.js';

/** What a ticket says; field names are short because it is part of an address. Nodes of two versions read each other's. */
export interface TicketContent {
  readonly id: string;
  readonly issuedAtMs: number;
  readonly subject: string;
  readonly tenant: string | null;
  readonly tokenId: string;
  readonly tokenIssuedAtMs: number | null;
  readonly expiresAtMs: number;
  readonly channels: readonly string[];
  /** Null: none was told when it was issued. */
  readonly origin: string | null;
  readonly claims: Readonly<Record<string, unknown>>;
}

export const writeTicketContent = (content: TicketContent): string =>
  JSON.stringify({
    i: content.id,
    m: content.issuedAtMs,
    s: content.subject,
    n: content.tenant,
    j: content.tokenId,
    a: content.tokenIssuedAtMs,
    e: content.expiresAtMs,
    c: content.channels,
    o: content.origin,
    k: content.claims,
  });

/** Of a text that was sealed by a node. Null: another version of the program meant something else. */
export function readTicketContent(text: string): TicketContent | null {
  const { i, m, s, n, j, a, e, c, o, k } = JSON.parse(text) as Record<string, unknown>;
  if (typeof i !== 'string' || typeof m !== 'number' || typeof s !== 'string' || typeof j !== 'string' || typeof e !== 'number')
    return null;
  if (!Array.isArray(c) || !c.every((channel) => typeof channel === 'string') || typeof k !== 'object' || k === null) return null;
  return {
    id: i,
    issuedAtMs: m,
    subject: s,
    tenant: typeof n === 'string' ? n : null,
    tokenId: j,
    tokenIssuedAtMs: typeof a === 'number' ? a : null,
    expiresAtMs: e,
    channels: c,
    origin: typeof o === 'string' ? o : null,
    claims: k as Readonly<Record<string, unknown>>,
  };
}

/** May read the ticket's channels and nothing else, whatever the token allows. */
export const principalOfTicket = (content: TicketContent): Principal => ({
  subject: content.subject,
  tenant: content.tenant,
  tokenId: content.tokenId,
  issuedAtMs: content.tokenIssuedAtMs,
  expiresAtMs: content.expiresAtMs,
  via: 'ticket',
  claims: content.claims,
  read: grantChannels(content.channels),
  publish: grantNothing,
});
