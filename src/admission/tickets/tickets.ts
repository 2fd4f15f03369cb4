import { createHash, randomBytes } from 'node:crypto';
import type { AdmissionRefusal, Authentication } from '../authenticator.js';
import type { Principal } from '../principal.js';
import { readClaim } from '../identity/claims.js';
import type { TicketOpener } from '../identity/create-authenticator.js';
import { ticketBytesMax } from '../identity/credential.js';
import type { KeySpec } from '../identity/issuer.js';
import type { KeySource, KeyTimes } from '../identity/key-source.js';
import { openKeys } from '../identity/open-keys.js';
import { refuse, refuseForNow, tokenMissing } from '../identity/refusals.js';
import type { Refused } from '../identity/refusals.js';
import type { RequestSnapshot } from '../../protocol/request-snapshot.js';
import { BoundedCache } from '../../std/bounded-cache.js';
import type { Environment } from '../../std/clock.js';
import type { Logger } from '../../telemetry/logger.js';
import type { Metrics } from '../../telemetry/metrics.js';
import { acceptsOrigin } from './accepts-origin.js';
import { PendingMarks } from './pending-marks.js';
import type { TicketBook } from './ticket-book.js';
import { principalOfTicket, readTicketContent, writeTicketContent } from './ticket-content.js';
import type { TicketContent } from './ticket-content.js';
import { TicketSeal } from './ticket-seal.js';

export interface TicketsParts {
  /** The secret that all nodes share: as text, or as files that are read again. */
  readonly secret: Extract<KeySpec, { readonly kind: 'secret' | 'secret-files' }>;
  readonly keyTimes: KeyTimes;
  readonly book: TicketBook;
  /** How long after its issue a ticket opens a stream. */
  readonly usableMs: number;
  /** Claims that go along, for shapes of streams that name them. */
  readonly keptClaims: readonly string[];
  readonly environment: Environment;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface TicketRequest {
  readonly channels: readonly string[];
  /** The Origin header of the request that asks, or the origin that a server names for its page. */
  readonly origin: string | null;
}

export type IssuedTicket =
  | { readonly kind: 'ticket'; readonly ticket: string; readonly usableUntilMs: number; readonly expiresAtMs: number }
  | { readonly kind: 'refused'; readonly refusal: AdmissionRefusal };

/** Tickets opened or used here lately that are remembered. */
const rememberedMax = 50_000;
const retryAfterSeconds = 5;
const positionParameters = ['lastEventId', 'last_event_id', 'lastEventID'];

/**
 * Tickets: what a native `EventSource` puts into its address in place of a token. A ticket is for a few channels of one caller and opens
 * streams for a short time after its issue. As an `EventSource` repeats its address for ever, a ticket that was used in that time opens
 * its stream again, until the token expires that it was made from, for requests that carry a position.
 */
export class Tickets implements TicketOpener {
  readonly #parts: TicketsParts;
  readonly #keys: KeySource;
  readonly #seal: TicketSeal;
  readonly #pending: PendingMarks;
  readonly #opened = new BoundedCache<string, TicketContent>(rememberedMax);
  readonly #usedHere = new BoundedCache<string, true>(rememberedMax);

  /** Throws a `KeyError` for a secret given as text that cannot be used. */
  constructor(parts: TicketsParts) {
    this.#parts = parts;
    const { environment, logger, metrics, keyTimes } = parts;
    this.#keys = openKeys('tickets', parts.secret, ['HS256'], { environment, logger, metrics, times: keyTimes });
    this.#seal = new TicketSeal(this.#keys, environment.clock);
    this.#pending = new PendingMarks(parts.book, parts.environment);
  }

  /** Rejects with a `KeyError` when the secret's file cannot be used. */
  start(): Promise<void> {
    return this.#keys.start();
  }

  stop(): void {
    this.#keys.stop();
    this.#pending.stop();
  }

