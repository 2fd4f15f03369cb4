import { choice, integer, list, optionalList, optionalText, text, yesNo } from './option.js';

const seconds = 's';
const milliseconds = 'ms';
const claimName = { pattern: /^[\x21-\x7e]{1,255}$/, shape: 'the name of a claim' };
const openWhenAlone = {
  sentence: 'none; `**` when embedded, without an issuer and on loopback',
  derive: ({ isOpen }: { readonly isOpen: boolean }) => (isOpen ? ['**'] : []),
};

/** Who may do what. `auth.issuers` of the file is a grammar of its own (`parse-issuer.ts`). */
export const authOptions = {
  jwtSecret: optionalText({
    env: 'SELVAGE_JWT_SECRET',
    secret: true,
    sentence: 'Secret of tokens signed with HS256, at least 32 bytes: the shortest set-up.',
  }),
  jwksUrl: optionalText({ env: 'SELVAGE_JWKS_URL', sentence: 'URL of the key set of tokens signed with public keys.' }),
  jwtIssuer: optionalText({ env: 'SELVAGE_JWT_ISSUER', sentence: 'What `iss` of a token must be; absent: not looked at.' }),
  jwtAudience: optionalList({ env: 'SELVAGE_JWT_AUDIENCE', sentence: 'What `aud` of a token must name one of; absent: not looked at.' }),
  allowInsecureJwksUrl: yesNo({
    default: false,
    sentence: 'Key sets may come over plain HTTP from other machines. Switch on in tests only.',
  }),
  subjectClaim: text({ default: 'sub', ...claimName, sentence: 'Claim that says who somebody is.' }),
  grantsClaim: text({
    default: 'selvage',
    ...claimName,
    sentence: 'Claim with `{"read": […], "publish": […]}`: patterns of channels. A path of names between dots will do.',
  }),
  tenantClaim: text({ default: 'tenant', ...claimName, sentence: 'Claim with whom somebody shares a budget.' }),
  defaultRead: list({ default: [], sentence: 'Patterns that a token without grants may read, such as `user.{sub}.**`.' }),
  defaultPublish: list({ default: [], sentence: 'Patterns that a token without grants may publish to.' }),
  anonymousRead: list({ default: openWhenAlone, sentence: 'Patterns that anybody may read.' }),
  anonymousPublish: list({ default: openWhenAlone, sentence: 'Patterns that anybody may publish to.' }),
  clockToleranceSeconds: integer({ default: 5, max: 300, unit: seconds, sentence: "How far issuers' clocks may be off." }),
  tokenLifetimeSecondsMax: integer({
    default: 604_800,
    min: 1,
    max: 31_622_400,
    unit: seconds,
    sentence: 'Tokens that live longer are refused.',
  }),
  cookies: yesNo({
    default: false,
    sentence: 'Tokens may come in a cookie. Other pages than those of `cors.origins` and the node itself are refused.',
  }),
  cookieName: text({
    default: '__Host-selvage',
    pattern: /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/,
    shape: 'the name of a cookie',
    sentence: 'Name of that cookie; without `__Host-` a neighbouring domain could set one.',
  }),
  cookieSameSite: choice({
    of: ['strict', 'lax', 'none'],
    default: 'strict',
    sentence: 'Whose pages the cookie of `/v1/session` is sent for; `none`: those of other sites too, which must be in `cors.origins`.',
  }),
  cookiePartitioned: yesNo({
    default: false,
    sentence: 'That cookie is another for each site that embeds the page; needs `none`.',
  }),
  queryToken: yesNo({ default: false, sentence: 'Tokens may come as `access_token` in the address, where proxies log them.' }),
  ticketSecret: optionalText({
    env: 'SELVAGE_TICKET_SECRET',
    secret: true,
    sentence: 'Secret that seals tickets, at least 32 bytes, the same on all nodes; absent: there are no tickets.',
  }),
  ticketSeconds: integer({
    default: 30,
    min: 1,
    max: 300,
    unit: seconds,
    sentence: 'How long a ticket opens a stream; later it only brings that stream back.',
  }),
  keyFilePollSeconds: integer({
    default: 5,
    min: 1,
    max: 3_600,
    unit: seconds,
    sentence: 'Time between looks at files with secrets and keys.',
  }),
  keyOverlapSeconds: integer({
    default: 600,
    max: 86_400,
    unit: seconds,
    sentence: 'How long a secret or key is believed after its file was replaced.',
  }),
  jwksRefreshSeconds: integer({ default: 300, min: 5, max: 86_400, unit: seconds, sentence: 'Time between fetches of a key set.' }),
  jwksCoolDownSeconds: integer({
    default: 10,
    min: 1,
    max: 3_600,
    unit: seconds,
    sentence: 'Least time between fetches that tokens with unknown keys cause.',
  }),
  jwksTimeoutMs: integer({ default: 5_000, min: 100, max: 60_000, unit: milliseconds, sentence: 'Longest fetch of a key set.' }),
  jwksBytesMax: integer({ default: 262_144, min: 1_024, max: 16_777_216, unit: 'bytes', sentence: 'Largest key set.' }),
  jwksStaleSecondsMax: integer({
    default: 86_400,
    min: 60,
    max: 2_592_000,
    unit: seconds,
    sentence: 'How long a key set is believed while its server is away; then no token is.',
  }),
  tokensRememberedMax: integer({
    default: 50_000,
    min: 1,
    max: 10_000_000,
    sentence: 'Verified tokens that are remembered, by hash; some 2 KB each, for a while twice as many.',
  }),
  verificationsMax: integer({ default: 32, min: 1, max: 1_024, sentence: 'Tokens that are verified at a time.' }),
  verificationsWaitingMax: integer({
    default: 10_000,
    min: 1,
    max: 1_000_000,
    sentence: 'Tokens that wait for that; more are told to come back.',
  }),
};
