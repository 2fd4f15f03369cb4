import { afterEach, describe, expect, test } from 'vitest';
import type { Authentication } from '../../../src/admission/authenticator.js';
import { createCors } from '../../../src/http/cors.js';
import { Exchange } from '../../../src/http/exchange.js';
import { cookieBytesMax, createSessionHandlers } from '../../../src/http/handle-session.js';
import type { SessionCookie } from '../../../src/http/handle-session.js';
import { defaultHttpOptions } from '../../../src/http/http-options.js';
import { Listener } from '../../../src/http/listener.js';
import { readRequest } from '../../../src/http/read-request.js';
import { RouteTable } from '../../../src/http/route-table.js';
import { compileOrigins } from '../../../src/std/match-origin.js';
import { systemEnvironment } from '../../../src/std/system-environment.js';
import { silentLogger } from '../../../src/telemetry/silent-logger.js';
import { makeIdentity, seconds, signHs } from '../../unit/admission/identity/identity-fixture.js';
import { RawClient, roundTrip } from './raw-client.js';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const name = '__Host-selvage';
const origins = ['https://app.example.com', 'https://*.apps.example.com'];
const usual: SessionCookie = { name, sameSite: 'strict', isPartitioned: false };

/** A server with sessions, and `/who`, which tells how its caller was found out. */
async function start(cookie = usual) {
  const { identity, environment } = makeIdentity({
    credentials: { cookieName: cookie.name, queryToken: false },
    allowedOrigins: origins,
  });
  await identity.start();
  const { timers } = systemEnvironment;
  const session = createSessionHandlers({
    cookie,
    isAllowedOrigin: compileOrigins(origins),
    authenticator: identity,
    timers,
    logger: silentLogger,
    clock: environment.clock,
  });
  const who = (exchange: Exchange): void => {
    const tell = (found: Authentication): void =>
      found.kind === 'refused' ? exchange.refuse(found.refusal) : exchange.answer({ status: 200, body: found.principal.via });
    const found = identity.authenticate(exchange.request);
    if (found instanceof Promise) void found.then(tell);
    else tell(found);
  };
  const routes = new RouteTable([
    { name: 'session', path: '/v1/session', handlers: session },
    { name: 'who', path: '/who', handlers: { GET: who } },
    {
      name: 'page',
      path: '/',
      handlers: { GET: (exchange) => exchange.answer({ status: 200, contentType: 'text/html', body: '<title>page</title>' }) },
    },
  ]);
  const share = {
    cors: createCors({ ...defaultHttpOptions.cors, origins, credentials: true }),
    timers,
    isSingleUse: false,
    isDraining: () => false,
    onAnswered: () => undefined,
  };
  const listener = new Listener({
    options: { ...defaultHttpOptions, host: '127.0.0.1', port: 0 },
    socketsMax: 100,
    timers,
    logger: silentLogger,
    onCut: () => undefined,
    handle: (res, req) => {
      const { snapshot } = readRequest(res, req, defaultHttpOptions, Math.random);
      const match = routes.find(snapshot.path);
      const exchange = new Exchange(res, snapshot, share, 'test', 0);
      const handler = match?.route.handlers[snapshot.method];
      if (handler === undefined) exchange.refuse({ code: 'not-found', detail: 'nothing' });
      else handler(exchange);
    },
  });
  const { port } = await listener.listen();
  closers.push(() => {
    listener.close();
    identity.stop();
  });
  return { port, environment };
}

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

async function ask(port: number, { method = 'POST', path = '/v1/session', headers = {}, body = '' }: Asked) {
  const lines = Object.entries({ Host: 'node.example.com', ...headers, 'Content-Length': String(body.length) });
  const head = lines.map(([header, value]) => `${header}: ${value}\r\n`).join('');
  const answered = await roundTrip(port, `${method} ${path} HTTP/1.1\r\n${head}\r\n${body}`);
  return {
    ...answered,
    cookies: [...answered.head.matchAll(/^set-cookie: (.*?)\r?$/gim)].map(([, value]) => value),
    code: answered.status < 400 ? null : (JSON.parse(answered.body) as { code: string }).code,
  };
}

const bearer = (token: string): Record<string, string> => ({ Authorization: `Bearer ${token}` });

