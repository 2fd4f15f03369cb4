import { expect, onTestFinished, test } from 'vitest';
import type { Algorithm, Issuer } from '../../../../src/admission/identity/issuer.js';
import { defaultKeyTimes } from '../../../../src/admission/identity/key-source.js';
import { createPrometheusMetrics } from '../../../../src/telemetry/prometheus-metrics.js';
import { waitFor } from '../../../platform/wait-for.js';
import { bearer, codeOf, hsIssuer, makeIdentity } from '../../../unit/admission/identity/identity-fixture.js';
import type { Made } from '../../../unit/admission/identity/identity-fixture.js';
import { JwksServer, newKey, signWith } from './jwks-server.js';
import type { SigningKey } from './jwks-server.js';

const algorithms: readonly Algorithm[] = ['RS256', 'ES256', 'EdDSA'];
const metrics = createPrometheusMetrics({ processMetrics: false });
const jwksIssuer = (url: string): Issuer => ({
  ...hsIssuer,
  name: 'idp',
  lifetimeSecondsMax: 864_000,
  algorithms,
  keys: { kind: 'jwks-url', url },
});

interface Started extends Made {
  ask(token: string): Promise<string>;
}

async function startNode(url: string, jwksTimeoutMs = 5_000): Promise<Started> {
  const made = makeIdentity({ issuers: [jwksIssuer(url)], metrics, keyTimes: { ...defaultKeyTimes, jwksTimeoutMs, jwksBytesMax: 20_000 } });
  onTestFinished(() => made.identity.stop());
  await made.identity.start();
  return { ...made, ask: async (token) => codeOf(await made.identity.authenticate(bearer(token))) };
}

const longLived = { exp: Math.floor(Date.parse('2026-01-08T00:00:00Z') / 1_000), iat: undefined };

test('tokens of each kind of key are accepted, with a kid and without', async () => {
  const keys = [newKey('r', 'rsa'), newKey('e'), newKey('d', 'ed25519')];
  const server = await JwksServer.start(keys);
  const { ask } = await startNode(server.url);
  for (const key of keys) {
    expect(await ask(await signWith(key))).toBe('principal');
    expect(await ask(await signWith(key, {}, { kid: undefined }))).toBe('principal');
  }
  expect(await ask(await signWith(newKey('e')))).toBe('token-invalid');
  expect(server.requests).toBe(1);
});

test('an unknown key is looked for once, for all who have it, and then not again until the cool-down is over', async () => {
  const [old, fresh] = [newKey('old'), newKey('new')];
  const server = await JwksServer.start([old]);
  const { ask, environment } = await startNode(server.url);
  environment.advance(10_000);
  server.keys = [old, fresh];
  const tokens = await Promise.all(Array.from({ length: 20 }, async (_, n) => signWith(fresh, { n })));
  expect(new Set(await Promise.all(tokens.map(ask)))).toEqual(new Set(['principal']));
  expect(server.requests).toBe(2);
  for (let n = 0; n < 20; n++) expect(await ask(await signWith(newKey(`made-up-${n}`)))).toBe('token-invalid');
  expect(server.requests).toBe(2);
  environment.advance(10_001);
  expect(await ask(await signWith(newKey('made-up')))).toBe('token-invalid');
  expect(server.requests).toBe(3);
});

test('a forged token with the name of a known key causes no look, and is told to be wrong even while the server is away', async () => {
  const key = newKey('k');
  const server = await JwksServer.start([key]);
  const { ask, environment } = await startNode(server.url);
  environment.advance(20_000);
  expect(await ask(await signWith(newKey('k')))).toBe('token-invalid');
  expect(server.requests).toBe(1);
  await server.stop();
  expect(await ask(await signWith(newKey('k'), { n: 1 }))).toBe('token-invalid');
});

test('keys are fetched again in the background, and a key that is no longer listed takes its tokens along', async () => {
  const [old, fresh] = [newKey('old'), newKey('new')];
  const server = await JwksServer.start([old]);
  const { ask, identity, environment } = await startNode(server.url);
  const token = await signWith(old);
  expect(await ask(token)).toBe('principal');
  server.keys = [fresh];
  environment.advance(330_000);
  await waitFor(async () => (await ask(await signWith(fresh, { n: server.requests }))) === 'principal', { what: 'the new key' });
  expect(await ask(token)).toBe('token-invalid');
  identity.stop();
});

