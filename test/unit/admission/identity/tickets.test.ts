import { expect, test } from 'vitest';
import { MemoryTicketBook } from '../../../../src/admission/memory/memory-ticket-book.js';
import { defaultKeyTimes } from '../../../../src/admission/identity/key-source.js';
import { Tickets } from '../../../../src/admission/tickets/tickets.js';
import type { TicketsParts } from '../../../../src/admission/tickets/tickets.js';
import type { TicketBook } from '../../../../src/admission/tickets/ticket-book.js';
import type { Principal } from '../../../../src/admission/principal.js';
import type { Authentication } from '../../../../src/admission/authenticator.js';
import { noMetrics } from '../../../../src/telemetry/no-metrics.js';
import { silentLogger } from '../../../../src/telemetry/silent-logger.js';
import { waitFor } from '../../../platform/wait-for.js';
import type { HandClock } from './identity-fixture.js';
import { bearer, codeOf, makeIdentity, principalIn, request, seconds, signHs, startMs } from './identity-fixture.js';

const ticketSecret = 'the-secret-of-tickets-has-thirty-two-bytes';
const page = 'https://app.example.com';
const api = 'api.example.com';

interface Fabric {
  readonly environment: HandClock;
  readonly book: TicketBook;
  node(parts?: Partial<TicketsParts>): Tickets;
  caller(claims?: Record<string, unknown>): Promise<Principal>;
}

function fabric(): Fabric {
  const { identity, environment } = makeIdentity();
  const book = new MemoryTicketBook(environment.clock);
  return {
    environment,
    book,
    node: (parts = {}) =>
      new Tickets({
        secret: { kind: 'secret', text: ticketSecret, encoding: 'utf8' },
        keyTimes: defaultKeyTimes,
        book,
        usableMs: 30_000,
        keptClaims: [],
        environment,
        logger: silentLogger,
        metrics: noMetrics,
        ...parts,
      }),
    caller: async (claims = {}) =>
      principalIn(
        await identity.authenticate(
          bearer(await signHs({ jti: 'j1', tenant: 'acme', selvage: { read: ['news', 'user.{sub}.**'], publish: ['**'] }, ...claims })),
        ),
      ),
  };
}

async function ticketFor(tickets: Tickets, principal: Principal, channels = ['news'], origin: string | null = page): Promise<string> {
  const issued = await tickets.issue(principal, { channels, origin });
  if (issued.kind === 'refused') throw new Error(issued.refusal.detail);
  return issued.ticket;
}

const fresh = request({ headers: { origin: page, host: api } });
const returning = request({ headers: { origin: page, host: api, 'last-event-id': '1k3f.t7q2-4-12-9f1' } });
const opens = async (tickets: Tickets, ticket: string, by = fresh): Promise<string> => codeOf(await tickets.open(ticket, by));

test('a ticket stands for its caller, for its channels alone, and publishes nothing', async () => {
  const { node, caller } = fabric();
  const tickets = node();
  const alice = await caller();
  const ticket = await ticketFor(tickets, alice, ['news', 'user.alice.inbox']);
  expect(ticket).toMatch(/^[A-Za-z0-9._-]{1,2048}$/);
  const principal = principalIn(await tickets.open(ticket, fresh));
  expect(principal).toMatchObject({
    subject: 'alice',
    tenant: 'acme',
    tokenId: 'j1',
    via: 'ticket',
    issuedAtMs: startMs,
    expiresAtMs: alice.expiresAtMs,
  });
  expect(['news', 'user.alice.inbox', 'user.alice.other'].map((channel) => principal.read.allows(channel))).toEqual([true, true, false]);
  expect(principal.publish.allows('news')).toBe(false);
});

test('a ticket opens a stream for thirty seconds, and later only brings back the one that it opened', async () => {
  const { node, caller, environment } = fabric();
  const tickets = node();
  const alice = await caller();
  const [used, unused] = [await ticketFor(tickets, alice), await ticketFor(tickets, alice)];
  environment.advance(30_000);
  expect(await opens(tickets, used)).toBe('principal');
  environment.advance(1);
  expect(await opens(tickets, used)).toBe('ticket-invalid');
  expect(await opens(tickets, used, returning)).toBe('principal');
  expect(await opens(tickets, unused, returning)).toBe('ticket-invalid');
  for (const name of ['lastEventId', 'last_event_id', 'lastEventID']) {
    expect(await opens(tickets, used, request({ headers: { origin: page }, query: { [name]: 'p' } }))).toBe('principal');
    expect(await opens(tickets, used, request({ headers: { origin: page }, query: { [name]: '' } }))).toBe('ticket-invalid');
  }
});

test('a stream comes back on another node', async () => {
  const { node, caller, environment } = fabric();
  const [one, other] = [node(), node()];
  const ticket = await ticketFor(one, await caller());
  expect(await opens(one, ticket)).toBe('principal');
  environment.advance(600_000);
  expect(await opens(other, ticket, returning)).toBe('principal');
});

test('a ticket ends with its token', async () => {
  const { node, caller, environment } = fabric();
  const tickets = node();
  const ticket = await ticketFor(tickets, await caller({ exp: seconds(startMs) + 100 }));
  expect(await opens(tickets, ticket)).toBe('principal');
  environment.advance(106_000);
  expect(await opens(tickets, ticket, returning)).toBe('token-expired');
});