describe('a session', () => {
  test('is a cookie with the bearer token, until the token runs out', async () => {
    const { port, environment } = await start();
    const token = await signHs({ exp: seconds(environment.clock.nowMs()) + 600 });
    const { status, cookies, body } = await ask(port, { headers: bearer(token) });
    // Five seconds of tolerance: so long it is accepted.
    expect([status, cookies, body]).toEqual([204, [`${name}=${token}; Path=/; Max-Age=605; Secure; HttpOnly; SameSite=Strict`], '']);
    const who = await ask(port, { method: 'GET', path: '/who', headers: { Cookie: `${name}=${token}` } });
    expect([who.status, who.body]).toEqual([200, 'cookie']);
  });

  test('ends, signed in or not, with the cookie taken back as it was given', async () => {
    const { port } = await start({ name: 'sid', sameSite: 'none', isPartitioned: true });
    const token = await signHs();
    expect((await ask(port, { headers: bearer(token) })).cookies).toEqual([
      `sid=${token}; Path=/; Max-Age=3605; Secure; HttpOnly; SameSite=None; Partitioned`,
    ]);
    for (const headers of [{}, { Cookie: `sid=${token}` }, { Cookie: 'sid=what-is-that' }]) {
      const { status, cookies } = await ask(port, { method: 'DELETE', headers });
      expect([status, cookies]).toEqual([204, ['sid=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=None; Partitioned']]);
    }
  });

  test('goes on with a fresh token, whatever the cookie of before holds', async () => {
    const { port } = await start();
    const [old, fresh] = [await signHs({ jti: 'old' }), await signHs({ jti: 'fresh' })];
    for (const Cookie of [`${name}=${old}`, `${name}=not-a-token`, `${name}=${old}; ${name}=${old}`]) {
      const { status, cookies } = await ask(port, { headers: { ...bearer(fresh), Cookie } });
      expect([status, cookies[0]?.startsWith(`${name}=${fresh};`)]).toEqual([204, true]);
    }
  });

  test('needs a bearer token that is accepted', async () => {
    const { port } = await start();
    const token = await signHs();
    const cases: [Record<string, string>, number, string][] = [
      [{}, 401, 'token-missing'],
      // The cookie cannot prolong itself.
      [{ Cookie: `${name}=${token}` }, 401, 'token-missing'],
      [bearer('a.b.c'), 401, 'token-invalid'],
      [{ Authorization: 'Basic YTpi' }, 401, 'token-invalid'],
      [bearer(await signHs({ exp: 1 })), 401, 'token-expired'],
    ];
    for (const [headers, status, code] of cases) {
      const answered = await ask(port, { headers });
      expect([answered.status, answered.code, answered.cookies]).toEqual([status, code, []]);
      expect(answered.head.toLowerCase()).toContain('www-authenticate: bearer');
    }
  });

  test('is not made of a token that browsers would drop without a word', async () => {
    const { port } = await start();
    const tokenOf = async (padding: number): Promise<string> => signHs({ padding: 'x'.repeat(padding) });
    let padding = 2_000;
    while (name.length + (await tokenOf(padding + 1)).length <= cookieBytesMax) padding++;
    expect((await ask(port, { headers: bearer(await tokenOf(padding)) })).status).toBe(204);
    const { status, code, cookies, body } = await ask(port, { headers: bearer(await tokenOf(padding + 1)) });
    expect([status, code, cookies]).toEqual([400, 'malformed-request', []]);
    expect(JSON.parse(body)).toMatchObject({ limit: cookieBytesMax });
  });
});

describe('pages of other sites can neither sign somebody in nor out', () => {
  const cases: readonly [string, Record<string, string>, boolean][] = [
    ['a listed page', { Origin: 'https://app.example.com' }, true],
    ['a page below a listed host', { Origin: 'https://one.apps.example.com' }, true],
    ["a page of the node's own", { Origin: 'https://node.example.com' }, true],
    ['a program', {}, true],
    ['a page elsewhere', { Origin: 'https://evil.example.com' }, false],
    ['a listed host over plain HTTP', { Origin: 'http://app.example.com' }, false],
    ['a name that only begins alike', { Origin: 'https://app.example.com.evil.net' }, false],
    ['a sandboxed frame', { Origin: 'null' }, false],
    ['a form that hides where it is', { 'Sec-Fetch-Site': 'cross-site' }, false],
    ['a neighbour that hides where it is', { 'Sec-Fetch-Site': 'same-site' }, false],
  ];
  test.for(cases)('%s', async ([, headers, isAllowed]) => {
    const { port } = await start();
    const token = await signHs();
    for (const method of ['POST', 'DELETE']) {
      const answered = await ask(port, { method, headers: { ...headers, ...(method === 'POST' ? bearer(token) : {}) } });
      expect([method, answered.status, answered.code, answered.cookies.length]).toEqual(
        isAllowed ? [method, 204, null, 1] : [method, 403, 'origin-forbidden', 0],
      );
    }
  });

  test('and a page of a host below a listed one may use the cookie that it has set', async () => {
    const { port } = await start();
    const Cookie = `${name}=${await signHs()}`;
    const from = (Origin: string) => ask(port, { method: 'GET', path: '/who', headers: { Cookie, Origin } });
    expect((await from('https://one.apps.example.com')).body).toBe('cookie');
    expect((await from('https://apps.example.com')).code).toBe('origin-forbidden');
  });
});

test('a body that nobody asked for is not taken for the next request', async () => {
  const { port } = await start();
  const smuggled = 'GET /who HTTP/1.1\r\nHost: x\r\n\r\n';
  const client = await RawClient.connect(port);
  client.send(`DELETE /v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`);
  await client.until((text) => text.includes('\r\n\r\n'));
  client.send('DELETE /v1/session HTTP/1.1\r\nHost: x\r\n\r\n');
  const text = await client.until((soFar) => (soFar.match(/HTTP\/1\.1 204/g) ?? []).length === 2);
  client.close();
  expect(text).not.toContain('anonymous');
});
