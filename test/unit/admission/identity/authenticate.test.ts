import { expect, test } from 'vitest';
import {
  bearer,
  codeOf,
  hsIssuer,
  makeIdentity,
  pattern,
  principalIn,
  request,
  seconds,
  secret,
  signHs,
  startMs,
} from './identity-fixture.js';

test('a signed token says who asks and what they may touch', async () => {
  const { identity } = makeIdentity();
  const token = await signHs({
    jti: 't-1',
    tenant: 'acme',
    selvage: { read: ['user.{sub}.**', 'project.*.stage.*'], publish: ['user.{sub}.out'] },
  });
  const principal = principalIn(await identity.authenticate(bearer(token)));
  expect(principal).toMatchObject({ subject: 'alice', tenant: 'acme', tokenId: 't-1', via: 'bearer', issuedAtMs: startMs });
  expect(principal.expiresAtMs).toBe(startMs + 3_600_000 + hsIssuer.clockToleranceSeconds * 1_000);
  for (const channel of ['user.alice.inbox', 'user.alice.a.b', 'project.1.stage.draft']) expect(principal.read.allows(channel)).toBe(true);
  for (const channel of ['user.alice', 'user.bob.inbox', 'project.1.stage', 'project.1.2.stage.x', 'broadcast']) {
    expect(principal.read.allows(channel)).toBe(false);
  }
  expect(principal.publish.allows('user.alice.out')).toBe(true);
  expect(principal.publish.allows('user.alice.inbox')).toBe(false);
});

test('nobody without a token gets more than what is open, and somebody with one gets that too', async () => {
  const { identity } = makeIdentity({ open: { read: [pattern('public.**')], publish: [] } });
  const anonymous = principalIn(await identity.authenticate(request()));
  expect(anonymous).toMatchObject({ subject: null, via: 'anonymous', tokenId: null });
  expect(anonymous.read.allows('public.news')).toBe(true);
  expect(anonymous.read.allows('user.alice.inbox')).toBe(false);
  const alice = principalIn(await identity.authenticate(bearer(await signHs({ selvage: { read: ['user.{sub}.inbox'] } }))));
  expect(['public.news', 'user.alice.inbox'].map((channel) => alice.read.allows(channel))).toEqual([true, true]);
});

test('a token is verified once, however often and however fast it comes', async () => {
  const { identity, checked } = makeIdentity();
  const token = await signHs();
  await Promise.all(Array.from({ length: 100 }, async () => identity.authenticate(bearer(token))));
  for (let i = 0; i < 10_000; i++) expect(identity.authenticate(bearer(token))).not.toBeInstanceOf(Promise);
  expect(Object.fromEntries(checked)).toEqual({ verified: 1, cached: 10_000 });
});

test('a remembered token expires all the same', async () => {
  const { identity, environment } = makeIdentity();
  const token = await signHs({ exp: seconds(startMs) + 60 });
  expect(codeOf(await identity.authenticate(bearer(token)))).toBe('principal');
  environment.advance(64_000);
  expect(codeOf(await identity.authenticate(bearer(token)))).toBe('principal');
  environment.advance(2_000);
  expect(codeOf(await identity.authenticate(bearer(token)))).toBe('token-expired');
});

test('a revoked token is refused, remembered or not', async () => {
  const revoked = new Set<string>();
  const { identity } = makeIdentity({ isRevoked: ({ tokenId }) => revoked.has(tokenId ?? '') });
  const token = await signHs({ jti: 'gone' });
  expect(codeOf(await identity.authenticate(bearer(token)))).toBe('principal');
  revoked.add('gone');
  expect(codeOf(await identity.authenticate(bearer(token)))).toBe('token-revoked');
  expect(codeOf(await identity.authenticate(bearer(await signHs({ jti: 'gone', nonce: 1 }))))).toBe('token-revoked');
});

test('refusals challenge for a bearer token', async () => {
  const { identity } = makeIdentity();
  const found = await identity.authenticate(bearer(await signHs({}, {}, secret.replace('a', 'b'))));
  expect(found).toMatchObject({
    kind: 'refused',
    refusal: { code: 'token-invalid', headers: { 'WWW-Authenticate': expect.stringMatching(/^Bearer /) as string } },
  });
});