test('a used ticket is admitted at once', async () => {
  const { node, caller } = fabric();
  const tickets = node();
  const ticket = await ticketFor(tickets, await caller());
  await tickets.open(ticket, fresh);
  expect(tickets.open(ticket, returning)).not.toBeInstanceOf(Promise);
});

test.each<[string, string | null, Record<string, string>, string]>([
  ['the page itself, of another origin', page, { origin: page, host: api }, 'principal'],
  ['another page', page, { origin: 'https://evil.example.com', host: api }, 'ticket-invalid'],
  ['no origin, though the page is of another one', page, { host: api }, 'ticket-invalid'],
  ['the page of the node itself, whose GET has no origin', page, { host: 'app.example.com' }, 'principal'],
  ['the same with the port spelt out', page, { host: 'app.example.com:443' }, 'principal'],
  ['another port', page, { host: 'app.example.com:8443' }, 'ticket-invalid'],
  ['an image on a page elsewhere', page, { host: 'app.example.com', 'sec-fetch-site': 'cross-site' }, 'ticket-invalid'],
  ['a server, with a ticket issued to a server', null, { host: api }, 'principal'],
  ['a page, with a ticket issued to a server', null, { origin: page, host: api }, 'ticket-invalid'],
  ['a sandboxed frame', page, { origin: 'null', host: api }, 'ticket-invalid'],
])('origin: %s', async (_, bound, headers, outcome) => {
  const { node, caller } = fabric();
  const tickets = node();
  const ticket = await ticketFor(tickets, await caller(), ['news'], bound);
  expect(await opens(tickets, ticket, request({ headers }))).toBe(outcome);
});

test('nobody gets a ticket for more than they may read, or from a ticket', async () => {
  const { node, caller } = fabric();
  const tickets = node();
  const alice = await caller();
  const codeFor = async (who: Principal, channels: readonly string[], origin: string | null = page): Promise<string> => {
    const issued = await tickets.issue(who, { channels, origin });
    return issued.kind === 'refused' ? issued.refusal.code : 'ticket';
  };
  expect(await codeFor(alice, ['news', 'user.bob.inbox'])).toBe('channel-forbidden');
  expect(await codeFor(alice, [])).toBe('missing-channel');
  expect(await codeFor(alice, ['news'], 'null')).toBe('origin-forbidden');
  expect(
    await codeFor(
      alice,
      Array.from({ length: 40 }, (_, i) => `user.alice.${'x'.repeat(60)}${i}`),
    ),
  ).toBe('too-many-channels');
  expect(await codeFor(makeIdentity().identity.anonymous, ['news'])).toBe('token-missing');
  const holder = principalIn(await tickets.open(await ticketFor(tickets, alice), fresh));
  expect(await codeFor(holder, ['news'])).toBe('token-missing');
});

test('a ticket that was changed, cut, or sealed with another secret is refused', async () => {
  const { node, caller } = fabric();
  const tickets = node();
  const ticket = await ticketFor(tickets, await caller());
  const parts = ticket.split('.');
  const hostile = [
    'x',
    `${ticket}A`,
    ticket.slice(0, -4),
    [...parts.slice(0, 3), 'AAAA', parts[4]].join('.'),
    await ticketFor(node({ secret: { kind: 'secret', text: ticketSecret.toUpperCase(), encoding: 'utf8' } }), await caller()),
    await signHs({}, {}, ticketSecret),
  ];
  for (const text of hostile) expect(await opens(tickets, text)).toBe('ticket-invalid');
});

test('kept claims go along', async () => {
  const { node, caller } = fabric();
  const tickets = node({ keptClaims: ['team', 'absent'] });
  const ticket = await ticketFor(tickets, await caller({ team: 'blue', other: 1 }));
  expect(principalIn(await tickets.open(ticket, fresh)).claims).toEqual({ team: 'blue' });
});

/** A store that is away while told so. */
class Flickering implements TicketBook {
  isAway = false;
  readonly #book: TicketBook;
  constructor(book: TicketBook) {
    this.#book = book;
  }
  async markUsed(id: string, untilMs: number): Promise<void> {
    if (this.isAway) throw new Error('away');
    await this.#book.markUsed(id, untilMs);
  }
  async wasUsed(id: string): Promise<boolean> {
    if (this.isAway) throw new Error('away');
    return this.#book.wasUsed(id);
  }
}

test('with the store away the node that opened the stream brings it back, others say come back later, and it is told when the store is back', async () => {
  const { node, caller, environment, book } = fabric();
  const store = new Flickering(book);
  const [one, other] = [node({ book: store }), node({ book: store })];
  store.isAway = true;
  const ticket = await ticketFor(one, await caller());
  expect(await opens(one, ticket)).toBe('principal');
  environment.advance(40_000);
  expect(await opens(one, ticket, returning)).toBe('principal');
  const away: Authentication = await other.open(ticket, returning);
  expect(away).toMatchObject({ kind: 'refused', refusal: { code: 'store-unavailable', retryAfterSeconds: expect.any(Number) as number } });
  store.isAway = false;
  await waitFor(
    async () => {
      environment.advance(1_000);
      return (await opens(other, ticket, returning)) === 'principal';
    },
    { what: 'the use to be known to the other node', timeoutMs: 5_000 },
  );
  one.stop();
  other.stop();
});
