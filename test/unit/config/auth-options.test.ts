import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { load, messageOf, pathsOf, problemsOf } from './config-fixture.js';

const secret = 'a-secret-of-thirty-two-bytes-and-more';
const pem = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' });
const withIssuer = (fields: object, auth: object = {}): string => JSON.stringify({ auth: { ...auth, issuers: [fields] } });

describe('the environment alone', () => {
  test('a secret makes an issuer of HS256', () => {
    const config = load({ env: { SELVAGE_JWT_SECRET: secret, SELVAGE_JWT_ISSUER: 'https://me', SELVAGE_JWT_AUDIENCE: 'a, b' } });
    expect(config.identity.issuers).toMatchObject([
      {
        issuer: 'https://me',
        audiences: ['a', 'b'],
        algorithms: ['HS256'],
        keys: { kind: 'secret', text: secret },
        types: ['', 'jwt', 'at+jwt'],
      },
    ]);
  });

  test('a secret from a file is read again from there', () => {
    const config = load({ env: { SELVAGE_JWT_SECRET_FILE: '/run/secret' }, files: { '/run/secret': `${secret}\n` } });
    expect(config.identity.issuers[0]?.keys).toEqual({ kind: 'secret-files', paths: ['/run/secret'], encoding: 'utf8' });
  });

  test('a key set makes an issuer of public keys only', () => {
    const [issuer] = load({ env: { SELVAGE_JWKS_URL: 'https://id.example.com/keys' } }).identity.issuers;
    expect(issuer?.keys).toEqual({ kind: 'jwks-url', url: 'https://id.example.com/keys' });
    expect(issuer?.algorithms.some((algorithm) => algorithm.startsWith('HS'))).toBe(false);
  });

  test('the embedded default is open, on loopback and without an issuer alone', () => {
    const opened = (env: Record<string, string>): number => load({ env }).identity.open.read.length;
    expect(opened({})).toBe(1);
    expect(opened({ HOST: '0.0.0.0' })).toBe(0);
    expect(opened({ SELVAGE_JWT_SECRET: secret })).toBe(0);
    expect(opened({ KAFKA_BROKERS: 'k:9092' })).toBe(0);
    expect(opened({ KAFKA_BROKERS: 'k:9092', SELVAGE_AUTH_ANONYMOUS_READ: 'public.**' })).toBe(1);
  });
});

describe('the list of issuers', () => {
  test('is read with all its fields', () => {
    const yaml = withIssuer({
      name: 'staff',
      issuer: 'https://id.example.com/',
      audience: ['selvage'],
      algorithms: ['EdDSA'],
      publicKey: pem,
      types: ['at+jwt', 'absent'],
      clockToleranceSeconds: 0,
      tokenLifetimeSecondsMax: 600,
      claims: { subject: 'uid', grants: 'https://example.com/selvage' },
      subjectPrefix: 'staff:',
      defaultRead: ['user.{sub}.**'],
    });
    const [issuer] = load({ yaml }).identity.issuers;
    expect(issuer).toMatchObject({
      name: 'staff',
      types: ['at+jwt', ''],
      lifetimeSecondsMax: 600,
      claims: { subject: 'uid', grants: 'https://example.com/selvage', tenant: 'tenant' },
      subjectPrefix: 'staff:',
    });
    expect(issuer?.defaultGrants.read).toHaveLength(1);
  });

  test('what an issuer does not say, the options beside the list say', () => {
    const [issuer] = load({ yaml: withIssuer({ secret }, { tenantClaim: 'org', clockToleranceSeconds: 1, defaultRead: ['news'] }) })
      .identity.issuers;
    expect(issuer).toMatchObject({ claims: { tenant: 'org' }, clockToleranceSeconds: 1, name: 'default', issuer: null });
    expect(issuer?.defaultGrants.read).toHaveLength(1);
  });

  test('several need names of their own', () => {
    const yaml = (issuers: object[]): string => JSON.stringify({ auth: { issuers } });
    expect(pathsOf({ yaml: yaml([{ issuer: 'a', secret }, { secret }]) })).toEqual(['auth.issuers[1].issuer']);
    expect(
      pathsOf({
        yaml: yaml([
          { issuer: 'a', secret },
          { issuer: 'a', secret },
        ]),
      }),
    ).toEqual(['auth.issuers[1].issuer']);
    expect(
      load({
        yaml: yaml([
          { issuer: 'a', secret },
          { issuer: 'b', secret },
        ]),
      }).identity.issuers,
    ).toHaveLength(2);
  });
});

const cookies = { SELVAGE_AUTH_COOKIES: 'true', SELVAGE_CORS_ORIGINS: 'https://app.example.com' };

