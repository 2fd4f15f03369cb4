import { afterEach, expect, test } from 'vitest';
import type { ControlCommand } from '../../../src/control/control-command.js';
import { createAdminServer } from '../../../src/http/admin-server.js';
import type { AdminServer, AdminServerParts } from '../../../src/http/admin-server.js';
import { LogError } from '../../../src/log/event-log.js';
import { systemEnvironment } from '../../../src/std/system-environment.js';
import { noMetrics } from '../../../src/telemetry/no-metrics.js';
import { silentLogger } from '../../../src/telemetry/silent-logger.js';
import { RawClient, roundTrip } from './raw-client.js';

const servers: AdminServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

const hourMs = 3_600_000;

async function startAdmin(parts: Partial<AdminServerParts> = {}) {
  const sent: ControlCommand[] = [];
  const lines: string[] = [];
  const state = { logAnswers: true };
  const logger = {
    ...silentLogger,
    info: (message: string, fields: object = {}) => void lines.push(`${message} ${JSON.stringify(fields)}`),
  };
  const admin = createAdminServer({
    options: { host: '127.0.0.1', port: 0 },
    readiness: () => ({ ready: true }),
    metrics: noMetrics,
    logger,
    ...parts,
  });
  servers.push(admin);
  const { port } = await admin.listen();
  const send = async (command: ControlCommand): Promise<void> => {
    if (!state.logAnswers) throw new LogError('no answer', true);
    sent.push(command);
  };
  admin.serve({
    disconnect: { sender: { send }, tokenLifetimeMs: hourMs, clock: systemEnvironment.clock, logger },
    usage: async (top) => ({ top }),
    streams: (subject, countMax) => ({ streams: [], total: subject.length + countMax }),
    config: () => ({ group: 'selvage' }),
  });
  return { port, sent, state, lines, admin };
}

const post = (body: string, headers = 'Content-Type: application/json\r\n', host = '127.0.0.1'): string =>
  `POST /v1/disconnect HTTP/1.1\r\nHost: ${host}\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const get = (path: string, headers = '', host = '127.0.0.1:9090'): string => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${headers}\r\n`;

test('a disconnect is answered with what was sent, once it is in the log', async () => {
  const { port, sent, state, lines } = await startAdmin();
  const before = Date.now();
  const { status, body } = await roundTrip(
    port,
    post('{"subject":"alice","tokenId":"secret-id","channel":"chat","reason":"left\\n the company"}'),
  );
  expect(status).toBe(200);
  expect(JSON.parse(body)).toEqual({ sent: sent[0] });
  expect(sent[0]).toMatchObject({ kind: 'disconnect', subject: 'alice', tokenId: 'secret-id', channel: 'chat' });
  const { atMs = 0, untilMs = 0 } = sent[0]?.kind === 'disconnect' ? sent[0] : {};
  expect(atMs).toBeGreaterThanOrEqual(before);
  expect(untilMs).toBeGreaterThanOrEqual(atMs + hourMs);
  expect(lines.join()).toContain('left\\n the company');
  expect(lines.join()).not.toContain('secret-id');
  state.logAnswers = false;
  const away = await roundTrip(port, post('{"subject":"alice"}'));
  expect([away.status, /retry-after: 1/i.test(away.head), (JSON.parse(away.body) as { code: string }).code]).toEqual([
    503,
    true,
    'log-unavailable',
  ]);
});

test('a match that is misspelled, empty or of the wrong kind is refused, never widened', async () => {
  const { port, sent } = await startAdmin();
  const bodies = [
    '',
    '{',
    '[]',
    'null',
    '"x"',
    '{}',
    '{"reason":"x"}',
    '{"subject":""}',
    '{"subject":7}',
    '{"subject":null,"channel":"c"}',
  ];
  bodies.push(
    '{"user":"alice"}',
    '{"subject":"a","Channel":"c"}',
    '{"channel":"bad\\u0000name"}',
    `{"subject":"${'x'.repeat(2_000)}"}`,
    '{"__proto__":{"subject":"a"}}',
  );
  for (const body of bodies) {
    const answer = await roundTrip(port, post(body));
    expect([body, answer.status, (JSON.parse(answer.body) as { code: string }).code]).toEqual([body, 400, 'malformed-request']);
    expect(answer.head).toContain('application/problem+json');
  }
  expect(sent).toEqual([]);
});

test('bodies are bounded in size, in time and in kind', async () => {
  const { port, sent } = await startAdmin();
  expect((await roundTrip(port, post(`{"subject":"${'x'.repeat(20_000)}"}`))).status).toBe(413);
  const chunked = await RawClient.connect(port);
  chunked.send('POST /v1/disconnect HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n');
  for (let i = 0; i < 5; i++) chunked.send(`1000\r\n${'x'.repeat(4_096)}\r\n`);
  expect(await chunked.until((text) => text.includes('"limit":16384'))).toMatch(/^HTTP\/1\.1 413/);
  expect((await roundTrip(port, post('{"subject":"a"}', ''))).status).toBe(415);
  expect((await roundTrip(port, post('subject=a', 'Content-Type: application/x-www-form-urlencoded\r\n'))).status).toBe(415);
  expect((await roundTrip(port, post('{"subject":"a"}', 'Content-Type: text/plain\r\n'))).status).toBe(415);
  expect((await roundTrip(port, post('{"subject":"a"}', 'Content-Type: application/jsonp\r\n'))).status).toBe(415);
  expect((await roundTrip(port, post('{"subject":"a"}', 'Content-Type: application/json; charset=utf-8\r\n'))).status).toBe(200);
  expect(sent.length).toBe(1);
  const slow = await RawClient.connect(port);
  slow.send('POST /v1/disconnect HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{');
  expect(await slow.closed(15_000)).toMatch(/^HTTP\/1\.1 408/);
});

