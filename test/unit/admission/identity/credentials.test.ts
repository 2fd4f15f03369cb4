import { describe, expect, test } from 'vitest';
import { findCookie } from '../../../../src/admission/identity/find-cookie.js';
import type { RequestSnapshot } from '../../../../src/protocol/request-snapshot.js';
import { codeOf, detailOf, makeIdentity, principalIn, request, signHs } from './identity-fixture.js';

const credentials = { cookieName: '__Host-selvage', queryToken: true };
const made = makeIdentity({ credentials, allowedOrigins: ['https://app.example.com'] });
const ask = async (by: RequestSnapshot): Promise<string> => {
  const found = await made.identity.authenticate(by);
  return found.kind === 'principal' ? found.principal.via : found.refusal.code;
};
const token = await signHs();
const other = await signHs({ sub: 'bob' });
const cookie = `__Host-selvage=${token}`;

test('a token is found in the header, the cookie and the query', async () => {
  expect(await ask(request({ headers: { authorization: `Bearer ${token}` } }))).toBe('bearer');
  expect(await ask(request({ headers: { authorization: `bEARER   ${token}` } }))).toBe('bearer');
  expect(await ask(request({ headers: { cookie } }))).toBe('cookie');
  expect(await ask(request({ query: { access_token: token } }))).toBe('query');
  expect(await ask(request())).toBe('anonymous');
});

test('the same token in two places is one credential, two tokens are none', async () => {
  expect(await ask(request({ headers: { authorization: `Bearer ${token}`, cookie } }))).toBe('bearer');
  for (const by of [
    request({ headers: { authorization: `Bearer ${other}`, cookie } }),
    request({ headers: { cookie }, query: { access_token: other } }),
    request({ headers: { authorization: `Bearer ${token}` }, query: { ticket: 'x' } }),
    request({ query: { access_token: [token, token] } }),
  ]) {
    expect(await ask(by)).toBe('token-invalid');
  }
});

test.each([
  '',
  'Bearer',
  'Bearer ',
  'Basic YTpi',
  'Bearer a b',
  'Bearer x',
  'x',
  'Bearer a.b.c, Bearer a.b.c',
  'Bearer .a.b',
  'Bearer a.b.c.d.e',
  'Bearer ä.b.c',
])('the header %j is refused and never taken for nobody', async (authorization) => {
  expect(await ask(request({ headers: { authorization } }))).toBe('token-invalid');
});

test('what is switched off is refused when it is a token, and not looked at when it is a cookie', async () => {
  const { identity } = makeIdentity();
  const inQuery = await identity.authenticate(request({ query: { access_token: token } }));
  expect([codeOf(inQuery), detailOf(inQuery)]).toEqual(['token-invalid', expect.stringContaining('switched off')]);
  expect(codeOf(await identity.authenticate(request({ query: { ticket: 'x' } })))).toBe('ticket-invalid');
  expect(principalIn(await identity.authenticate(request({ headers: { cookie } }))).via).toBe('anonymous');
});

test('with no issuer a token is refused rather than ignored', async () => {
  const { identity } = makeIdentity({ issuers: [] });
  expect(codeOf(await identity.authenticate(request({ headers: { authorization: `Bearer ${token}` } })))).toBe('token-invalid');
});

describe('cookies', () => {
  test.each<[string, string]>([
    [`a=1; ${cookie}; b=2`, 'cookie'],
    [`__Host-selvage="${token}"`, 'cookie'],
    [` __Host-selvage = ${token} `, 'cookie'],
    [`${cookie};`, 'cookie'],
    // A neighbouring domain set one of the two.
    [`${cookie}; ${cookie}`, 'token-invalid'],
    [`__Host-selvage=; ${cookie}`, 'token-invalid'],
    // Names are exact, whatever a browser's prefix rules would say of other spellings.
    [`__host-selvage=${token}`, 'anonymous'],
    [`x__Host-selvage=${token}`, 'anonymous'],
    [`__Host-selvage`, 'anonymous'],
    ['__Host-selvage=', 'anonymous'],
    // A value cannot smuggle another pair.
    [`a="; ${cookie}; "`, 'cookie'],
    ['__Host-selvage="', 'token-invalid'],
    [`__Host-selvage=${token}x=y`, 'token-invalid'],
    [`__Host-selvage=${encodeURIComponent(`${token}.`)}%2E`, 'token-invalid'],
  ])('%s', async (header, outcome) => {
    expect(await ask(request({ headers: { cookie: header } }))).toBe(outcome);
  });

  test('values are found in order', () => {
    expect(findCookie('a=1;b=2; a="3" ;a', 'a')).toEqual(['1', '3']);
  });

  const headers = { cookie, host: 'api.example.com' };
  test.each<[string, string, Record<string, string>, string]>([
    ['a GET of a listed page', 'GET', { origin: 'https://app.example.com' }, 'cookie'],
    ["a GET of the node's own page", 'GET', { origin: 'https://api.example.com' }, 'cookie'],
    ['a GET without an origin, of the same page', 'GET', { 'sec-fetch-site': 'same-origin' }, 'cookie'],
    ['a GET that somebody typed', 'GET', { 'sec-fetch-site': 'none' }, 'cookie'],
    ['a GET of a page elsewhere', 'GET', { origin: 'https://evil.example.com' }, 'origin-forbidden'],
    ['an image of a page elsewhere, which would take up a stream', 'GET', { 'sec-fetch-site': 'cross-site' }, 'origin-forbidden'],
    ['an image of a neighbour', 'GET', { 'sec-fetch-site': 'same-site' }, 'origin-forbidden'],
    ['a sandboxed frame', 'GET', { origin: 'null' }, 'origin-forbidden'],
    ['a name that only begins alike', 'GET', { origin: 'https://api.example.com.evil.net' }, 'origin-forbidden'],
    ['another port', 'GET', { origin: 'https://api.example.com:8443' }, 'origin-forbidden'],
    ['an origin with a path', 'GET', { origin: 'https://api.example.com/' }, 'origin-forbidden'],
    ['a user in front of the name', 'GET', { origin: 'https://api.example.com@evil.net' }, 'origin-forbidden'],
    ['a POST of a listed page', 'POST', { origin: 'https://app.example.com' }, 'cookie'],
    ['a POST without an origin', 'POST', {}, 'origin-forbidden'],
    ['a POST that claims to be of the same page by another header', 'POST', { 'sec-fetch-site': 'same-origin' }, 'origin-forbidden'],
  ])('%s', async (_, method, extra, outcome) => {
    expect(await ask(request({ method, headers: { ...headers, ...extra } }))).toBe(outcome);
  });

  test('a bearer token needs no origin', async () => {
    expect(await ask(request({ method: 'POST', headers: { authorization: `Bearer ${token}`, origin: 'https://evil.example.com' } }))).toBe(
      'bearer',
    );
  });
});
