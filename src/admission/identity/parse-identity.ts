import { FieldReader } from '../../std/field-reader.js';
import type { FieldProblem, Fields } from '../../std/field-reader.js';
import type { Issuer, PatternGrants } from './issuer.js';
import { parseIssuer } from './parse-issuer.js';
import type { IssuerDefaults } from './parse-issuer.js';
import { parsePatternList } from './parse-pattern-list.js';

/** What the configuration says of identity, not yet checked. Paths of problems begin with `auth`. */
export interface RawIdentity {
  /** The one issuer that the environment alone can name. */
  readonly jwtSecret: string | null;
  /** Where `jwtSecret` was read from, to be read again. */
  readonly jwtSecretFile: string | null;
  readonly jwksUrl: string | null;
  readonly jwtIssuer: string | null;
  readonly jwtAudience: readonly string[] | null;
  readonly anonymousRead: readonly string[];
  readonly anonymousPublish: readonly string[];
  /** The list of the file; undefined: there is none. */
  readonly issuers: unknown;
  readonly defaults: IssuerDefaults;
}

export interface IdentityRules {
  readonly issuers: readonly Issuer[];
  readonly open: PatternGrants;
}

export type ParsedIdentity =
  | { readonly kind: 'identity'; readonly identity: IdentityRules }
  | { readonly kind: 'problems'; readonly problems: readonly FieldProblem[] };

const issuersMax = 32;

/** Checks all of it; tells every problem at once. */
export function parseIdentity(raw: RawIdentity): ParsedIdentity {
  const reader = new FieldReader();
  const open = {
    read: parsePatternList(reader, 'auth.anonymousRead', raw.anonymousRead),
    publish: parsePatternList(reader, 'auth.anonymousPublish', raw.anonymousPublish),
  };
  for (const [path, patterns] of [
    ['auth.anonymousRead', raw.anonymousRead] as const,
    ['auth.anonymousPublish', raw.anonymousPublish] as const,
  ]) {
    if (patterns.some((text) => text.includes('{')))
      reader.problem(path, 'holds a place for a value of the caller, and there is no caller');
  }
  const issuers = raw.issuers === undefined ? parseShortcut(reader, raw) : parseList(reader, raw);
  return reader.problems.length === 0 ? { kind: 'identity', identity: { issuers, open } } : { kind: 'problems', problems: reader.problems };
}

function parseList(reader: FieldReader, raw: RawIdentity): readonly Issuer[] {
  for (const name of ['jwtSecret', 'jwksUrl', 'jwtIssuer', 'jwtAudience'] as const) {
    if (raw[name] !== null) reader.problem(`auth.${name}`, 'and auth.issuers are both set: one must go');
  }
  if (!Array.isArray(raw.issuers)) {
    reader.problem('auth.issuers', 'must be a list');
    return [];
  }
  if (raw.issuers.length > issuersMax)
    reader.problem('auth.issuers', `has ${raw.issuers.length} elements, at most ${issuersMax} are allowed`);
  const issuers = raw.issuers
    .slice(0, issuersMax)
    .map((value: unknown, i) => parseIssuer(reader, `auth.issuers[${i}]`, value, raw.defaults))
    .filter((issuer) => issuer !== undefined);
  checkTogether(reader, issuers);
  return issuers;
}

function checkTogether(reader: FieldReader, issuers: readonly Issuer[]): void {
  issuers.forEach(({ issuer, name }, i) => {
    if (issuer === null && issuers.length > 1) {
      reader.problem(`auth.issuers[${i}].issuer`, 'is missing: only an issuer that stands alone may do without');
    }
    const earlier = issuers.slice(0, i);
    if (issuer !== null && earlier.some((other) => other.issuer === issuer)) reader.problem(`auth.issuers[${i}].issuer`, 'is there twice');
    else if (earlier.some((other) => other.name === name)) reader.problem(`auth.issuers[${i}].name`, 'is there twice');
  });
}

/** The short form is an issuer like any other; its problems are told by the names of the options. */
const shortcutPaths: Readonly<Record<string, string>> = {
  'auth.secret': 'auth.jwtSecret',
  'auth.jwksUrl': 'auth.jwksUrl',
  'auth.issuer': 'auth.jwtIssuer',
  'auth.audience': 'auth.jwtAudience',
};

function parseShortcut(reader: FieldReader, raw: RawIdentity): readonly Issuer[] {
  const { jwtSecret, jwtSecretFile, jwksUrl, jwtIssuer, jwtAudience } = raw;
  if (jwtSecret === null && jwksUrl === null) {
    for (const name of ['jwtIssuer', 'jwtAudience'] as const) {
      if (raw[name] !== null) reader.problem(`auth.${name}`, 'means nothing without auth.jwtSecret or auth.jwksUrl');
    }
    return [];
  }
  if (jwtSecret !== null && jwksUrl !== null) {
    reader.problem('auth.jwksUrl', 'and auth.jwtSecret are both set: one must go, or both become auth.issuers');
    return [];
  }
  const fields: Fields = {
    name: 'default',
    ...(jwtIssuer === null ? {} : { issuer: jwtIssuer }),
    ...(jwtAudience === null ? {} : { audience: jwtAudience }),
    ...(jwtSecret === null ? { jwksUrl } : { secret: jwtSecret }),
  };
  const own = new FieldReader();
  const issuer = parseIssuer(own, 'auth', fields, raw.defaults);
  for (const { path, message } of own.problems) reader.problem(shortcutPaths[path] ?? path, message);
  if (issuer === undefined) return [];
  return jwtSecretFile === null ? [issuer] : [{ ...issuer, keys: { kind: 'secret-files', paths: [jwtSecretFile], encoding: 'utf8' } }];
}