describe('what is unsafe or means nothing is refused by name', () => {
  const list = 'auth.issuers[0]';
  test.each<[string, object, string]>([
    ['a secret that can be guessed', { secret: 'too short' }, `${list}.secret`],
    ['a secret too short for its hash', { secret, algorithms: 'HS512' }, `${list}.secret`],
    ['no signature', { secret, algorithms: ['none'] }, `${list}.algorithms[0]`],
    ['no signature, in other letters', { publicKey: pem, algorithms: ['nOnE'] }, `${list}.algorithms[0]`],
    ['a public key as a secret', { secret: pem }, `${list}.secret`],
    ['a secret algorithm with a public key', { publicKey: pem, algorithms: ['HS256'] }, `${list}.algorithms[0]`],
    ['a secret algorithm with a key set', { jwksUrl: 'https://k', algorithms: ['RS256', 'HS256'] }, `${list}.algorithms[1]`],
    ['a public algorithm with a secret', { secret, algorithms: ['RS256'] }, `${list}.algorithms[0]`],
    ['a key set over plain HTTP', { jwksUrl: 'http://id.example.com/keys' }, `${list}.jwksUrl`],
    ['a key set with a password', { jwksUrl: 'https://u:p@id.example.com/keys' }, `${list}.jwksUrl`],
    ['a key set from a file system', { jwksUrl: 'file:///etc/keys' }, `${list}.jwksUrl`],
    [
      'a private key',
      { publicKey: generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) },
      `${list}.publicKey`,
    ],
    ['keys from two places', { secret, jwksFile: '/keys' }, list],
    ['keys from nowhere', { issuer: 'x' }, list],
    ['a pattern with half a wildcard', { secret, defaultRead: ['task-*'] }, `${list}.defaultRead[0]`],
    ['a mistyped field', { secret, isuer: 'x' }, `${list}.isuer`],
  ])('%s', (_, fields, path) => {
    const problems = problemsOf({ yaml: withIssuer(fields) });
    expect(problems.map((problem) => problem.path)).toEqual([path]);
    for (const { message } of problems) expect(message).not.toContain(secret);
  });

  test('a mistyped field is guessed', () => {
    expect(messageOf({ yaml: withIssuer({ secret, isuer: 'x' }) }, 'auth.issuers[0].isuer')).toContain('did you mean issuer?');
  });

  test('key sets over plain HTTP are for loopback, or for who insists', () => {
    expect(pathsOf({ env: { SELVAGE_JWKS_URL: 'http://127.0.0.1:1/keys' } })).toEqual([]);
    expect(pathsOf({ env: { SELVAGE_JWKS_URL: 'http://id.example.com' } })).toEqual(['auth.jwksUrl']);
    expect(pathsOf({ env: { SELVAGE_JWKS_URL: 'http://127.0.0.1.example.com' } })).toEqual(['auth.jwksUrl']);
    expect(pathsOf({ env: { SELVAGE_JWKS_URL: 'http://id.example.com', SELVAGE_AUTH_ALLOW_INSECURE_JWKS_URL: 'true' } })).toEqual([]);
  });

  test.each<[string, Record<string, string>, string]>([
    ['the secret of the short form', { SELVAGE_JWT_SECRET: 'short' }, 'auth.jwtSecret'],
    ['both short forms', { SELVAGE_JWT_SECRET: secret, SELVAGE_JWKS_URL: 'https://k' }, 'auth.jwksUrl'],
    ['an audience of nothing', { SELVAGE_JWT_AUDIENCE: 'a' }, 'auth.jwtAudience'],
    ['a weak ticket secret', { SELVAGE_TICKET_SECRET: 'short' }, 'auth.ticketSecret'],
    ['cookies for pages of every site', { SELVAGE_AUTH_COOKIES: 'true' }, 'auth.cookies'],
    ['a cookie that nobody reads', { SELVAGE_AUTH_COOKIE_NAME: 'sid' }, 'auth.cookieName'],
    ['a rule for a cookie that nobody reads', { SELVAGE_AUTH_COOKIE_SAME_SITE: 'lax' }, 'auth.cookieSameSite'],
    ['parts of a cookie that nobody reads', { SELVAGE_AUTH_COOKIE_PARTITIONED: 'true' }, 'auth.cookiePartitioned'],
    ['a prefix that not every browser knows', { ...cookies, SELVAGE_AUTH_COOKIE_NAME: '__host-sid' }, 'auth.cookieName'],
    ['a cookie for other sites that none may use', { ...cookies, SELVAGE_AUTH_COOKIE_SAME_SITE: 'none' }, 'auth.cookieSameSite'],
    ['a parted cookie that no embedded page sends', { ...cookies, SELVAGE_AUTH_COOKIE_PARTITIONED: 'true' }, 'auth.cookiePartitioned'],
    ['places for a caller where there is none', { SELVAGE_AUTH_ANONYMOUS_READ: 'user.{sub}.inbox' }, 'auth.anonymousRead'],
  ])('%s', (_, env, path) => {
    expect(pathsOf({ env })).toEqual([path]);
  });

  test('a cookie for pages of other sites', () => {
    const env = {
      ...cookies,
      SELVAGE_CORS_CREDENTIALS: 'true',
      SELVAGE_AUTH_COOKIE_SAME_SITE: 'none',
      SELVAGE_AUTH_COOKIE_PARTITIONED: 'true',
    };
    expect(load({ env }).auth).toMatchObject({ cookieName: '__Host-selvage', cookieSameSite: 'none', cookiePartitioned: true });
    expect(load({ env: cookies }).auth).toMatchObject({ cookieSameSite: 'strict', cookiePartitioned: false });
  });

  test('the short form beside the list', () => {
    expect(pathsOf({ env: { SELVAGE_JWT_SECRET: secret }, yaml: withIssuer({ secret }) })).toEqual(['auth.jwtSecret']);
  });
});