test('while the server is away the last good keys are served, for a bounded time, and all is well when it is back', async () => {
  const key = newKey('k');
  const server = await JwksServer.start([key]);
  const { ask, environment, lines } = await startNode(server.url);
  const token = await signWith(key, longLived);
  expect(await ask(token)).toBe('principal');
  await server.stop();
  for (let hour = 1; hour <= 23; hour++) environment.advance(3_600_000);
  expect(await ask(token)).toBe('principal');
  expect(await ask(await signWith(key, { ...longLived, n: 1 }))).toBe('principal');
  expect(await ask(await signWith(newKey('unknown'), longLived))).toBe('identity-unavailable');
  environment.advance(3_600_001);
  expect(await ask(token)).toBe('identity-unavailable');
  expect(lines.some(({ message }) => message === 'the key set cannot be fetched')).toBe(true);
  await server.start();
  environment.advance(10_001);
  await waitFor(async () => (await ask(token)) === 'principal', { what: 'the keys to be fetched again' });
  expect((await metrics.expose()).body).toMatch(/selvage_auth_key_refreshes_total\{issuer="idp",outcome="failed"\} [1-9]/);
});

test('a node that starts while the server is away starts, refuses for now, and recovers', async () => {
  const key = newKey('k');
  const server = await JwksServer.start([key]);
  await server.stop();
  const { ask, environment } = await startNode(server.url);
  const token = await signWith(key);
  expect(await ask(token)).toBe('identity-unavailable');
  await server.start();
  environment.advance(10_001);
  await waitFor(async () => (await ask(token)) === 'principal', { what: 'the keys' });
});

test.each<[string, (server: JwksServer, key: SigningKey) => void]>([
  ['an error', (server) => (server.answer = (response) => response.writeHead(500).end())],
  [
    'a redirect, which could lead anywhere',
    (server) => (server.answer = (response) => response.writeHead(302, { location: server.url }).end()),
  ],
  ['an answer without end', (server) => (server.answer = (response) => response.end(Buffer.alloc(30_000, 32)))],
  ['no JSON', (server) => (server.answer = (response) => response.end('<html>'))],
  ['another JSON', (server) => (server.answer = (response) => response.end('{"keys":{}}'))],
  ['no keys', (server) => (server.answer = (response) => response.end('{"keys":[]}'))],
  [
    'a set that holds secrets alone',
    (server) => (server.answer = (response) => response.end(JSON.stringify({ keys: [{ kty: 'oct', k: 'A'.repeat(43), alg: 'HS256' }] }))),
  ],
  ['more keys than anybody has', (server, key) => (server.keys = Array.from({ length: 65 }, () => key))],
])('%s leaves the last good keys as they are', async (_, breakIt) => {
  const key = newKey('k');
  const server = await JwksServer.start([key]);
  const { ask, environment, lines } = await startNode(server.url);
  breakIt(server, key);
  environment.advance(330_000);
  await waitFor(() => lines.some(({ message }) => message === 'the key set cannot be fetched'), { what: 'a fetch that fails' });
  expect(await ask(await signWith(key))).toBe('principal');
});

test('a server that does not answer is given up on', async () => {
  const key = newKey('k');
  const server = await JwksServer.start([key]);
  const { ask, environment, lines } = await startNode(server.url, 100);
  server.answer = () => undefined;
  // No further than to the fetch: its own time runs on the same clock.
  environment.advance(300_000);
  await waitFor(() => server.requests === 2, { what: 'the request' });
  environment.advance(101);
  await waitFor(() => lines.some(({ fields }) => String(fields['reason']).includes('within 100 ms')), { what: 'the time-out' });
  expect(await ask(await signWith(key))).toBe('principal');
});

test('of a set with keys of all sorts only public ones for signatures are used', async () => {
  const good = newKey('good');
  const [forEncryption, leaked, weak] = [newKey('enc'), newKey('leaked'), newKey('odd')];
  const server = await JwksServer.start([good]);
  const jwks = [
    good.jwk,
    { ...forEncryption.jwk, use: 'enc' },
    { ...leaked.privateKey.export({ format: 'jwk' }), kid: 'leaked', alg: 'ES256' },
    { ...weak.jwk, alg: 'ES512' },
    null,
    'x',
    { kty: 'OKP', crv: 'Unknown', x: 'AAAA' },
  ];
  server.answer = (response) => response.end(JSON.stringify({ keys: jwks }));
  const { ask } = await startNode(server.url);
  expect(await ask(await signWith(good))).toBe('principal');
  for (const key of [forEncryption, leaked, weak]) expect(await ask(await signWith(key))).toBe('token-invalid');
});
