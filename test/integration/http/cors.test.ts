import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HttpServer } from '../../../src/http/http-server.js';
import { startServer } from './fake-streams.js';
import { roundTrip } from './raw-client.js';

const origins = ['https://app.example.com', 'https://*.tenant.example', 'http://localhost:3000'];
let server: HttpServer;
let port: number;
beforeAll(async () => {
  ({ server, port } = await startServer({ options: { cors: { origins, credentials: true, maxAgeSeconds: 60, privateNetwork: true } } }));
});
afterAll(() => server.closeAll());

const ask = (headers: string, method = 'GET'): Promise<{ head: string; status: number }> =>
  roundTrip(port, `${method} /v1/events?format=json HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);

test.each(['https://app.example.com', 'https://a.tenant.example', 'https://a.b.tenant.example', 'http://localhost:3000'])(
  '%s is let in, by its own name and with credentials',
  async (origin) => {
    const { head } = await ask(`Origin: ${origin}\r\n`, 'HEAD');
    expect(head).toContain(`Access-Control-Allow-Origin: ${origin}\r\n`);
    expect(head).toContain('Access-Control-Allow-Credentials: true');
    expect(head).toMatch(/Vary: [^\r]*Origin/);
    for (const name of [
      'ETag',
      'Retry-After',
      'RateLimit',
      'RateLimit-Policy',
      'X-Request-Id',
      'Idempotent-Replayed',
      'Preference-Applied',
    ])
      expect(head).toMatch(new RegExp(`Access-Control-Expose-Headers: [^\\r]*\\b${name}\\b`));
  },
);

test.each([
  'null',
  '*',
  'http://app.example.com',
  'https://app.example.com:8443',
  'https://app.example.com.evil.net',
  'https://evilapp.example.com',
  'https://tenant.example',
  'https://.tenant.example',
  'https://eviltenant.example',
  'https://evil.net/.tenant.example',
  'https://evil.net#.tenant.example',
  'https://user@a.tenant.example',
  'https://a.tenant.example:444',
  'https://a.tenant.example.evil.net',
  'https://*.tenant.example',
  'https://A.tenant.example',
  'http://localhost:30000',
  'https://app.example.com, https://evil.net',
])('%s is told nothing', async (origin) => {
  expect((await ask(`Origin: ${origin}\r\n`, 'HEAD')).head).not.toContain('Access-Control');
  expect((await ask(`Origin: ${origin}\r\nAccess-Control-Request-Method: GET\r\n`, 'OPTIONS')).head).not.toContain('Access-Control-Allow');
});

test('a preflight names what pages may send, is remembered, and depends on what was asked', async () => {
  const asked = 'authorization,ce-id,ce-source,idempotency-key,if-none-match,last-event-id,prefer,traceparent';
  const headers = `Origin: https://app.example.com\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: ${asked}\r\n`;
  const { status, head } = await ask(headers, 'OPTIONS');
  expect(status).toBe(204);
  const allowed = /Access-Control-Allow-Headers: ([^\r]*)/.exec(head)?.[1]?.toLowerCase().split(', ') ?? [];
  for (const name of asked.split(',')) expect(allowed).toContain(name);
  expect(head).toContain('Access-Control-Max-Age: 60');
  expect(head).toMatch(/Vary: [^\r]*Access-Control-Request-Headers/);
  expect(head).not.toContain('Private-Network');
});

test('what a page may send is never made up of what it asked, but for CloudEvents attributes', async () => {
  const headers = 'Origin: https://app.example.com\r\nAccess-Control-Request-Headers: x-evil, ce-ok, ce-b\u00e4d, *, ce-UPPER\r\n';
  const { head } = await ask(headers, 'OPTIONS');
  expect(head).toMatch(/Access-Control-Allow-Headers: [^\r]*, ce-ok, ce-upper\r/);
  expect(head).not.toMatch(/x-evil|\*/);
});

test('a private network is opened only where that is configured', async () => {
  const headers = 'Origin: https://app.example.com\r\nAccess-Control-Request-Private-Network: true\r\n';
  expect((await ask(headers, 'OPTIONS')).head).toContain('Access-Control-Allow-Private-Network: true');
  const open = await startServer({ options: { cors: { origins: '*', credentials: false, maxAgeSeconds: 60, privateNetwork: false } } });
  const answer = await roundTrip(open.port, `OPTIONS /v1/events HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
  expect(answer.head).not.toContain('Private-Network');
  open.server.closeAll();
});

test('refusals are readable by allowed pages too', async () => {
  const { status, head } = await ask('Origin: https://app.example.com\r\nAccept: image/png\r\n', 'DELETE');
  expect(status).toBe(405);
  expect(head).toContain('Access-Control-Allow-Origin: https://app.example.com');
});
