import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Authentication } from '../../../../src/admission/authenticator.js';
import type { Issuer } from '../../../../src/admission/identity/issuer.js';
import {
  bearer,
  codeOf,
  detailOf,
  hsIssuer,
  makeIdentity,
  principalIn,
  secret,
  seconds,
  signHs,
  startMs,
  usualClaims,
} from './identity-fixture.js';
import type { Made } from './identity-fixture.js';

/** Tokens are put together by hand here: a library would refuse to write most of them. */
const part = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const weakRsa = generateKeyPairSync('rsa', { modulusLength: 1_024 });
const rsaPem = rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string;
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const now = seconds(startMs);

const hsBy = (key: string | Buffer, header: unknown, claims: unknown): string => {
  const signed = `${part(header)}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
};
const rsBy = (header: unknown, claims: unknown): string => {
  const signed = `${part(header)}.${part(claims)}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), rsa.privateKey).toString('base64url')}`;
};
const hs = (claims: unknown, header: unknown = { alg: 'HS256' }): string => hsBy(secret, header, claims);
const withClaims = (claims: object): string => hs({ ...usualClaims, ...claims });
const rsIssuer: Issuer = { ...hsIssuer, algorithms: ['RS256', 'ES256'], keys: { kind: 'pem', text: rsaPem } };

interface Attack {
  readonly what: string;
  readonly token: string;
  /** Default `token-invalid`. */
  readonly code?: string;
  /** Default the issuer with a secret. */
  readonly issuer?: Partial<Issuer>;
}

const attacks: readonly Attack[] = [
  // The signature.
  {
    what: 'no signature: `none` is an algorithm of the standard, which a careless verifier honours',
    token: `${part({ alg: 'none' })}.${part(usualClaims)}.`,
  },
  {
    what: 'the same with other letters, for a verifier that compares with a list of forbidden ones',
    token: `${part({ alg: 'nOnE' })}.${part(usualClaims)}.`,
  },
  { what: 'no signature under an accepted algorithm', token: `${part({ alg: 'HS256' })}.${part(usualClaims)}.` },
  { what: 'a signature of another secret', token: hsBy(`${secret}!`, { alg: 'HS256' }, usualClaims) },
  { what: 'claims changed after signing', token: hs(usualClaims).replace(part(usualClaims), part({ ...usualClaims, sub: 'admin' })) },
  {
    what: 'the public key used as a secret: whoever has it could write tokens if the token chose the algorithm',
    token: hsBy(rsaPem, { alg: 'HS256' }, usualClaims),
    issuer: rsIssuer,
  },
  {
    what: 'the same with the key in DER',
    token: hsBy(rsa.publicKey.export({ type: 'spki', format: 'der' }), { alg: 'HS256' }, usualClaims),
    issuer: rsIssuer,
  },
  {
    what: 'an accepted algorithm that does not fit the key: an ES256 header over an RSA signature',
    token: rsBy({ alg: 'ES256' }, usualClaims),
    issuer: rsIssuer,
  },
  { what: 'an algorithm that is real but not accepted of this issuer', token: rsBy({ alg: 'RS512' }, usualClaims), issuer: rsIssuer },
  { what: 'an algorithm that is no text', token: hs(usualClaims, { alg: ['HS256'] }) },
  {
    what: 'the ECDSA signature of zeros, which broken verifiers accept (CVE-2022-21449)',
    token: `${part({ alg: 'ES256' })}.${part(usualClaims)}.${Buffer.alloc(64).toString('base64url')}`,
    issuer: { algorithms: ['ES256'], keys: { kind: 'pem', text: ec.publicKey.export({ type: 'spki', format: 'pem' }) as string } },
  },
  // Keys that the token brings along.
  {
    what: 'a key in the header (`jwk`), which signs its own token',
    token: rsBy({ alg: 'RS256', jwk: rsa.publicKey.export({ format: 'jwk' }) }, usualClaims),
  },
  {
    what: 'an address of keys in the header (`jku`), which must never be fetched',
    token: rsBy({ alg: 'RS256', jku: 'http://127.0.0.1:1/keys', kid: 'x' }, usualClaims),
  },
  {
    what: 'a key name with a path, for a verifier that opens a file of that name',
    token: hsBy('', { alg: 'HS256', kid: '../../../dev/null' }, usualClaims),
  },
  { what: 'a key name of many bytes', token: hs(usualClaims, { alg: 'HS256', kid: 'k'.repeat(1_000) }) },
  { what: 'a key name that is no text', token: hs(usualClaims, { alg: 'HS256', kid: { $ne: null } }) },
  // Headers.
  {
    what: 'a critical extension that nobody here knows (`crit`)',
    token: hs(usualClaims, { alg: 'HS256', crit: ['urn:x'], 'urn:x': true }),
  },
  {
    what: 'an unencoded payload (`b64`), by which text and claims could differ',
    token: hs(usualClaims, { alg: 'HS256', crit: ['b64'], b64: false }),
  },
  {
    what: 'a token of another kind (`typ`), made for another purpose by the same issuer',
    token: hs(usualClaims, { alg: 'HS256', typ: 'logout+jwt' }),
  },
  {
    what: 'a refresh token, where only access tokens are accepted',
    token: hs(usualClaims, { alg: 'HS256', typ: 'JWT' }),
    issuer: { types: ['at+jwt'] },
  },
  { what: 'a kind that is no text', token: hs(usualClaims, { alg: 'HS256', typ: 7 }) },
  // Claims about the token.
  { what: 'expired', token: withClaims({ exp: now - 6 }), code: 'token-expired' },
  { what: 'without an end', token: hs({ sub: 'alice' }) },
  { what: 'an end that is a text', token: withClaims({ exp: String(now + 60) }) },
  { what: 'an end beyond all time', token: withClaims({ exp: 1e300 }) },
  { what: 'an end that is so far away that a revocation could not be kept until then', token: withClaims({ exp: now + 86_500 }) },
  { what: 'a beginning in the past that hides how long it lives', token: withClaims({ iat: now - 90_000, exp: now + 60 }) },
  { what: 'not valid yet', token: withClaims({ nbf: now + 60 }) },
  { what: 'issued in the future: it would survive every revocation "of all tokens until now"', token: withClaims({ iat: now + 60 }) },
  { what: 'issued at a time that is a text', token: withClaims({ iat: 'now' }) },
  {
    what: 'of another issuer with the same secret',
    token: withClaims({ iss: 'https://evil.example.com' }),
    issuer: { issuer: 'https://id.example.com' },
  },
  { what: 'of no issuer', token: withClaims({}), issuer: { issuer: 'https://id.example.com' } },
  {
    what: 'of an issuer that only begins alike',
    token: withClaims({ iss: 'https://id.example.com.evil.net' }),
    issuer: { issuer: 'https://id.example.com' },
  },
  { what: 'of a list of issuers', token: withClaims({ iss: ['https://id.example.com'] }), issuer: { issuer: 'https://id.example.com' } },
  { what: 'for another service', token: withClaims({ aud: 'billing' }), issuer: { audiences: ['selvage'] } },
  { what: 'for no service', token: withClaims({}), issuer: { audiences: ['selvage'] } },
  { what: 'for services that are no texts', token: withClaims({ aud: [['selvage']] }), issuer: { audiences: ['selvage'] } },
  // Claims about somebody.
  { what: 'of nobody', token: hs({ exp: now + 60 }) },
  { what: 'of an empty name', token: withClaims({ sub: '' }) },
  { what: 'of a name that is an object', token: withClaims({ sub: { toString: 'alice' } }) },
  { what: 'of a name of half a character, which has no bytes', token: withClaims({ sub: 'a\ud800' }) },
  { what: 'of a name without end', token: withClaims({ sub: 'a'.repeat(300) }) },
  { what: 'with a tenant that is no name', token: withClaims({ tenant: ['acme'] }) },
  { what: 'with an identity that is no text', token: withClaims({ jti: 1 }) },
  { what: 'with grants that are a text', token: withClaims({ selvage: '**' }) },
  { what: 'with patterns that are a text, whose letters would be patterns', token: withClaims({ selvage: { read: '**' } }) },
  { what: 'with half a wildcard', token: withClaims({ selvage: { read: ['task-*'] } }) },
  { what: 'with a rest that is not at the end', token: withClaims({ selvage: { read: ['**.inbox'] } }) },
  { what: 'with a pattern that is no text', token: withClaims({ selvage: { publish: [null] } }) },
  { what: 'with patterns without number', token: withClaims({ selvage: { read: Array.from({ length: 65 }, (_, i) => `c${i}`) } }) },
  { what: 'with a pattern without end', token: withClaims({ selvage: { read: ['a'.repeat(600)] } }) },
  // The form.
  { what: 'too large to look at', token: withClaims({ padding: 'x'.repeat(8_192) }) },
  { what: 'claims that are a list', token: hs([usualClaims]) },
  { what: 'claims that are no JSON', token: hs('{"sub":"alice"') },
  { what: 'claims that are not UTF-8', token: hsBy(secret, { alg: 'HS256' }, Buffer.from([0x7b, 0xff, 0x7d]).toString('latin1')) },
  { what: 'claims nested without end', token: hs(`${'['.repeat(2_500)}${']'.repeat(2_500)}`) },
  { what: 'a header that is no JSON', token: `${part('{')}.${part(usualClaims)}.AAAA` },
  { what: 'an encrypted token', token: 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAA.AAAA.AAAA' },
  { what: 'line feeds, to write lines of their own into a log', token: 'eyJh\nbGciOi.J9.AAAA' },
  { what: 'nothing but dots', token: '..' },
];

async function attempt({ token, issuer }: Attack): Promise<{ readonly found: Authentication; readonly made: Made }> {
  const made = makeIdentity({ issuers: [{ ...hsIssuer, ...issuer }] });
  return { found: await made.identity.authenticate(bearer(token)), made };
}

test.each(attacks.map((attack) => [attack.what, attack] as const))('%s', async (_, attack) => {
  const { found } = await attempt(attack);
  expect(codeOf(found)).toBe(attack.code ?? 'token-invalid');
});

test('no refusal, header or line of the log holds a part of a token', async () => {
  for (const attack of attacks) {
    const { found, made } = await attempt(attack);
    const told = JSON.stringify([found, made.lines]);
    const words = attack.token.split(/[.\s]/).filter((word) => word.length >= 8);
    const decoded = words.map((word) => Buffer.from(word, 'base64url').toString()).flatMap((text) => text.match(/"[^"]{4,}"/g) ?? []);
    const values = decoded.filter((text) => !/^"(alice|selvage|tenant|read|publish|HS256|RS256|typ|iat|nbf|padding)"$/.test(text));
    for (const secretPart of [...words, ...words.map((word) => word.slice(0, 16)), ...values]) expect(told).not.toContain(secretPart);
    for (const key of [secret, rsaPem]) expect(told).not.toContain(key);
  }
});

describe('what looks strange and is sound', () => {
  const subjects = ['ålice', '用户', 'alice@example.com', 'a.b', '**', '{sub}', '__proto__', 'a\u0000b', '👩‍🚀'];
  test.each(subjects)('the subject %j is itself and nobody else', async (sub) => {
    const { found } = await attempt({ what: '', token: withClaims({ sub, selvage: { read: ['user.{sub}.inbox'] } }) });
    const principal = principalIn(found);
    expect(principal.subject).toBe(sub);
    expect(
      ['user.alice.inbox', 'user.a.b.inbox', 'user.**.inbox', 'user.{sub}.inbox', 'user.bob.inbox'].filter((channel) =>
        principal.read.allows(channel),
      ),
    ).toEqual([]);
  });

  test('of a claim that is there twice the last one counts, for who it is as for what it may', async () => {
    const text = `{"sub":"admin","sub":"alice","exp":${now + 60},"selvage":{"read":["user.{sub}.**"]}}`;
    const principal = principalIn((await attempt({ what: '', token: hs(text) })).found);
    expect(principal.subject).toBe('alice');
    expect(['user.admin.x', 'user.alice.x'].map((channel) => principal.read.allows(channel))).toEqual([false, true]);
  });

  test('claims named like what objects inherit mean nothing', async () => {
    const text = `{"sub":"alice","exp":${now + 60},"__proto__":{"selvage":{"read":["**"]}},"constructor":{"tenant":"x"}}`;
    const principal = principalIn((await attempt({ what: '', token: hs(text) })).found);
    expect([principal.read.allows('x'), principal.tenant]).toEqual([false, null]);
    const inherited = await attempt({
      what: '',
      token: hs(text),
      issuer: { claims: { subject: 'toString', grants: 'selvage', tenant: 'tenant' } },
    });
    expect(codeOf(inherited.found)).toBe('token-invalid');
  });

  test('a claim with dots in its name, and one at the end of a path', async () => {
    const claims = { subject: 'user.id', grants: 'https://example.com/selvage', tenant: 'org.name' };
    const token = withClaims({ user: { id: 7 }, 'https://example.com/selvage': { read: ['a.{claim:org.name}'] }, org: { name: 'acme' } });
    const principal = principalIn((await attempt({ what: '', token, issuer: { claims } })).found);
    expect([principal.subject, principal.tenant, principal.read.allows('a.acme')]).toEqual(['7', 'acme', true]);
  });

  test('a token without grants has those of its issuer, one with empty grants has none', async () => {
    const { identity } = makeIdentity({
      issuers: [
        {
          ...hsIssuer,
          subjectPrefix: 'staff:',
          defaultGrants: { read: [{ segments: [[{ kind: 'literal', text: 'u' }], [{ kind: 'subject' }]], hasRest: false }], publish: [] },
        },
      ],
    });
    const allows = async (claims: object, channel: string): Promise<boolean> =>
      principalIn(await identity.authenticate(bearer(withClaims(claims)))).read.allows(channel);
    expect(await allows({}, 'u.staff%3Aalice')).toBe(true);
    expect(await allows({}, 'u.alice')).toBe(false);
    expect(await allows({ selvage: {} }, 'u.staff%3Aalice')).toBe(false);
  });
});

test('several issuers are told apart by the token, and neither can speak for the other', async () => {
  const others = 'another-secret-of-thirty-two-bytes-or-more';
  const issuers: Issuer[] = [
    { ...hsIssuer, name: 'a', issuer: 'a' },
    { ...hsIssuer, name: 'b', issuer: 'b', keys: { kind: 'secret', text: others, encoding: 'utf8' } },
  ];
  const { identity } = makeIdentity({ issuers });
  const codes = await Promise.all(
    [
      signHs({ iss: 'a' }),
      signHs({ iss: 'b' }, {}, others),
      signHs({ iss: 'b' }),
      signHs({ iss: 'a' }, {}, others),
      signHs({ iss: 'c' }),
      signHs({}),
    ].map(async (token) => codeOf(await identity.authenticate(bearer(await token)))),
  );
  expect(codes).toEqual(['principal', 'principal', ...Array<string>(4).fill('token-invalid')]);
});

test('a weak key is refused before it can verify anything', () => {
  const text = weakRsa.publicKey.export({ type: 'spki', format: 'pem' }) as string;
  expect(() => makeIdentity({ issuers: [{ ...rsIssuer, keys: { kind: 'pem', text } }] })).toThrow(/1024 bits/);
});

test('tokens that are refused again and again are verified once a while, and a flood of different ones is bounded', async () => {
  const { identity, checked, environment } = makeIdentity({
    verifyLimits: { cachedMax: 10, refusedMs: 5_000, runningMax: 1, waitingMax: 5 },
  });
  const bad = withClaims({ nbf: now + 8 });
  expect(codeOf(await identity.authenticate(bearer(bad)))).toBe('token-invalid');
  expect(identity.authenticate(bearer(bad))).not.toBeInstanceOf(Promise);
  environment.advance(5_001);
  expect(codeOf(await identity.authenticate(bearer(bad)))).toBe('principal');
  checked.clear();
  const flood = await Promise.all(Array.from({ length: 50 }, async (_, i) => identity.authenticate(bearer(withClaims({ n: i })))));
  const overloaded = flood.filter((found) => codeOf(found) === 'overloaded');
  expect([flood.length - overloaded.length, overloaded.length]).toEqual([6, 44]);
  expect(detailOf(overloaded[0] ?? (await identity.authenticate(bearer(bad))))).toContain('Too many');
});