test('requests that a browser makes for a page are refused, and never answered for other origins', async () => {
  const { port, sent } = await startAdmin();
  const json = 'Content-Type: application/json\r\n';
  for (const header of [
    'Origin: https://evil.example',
    'Origin: null',
    'Origin: http://127.0.0.1',
    'Sec-Fetch-Site: cross-site',
    'Sec-Fetch-Site: none',
    'Sec-Fetch-Site: same-origin',
  ]) {
    const answer = await roundTrip(port, post('{"subject":"a"}', `${json}${header}\r\n`));
    expect([header, answer.status, answer.head.toLowerCase().includes('access-control')]).toEqual([header, 403, false]);
  }
  expect((await roundTrip(port, get('/v1/config', 'Origin: https://evil.example\r\n'))).status).toBe(403);
  expect((await roundTrip(port, get('/v1/config', 'Sec-Fetch-Site: cross-site\r\n'))).status).toBe(403);
  // Somebody who types the address.
  expect((await roundTrip(port, get('/v1/config', 'Sec-Fetch-Site: none\r\n'))).status).toBe(200);
  expect((await roundTrip(port, `OPTIONS /v1/disconnect HTTP/1.1\r\nHost: localhost\r\n\r\n`)).status).toBe(405);
  expect(sent).toEqual([]);
});

test('a name that anybody could point here is none of the port’s, unless it is listed', async () => {
  const { port } = await startAdmin({ guard: { hosts: ['ops.example.com'], tokens: () => [] } });
  const statusFor = async (host: string): Promise<number> => (await roundTrip(port, get('/v1/config', '', host))).status;
  for (const host of [
    '127.0.0.1',
    '127.0.0.1:9090',
    '[::1]:9090',
    '10.1.2.3:80',
    'localhost:9090',
    'selvage-0',
    'a.ns.svc:9090',
    'a.ns.svc.cluster.local',
    'OPS.example.com:9090',
  ])
    expect([host, await statusFor(host)]).toEqual([host, 200]);
  for (const host of [
    'evil.example',
    'evil.example:9090',
    'ops.example.com.evil.example',
    'localhost.evil.example',
    '127.0.0.1.nip.io',
    'x@localhost',
    '1.2.3.4.5',
    'svc.evil',
  ])
    expect([host, await statusFor(host)]).toEqual([host, 403]);
  // Health and metrics are for probes, whatever they call the node.
  expect((await roundTrip(port, get('/healthz/live', '', 'evil.example'))).status).toBe(200);
});

test('where there is a secret it is asked for; old and new are good for a while', async () => {
  const secrets = ['old-secret-0123456789', 'new-secret-0123456789'];
  const { port } = await startAdmin({ guard: { hosts: [], tokens: () => secrets } });
  const withToken = async (token: string): Promise<number> =>
    (await roundTrip(port, get('/v1/config', token === '' ? '' : `Authorization: ${token}\r\n`, 'anything.example'))).status;
  expect(await withToken('')).toBe(401);
  expect(await withToken('Bearer wrong')).toBe(401);
  expect(await withToken('Basic old-secret-0123456789')).toBe(401);
  expect(await withToken('Bearer old-secret-0123456789')).toBe(200);
  expect(await withToken('bearer new-secret-0123456789')).toBe(200);
  secrets.shift();
  expect(await withToken('Bearer old-secret-0123456789')).toBe(401);
  const { head } = await roundTrip(port, get('/v1/config'));
  expect(head).toMatch(/WWW-Authenticate: Bearer/i);
  expect((await roundTrip(port, get('/healthz/live'))).status).toBe(200);
});

test('what operators ask is answered, within bounds', async () => {
  const { port } = await startAdmin();
  const json = async (path: string): Promise<unknown> => JSON.parse((await roundTrip(port, get(path))).body);
  expect(await json('/v1/usage')).toEqual({ top: 20 });
  expect(await json('/v1/usage?top=5')).toEqual({ top: 5 });
  expect(await json('/v1/streams?subject=a%20b')).toEqual({ streams: [], total: 1_003 });
  expect(await json('/v1/config')).toEqual({ group: 'selvage' });
  for (const path of [
    '/v1/usage?top=0',
    '/v1/usage?top=1001',
    '/v1/usage?top=x',
    '/v1/usage?top=-1',
    '/v1/streams',
    '/v1/streams?subject=%ff',
  ])
    expect([path, (await roundTrip(port, get(path))).status]).toEqual([path, 400]);
  expect((await roundTrip(port, get('/v1/nothing'))).status).toBe(404);
  const wrong = await roundTrip(port, get('/v1/disconnect'));
  expect([wrong.status, /Allow: POST/i.test(wrong.head)]).toEqual([405, true]);
});

test('before the parts are there the port says so, and tells its health', async () => {
  const admin = createAdminServer({
    options: { host: '127.0.0.1', port: 0 },
    readiness: () => ({ ready: false }),
    metrics: noMetrics,
    logger: silentLogger,
  });
  servers.push(admin);
  const { port } = await admin.listen();
  expect((await roundTrip(port, post('{"subject":"a"}'))).status).toBe(503);
  expect((await roundTrip(port, get('/healthz/live'))).status).toBe(200);
});