  /** A ticket of at most `ticketBytesMax` bytes, safe in an address. Never rejects. */
  async issue(principal: Principal, { channels, origin }: TicketRequest): Promise<IssuedTicket> {
    const wrong = findProblem(principal, channels, origin);
    if (wrong !== null) return { kind: 'refused', refusal: wrong };
    const nowMs = this.#parts.environment.clock.nowMs();
    const expiresAtMs = principal.expiresAtMs ?? nowMs;
    const content: TicketContent = {
      id: randomBytes(12).toString('base64url'),
      issuedAtMs: nowMs,
      subject: principal.subject ?? '',
      tenant: principal.tenant,
      tokenId: principal.tokenId ?? '',
      tokenIssuedAtMs: principal.issuedAtMs,
      expiresAtMs,
      channels: [...new Set(channels)],
      origin,
      claims: this.#keptClaims(principal),
    };
    const ticket = await this.#seal.seal(writeTicketContent(content));
    if (ticket.length > ticketBytesMax) {
      return {
        kind: 'refused',
        refusal: {
          code: 'too-many-channels',
          detail: 'The ticket would be too long for an address.',
          limit: ticketBytesMax,
          present: ticket.length,
        },
      };
    }
    return { kind: 'ticket', ticket, usableUntilMs: Math.min(nowMs + this.#parts.usableMs, expiresAtMs), expiresAtMs };
  }

  /** At once for a ticket that was used on this node lately. Never rejects. */
  open(ticket: string, request: RequestSnapshot): Authentication | Promise<Authentication> {
    const hash = createHash('sha256').update(ticket).digest('base64url');
    const content = this.#opened.get(hash);
    return content === undefined ? this.#openSealed(ticket, hash, request) : this.#admit(content, request);
  }

  async #openSealed(ticket: string, hash: string, request: RequestSnapshot): Promise<Authentication> {
    const text = await this.#seal.open(ticket);
    const content = text === null ? null : readTicketContent(text);
    if (content === null) return this.#refuse('The ticket was not issued here.');
    this.#opened.set(hash, content);
    return this.#admit(content, request);
  }

  #admit(content: TicketContent, request: RequestSnapshot): Authentication | Promise<Authentication> {
    const nowMs = this.#parts.environment.clock.nowMs();
    if (!acceptsOrigin(content.origin, request)) return this.#refuse('The ticket belongs to pages of another origin.');
    if (content.expiresAtMs <= nowMs) return refuse('token-expired', 'The token has expired that the ticket was made from.');
    const isUsedHere = this.#usedHere.get(content.id) === true;
    if (nowMs - content.issuedAtMs <= this.#parts.usableMs) return isUsedHere ? this.#accept(content, 'again') : this.#acceptFirst(content);
    if (!hasPosition(request)) return this.#refuse('The ticket is too old to open a stream; it can only bring one back.');
    return isUsedHere ? this.#accept(content, 'again') : this.#acceptReturn(content);
  }

  /** Waits for the mark: a stream that another node must take over the next moment must be known there. */
  async #acceptFirst(content: TicketContent): Promise<Authentication> {
    this.#usedHere.set(content.id, true);
    try {
      await this.#parts.book.markUsed(content.id, content.expiresAtMs);
    } catch {
      this.#pending.add(content.id, content.expiresAtMs);
    }
    return this.#accept(content, 'first');
  }

  async #acceptReturn(content: TicketContent): Promise<Authentication> {
    try {
      if (!(await this.#parts.book.wasUsed(content.id))) return this.#refuse('The ticket was not used in its time.');
    } catch {
      this.#parts.metrics.ticketOpened('unavailable');
      return refuseForNow(
        'store-unavailable',
        'It cannot be told at the moment whether the ticket was used in its time.',
        retryAfterSeconds,
      );
    }
    this.#usedHere.set(content.id, true);
    return this.#accept(content, 'again');
  }

  #accept(content: TicketContent, how: 'first' | 'again'): Authentication {
    this.#parts.metrics.ticketOpened(how);
    return { kind: 'principal', principal: principalOfTicket(content) };
  }

  #refuse(detail: string): Refused {
    this.#parts.metrics.ticketOpened('refused');
    return refuse('ticket-invalid', detail);
  }

  #keptClaims({ claims }: Principal): Readonly<Record<string, unknown>> {
    const kept = this.#parts.keptClaims.map((name) => [name, readClaim(claims, name)] as const);
    return Object.fromEntries(kept.filter(([, value]) => value !== undefined));
  }
}

function findProblem(principal: Principal, channels: readonly string[], origin: string | null): AdmissionRefusal | null {
  if (principal.subject === null || principal.via === 'ticket') return tokenMissing('Tickets are made from a token.');
  if (channels.length === 0) return { code: 'missing-channel', detail: 'A ticket needs at least one channel.' };
  const forbidden = channels.filter((channel) => !principal.read.allows(channel));
  if (forbidden.length > 0) return { code: 'channel-forbidden', detail: `May not be read: ${forbidden.join(', ')}` };
  // Every sandboxed frame and local file is `null`: it binds to nobody.
  return origin === 'null' ? { code: 'origin-forbidden', detail: 'A page without an origin of its own cannot have a ticket.' } : null;
}

/** Whether the request says where it stopped, in any of the spellings. */
function hasPosition({ headers, query }: RequestSnapshot): boolean {
  const values = [headers.get('last-event-id'), ...positionParameters.map((name) => query.get(name)?.[0])];
  return values.some((value) => value !== undefined && value !== '');
}
