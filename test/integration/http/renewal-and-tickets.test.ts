import { afterEach, expect, test } from 'vitest';
import type { Authentication } from '../../../src/admission/authenticator.js';
import { defaultKeyTimes } from '../../../src/admission/identity/key-source.js';
import { MemoryTicketBook } from '../../../src/admission/memory/memory-ticket-book.js';
import type { Principal } from '../../../src/admission/principal.js';
import { Tickets } from '../../../src/admission/tickets/tickets.js';
import type { ControlCommand } from '../../../src/control/control-command.js';
import { createCors } from '../../../src/http/cors.js';
import { Exchange } from '../../../src/http/exchange.js';
import { createRenewalHandler } from '../../../src/http/handle-renewal.js';
import { createTicketsHandler } from '../../../src/http/handle-tickets.js';
import { defaultHttpOptions } from '../../../src/http/http-options.js';
import { Listener } from '../../../src/http/listener.js';
import { readRequest } from '../../../src/http/read-request.js';
import { RouteTable } from '../../../src/http/route-table.js';
import { LogError } from '../../../src/log/event-log.js';
import { systemEnvironment } from '../../../src/std/system-environment.js';
import { noMetrics } from '../../../src/telemetry/no-metrics.js';
import { silentLogger } from '../../../src/telemetry/silent-logger.js';
import { RawClient, roundTrip } from './raw-client.js';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const none = { allows: () => false };
const refusal = { code: 'token-invalid', detail: 'The token cannot be accepted.' } as const;

/** A bearer names its subject; what it may read begins with its name. */
function authenticate(token: string | undefined): Authentication {
  if (token === 'bad') return { kind: 'refused', refusal };
  const [subject = null, via = 'bearer'] = token?.split(':') ?? [null, 'anonymous'];
  const principal: Principal = {
    subject,
    tenant: null,
    tokenId: subject === null ? null : `jti-${subject}`,
    issuedAtMs: Date.now(),
    expiresAtMs: subject === 'eternal' ? null : Date.now() + 60_000,
    via: via as Principal['via'],
    claims: { sub: subject },
    read: { allows: (channel) => subject !== null && channel.startsWith(`${subject}.`) },
    publish: none,
  };
  return { kind: 'principal', principal };
}

async function start() {
  const sent: ControlCommand[] = [];
  const state = { logAnswers: true };
  const environment = systemEnvironment;
  const tickets = new Tickets({
    secret: { kind: 'secret', text: 's'.repeat(32), encoding: 'utf8' },
    keyTimes: defaultKeyTimes,
    book: new MemoryTicketBook(environment.clock),
    usableMs: 30_000,
    keptClaims: [],
    environment,
    logger: silentLogger,
    metrics: noMetrics,
  });
  await tickets.start();
  const shared = {
    authenticator: {
      authenticate: async ({ headers }: { headers: ReadonlyMap<string, string> }) =>
        Promise.resolve(authenticate(headers.get('authorization')?.replace('Bearer ', ''))),
    },
    timers: environment.timers,
    logger: silentLogger,
    clock: environment.clock,
  };
  const send = async (command: ControlCommand): Promise<void> => {
    if (!state.logAnswers) throw new LogError('away', true);
    sent.push(command);
  };
  const findStream = (id: string) => (id === 'stream-of-alice' ? { principal: { subject: 'alice' } } : undefined);
  const routes = new RouteTable([
    {
      name: 'renewal',
      path: '/v1/streams/{id}/token',
      handlers: { POST: createRenewalHandler({ ...shared, sender: { send }, findStream }) },
    },
    {
      name: 'tickets',
      path: '/v1/tickets',
      handlers: {
        POST: createTicketsHandler({
          ...shared,
          issue: (principal, request) => tickets.issue(principal, request),
          channelsOf: (path, { subject }) => (path === '/own' ? [`${subject}.own`] : path === '/other' ? ['other.own'] : null),
          channelsMax: 3,
        }),
      },
    },
  ]);
  const share = {
    cors: createCors(defaultHttpOptions.cors),
    timers: environment.timers,
    isSingleUse: false,
    isDraining: () => false,
    onAnswered: () => undefined,
  };
  const listener = new Listener({
    options: { ...defaultHttpOptions, host: '127.0.0.1', port: 0 },
    socketsMax: 100,
    timers: environment.timers,
    logger: silentLogger,
    onCut: () => undefined,
    handle: (res, req) => {
      const { snapshot } = readRequest(res, req, defaultHttpOptions, Math.random);
      const match = routes.find(snapshot.path);
      const exchange = new Exchange(res, { ...snapshot, pathParameters: match?.pathParameters ?? {} }, share, 'test', 0);
      const handler = match?.route.handlers[snapshot.method];
      if (handler === undefined) exchange.refuse({ code: 'not-found', detail: 'nothing' });
      else handler(exchange);
    },
  });
  const { port } = await listener.listen();
  closers.push(() => {
    listener.close();
    tickets.stop();
  });
  return { port, sent, state };
}

const request = (path: string, token: string | null, body = '', headers = ''): string =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\n${token === null ? '' : `Authorization: Bearer ${token}\r\n`}${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const renewal = (id: string, token: string | null, body = ''): string => request(`/v1/streams/${id}/token`, token, body);
const ticketFor = (body: object | string, token: string | null = 'alice', headers = ''): string =>
  request('/v1/tickets', token, typeof body === 'string' ? body : JSON.stringify(body), `Content-Type: application/json\r\n${headers}`);
const codeOf = (body: string): string => (JSON.parse(body) as { code: string }).code;

test('a renewal is in the control topic when it is answered, whichever node has the stream', async () => {
  const { port, sent, state } = await start();
  const { status, body } = await roundTrip(port, renewal('stream-of-alice', 'alice'));
  const { expiresInMs } = JSON.parse(body) as { expiresInMs: number };
  expect([status, expiresInMs > 50_000 && expiresInMs <= 60_000]).toEqual([202, true]);
  expect(sent).toEqual([
    expect.objectContaining({
      kind: 'renew',
      streamId: 'stream-of-alice',
      subject: 'alice',
      tokenId: 'jti-alice',
      claims: { sub: 'alice' },
    }),
  ]);
  expect((await roundTrip(port, renewal('stream-elsewhere', 'bob:cookie', '{"ignored":true}'))).status).toBe(202);
  expect(JSON.parse((await roundTrip(port, renewal('stream-elsewhere', 'eternal'))).body)).toEqual({ expiresInMs: null });
  expect(sent.length).toBe(3);
  state.logAnswers = false;
  const away = await roundTrip(port, renewal('stream-of-alice', 'alice'));
  expect([away.status, codeOf(away.body), /Retry-After: 1/.test(away.head)]).toEqual([503, 'log-unavailable', true]);
});

test('a renewal by somebody else, by nobody, or of nothing that could be a stream is refused', async () => {
  const { port, sent } = await start();
  const cases: [string, string | null, number, string][] = [
    ['stream-of-alice', 'bob', 403, 'subject-mismatch'],
    ['stream-of-alice', null, 401, 'token-missing'],
    ['stream-of-alice', 'alice:ticket', 401, 'token-missing'],
    ['stream-of-alice', 'alice:query', 401, 'token-missing'],
    ['stream-of-alice', 'bad', 401, 'token-invalid'],
    ['short', 'alice', 404, 'stream-unknown'],
    ['x'.repeat(65), 'alice', 404, 'stream-unknown'],
    ['a%20stream%20id', 'alice', 404, 'stream-unknown'],
  ];
  for (const [id, token, status, code] of cases) {
    const answer = await roundTrip(port, renewal(id, token));
    expect([id, token, answer.status, codeOf(answer.body)]).toEqual([id, token, status, code]);
  }
  expect((await roundTrip(port, renewal('stream-of-alice', 'alice', 'x'.repeat(20_000)))).status).toBe(413);
  expect(sent).toEqual([]);
});

test('a ticket is for channels that the caller may read, by name or by the path of their stream', async () => {
  const { port } = await start();
  for (const asked of [
    { channels: ['alice.a', 'alice.b'] },
    { stream: '/own' },
    { channels: ['alice.a'], origin: 'https://app.example.com' },
  ]) {
    const { status, body } = await roundTrip(port, ticketFor(asked));
    const { ticket, expiresInMs, returnsForMs } = JSON.parse(body) as { ticket: string; expiresInMs: number; returnsForMs: number };
    expect([status, ticket.length > 20, expiresInMs > 20_000 && expiresInMs <= 30_000, returnsForMs > 50_000]).toEqual([
      200,
      true,
      true,
      true,
    ]);
  }
  const forbidden = await roundTrip(port, ticketFor({ channels: ['alice.a', 'bob.a', 'bob.b'] }));
  expect([forbidden.status, codeOf(forbidden.body)]).toEqual([403, 'channel-forbidden']);
  expect(forbidden.body).toContain('bob.a, bob.b');
  expect(forbidden.body).not.toContain('alice.a');
  expect((await roundTrip(port, ticketFor({ stream: '/other' }))).status).toBe(403);
  expect((await roundTrip(port, ticketFor({ stream: '/nowhere' }))).status).toBe(404);
});

test('what asks for a ticket in any other way is refused', async () => {
  const { port } = await start();
  const cases: [object | string, string | null, string, number, string][] = [
    [{ channels: ['alice.a'] }, null, '', 401, 'token-missing'],
    [{ channels: ['alice.a'] }, 'alice:cookie', '', 401, 'token-missing'],
    [{ channels: ['alice.a'] }, 'alice:ticket', '', 401, 'token-missing'],
    [{ channels: ['alice.a'] }, 'bad', '', 401, 'token-invalid'],
    [{ channels: ['alice.a'], origin: 'https://a.example' }, 'alice', 'Origin: https://b.example\r\n', 403, 'origin-forbidden'],
    [{ channels: ['alice.a'] }, 'alice', 'Origin: null\r\n', 403, 'origin-forbidden'],
    [{ channels: ['alice.a'], origin: 'javascript:x' }, 'alice', '', 400, 'malformed-request'],
    [{ channels: [] }, 'alice', '', 400, 'missing-channel'],
    [{ channels: ['alice.a', 7] }, 'alice', '', 400, 'invalid-channel'],
    [{ channels: ['alice.\n'] }, 'alice', '', 400, 'invalid-channel'],
    [{ channels: ['alice.a', 'alice.b', 'alice.c', 'alice.d'] }, 'alice', '', 400, 'too-many-channels'],
    [{ channels: ['alice.a'], stream: '/own' }, 'alice', '', 400, 'malformed-request'],
    [{ code: 'rate-limited', detail: 'mine' }, 'alice', '', 400, 'malformed-request'],
    [{ channel: 'alice.a' }, 'alice', '', 400, 'malformed-request'],
    [{ stream: 'own' }, 'alice', '', 400, 'malformed-request'],
    ['[]', 'alice', '', 400, 'malformed-request'],
    ['{', 'alice', '', 400, 'malformed-request'],
    ['', 'alice', '', 400, 'malformed-request'],
  ];
  for (const [asked, token, headers, status, code] of cases) {
    const answer = await roundTrip(port, ticketFor(asked, token, headers));
    expect([asked, token, answer.status, codeOf(answer.body)]).toEqual([asked, token, status, code]);
  }
  const wrongType = await roundTrip(port, request('/v1/tickets', 'alice', '{"stream":"/own"}', 'Content-Type: text/plain\r\n'));
  expect(wrongType.status).toBe(415);
});

test('a peer that goes away in the middle of its body takes nothing along', async () => {
  const { port } = await start();
  const client = await RawClient.connect(port);
  client.send(
    'POST /v1/tickets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{',
  );
  client.close();
  expect((await roundTrip(port, ticketFor({ stream: '/own' }))).status).toBe(200);
});
