import type { FieldReader, Fields } from '../../std/field-reader.js';
import { publicAlgorithms, secretAlgorithms } from './issuer.js';
import type { Algorithm, ClaimNames, Issuer } from './issuer.js';
import { parseKeySpec } from './parse-key-spec.js';
import { parsePatternList } from './parse-pattern-list.js';

/** What an issuer has when it says nothing of it. */
export interface IssuerDefaults {
  readonly clockToleranceSeconds: number;
  readonly lifetimeSecondsMax: number;
  readonly claims: ClaimNames;
  readonly read: readonly string[];
  readonly publish: readonly string[];
  /** Key sets may come over plain HTTP from elsewhere than this machine. */
  readonly allowInsecureJwksUrl: boolean;
}

/** The names that an issuer may have. */
export const issuerFields = [
  'name',
  'issuer',
  'audience',
  'algorithms',
  'secret',
  'secretFile',
  'secretEncoding',
  'publicKey',
  'publicKeyFile',
  'jwksFile',
  'jwksUrl',
  'types',
  'clockToleranceSeconds',
  'tokenLifetimeSecondsMax',
  'claims',
  'subjectPrefix',
  'defaultRead',
  'defaultPublish',
] as const;

/** Key sets say themselves which of these a key is for; none of them works with a secret. */
const usualPublicAlgorithms: readonly Algorithm[] = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'];
const usualTypes: readonly string[] = ['', 'jwt', 'at+jwt'];
const daySeconds = 86_400;

/** Checks one issuer by itself; undefined when it cannot be used. Problems are in `reader`, and never quote a secret. */
export function parseIssuer(reader: FieldReader, path: string, value: unknown, defaults: IssuerDefaults): Issuer | undefined {
  const before = reader.problems.length;
  const raw = reader.fields(path, value, issuerFields);
  if (raw === undefined) return undefined;
  const issuer = parseOptionalText(reader, `${path}.issuer`, raw['issuer']);
  const algorithms = parseAlgorithms(reader, `${path}.algorithms`, raw);
  const keys = parseKeySpec(reader, path, raw, algorithms, defaults.allowInsecureJwksUrl);
  const name = parseOptionalText(reader, `${path}.name`, raw['name']) ?? issuer ?? 'default';
  const parsed = {
    name,
    issuer,
    audiences: raw['audience'] === undefined ? null : parseTexts(reader, `${path}.audience`, raw['audience']),
    algorithms,
    types: raw['types'] === undefined ? usualTypes : parseTypes(reader, `${path}.types`, raw['types']),
    clockToleranceSeconds: reader.integer(
      `${path}.clockToleranceSeconds`,
      raw['clockToleranceSeconds'],
      0,
      300,
      defaults.clockToleranceSeconds,
    ),
    lifetimeSecondsMax: reader.integer(
      `${path}.tokenLifetimeSecondsMax`,
      raw['tokenLifetimeSecondsMax'],
      1,
      366 * daySeconds,
      defaults.lifetimeSecondsMax,
    ),
    claims: parseClaimNames(reader, `${path}.claims`, raw['claims'], defaults.claims),
    subjectPrefix: parsePrefix(reader, `${path}.subjectPrefix`, raw['subjectPrefix']),
    defaultGrants: {
      read: parsePatternList(reader, `${path}.defaultRead`, raw['defaultRead'] ?? defaults.read),
      publish: parsePatternList(reader, `${path}.defaultPublish`, raw['defaultPublish'] ?? defaults.publish),
    },
  };
  return keys === undefined || reader.problems.length > before ? undefined : { ...parsed, keys };
}

function parseOptionalText(reader: FieldReader, path: string, value: unknown): string | null {
  if (value === undefined) return null;
  if (typeof value === 'string' && value !== '' && value.length <= 512) return value;
  reader.problem(path, 'must be a text of 1 to 512 characters');
  return null;
}

function parsePrefix(reader: FieldReader, path: string, value: unknown): string {
  if (value === undefined) return '';
  if (typeof value === 'string' && /^[\x20-\x7e]{0,64}$/.test(value)) return value;
  reader.problem(path, 'must be a text of at most 64 plain characters');
  return '';
}

function parseTexts(reader: FieldReader, path: string, value: unknown): readonly string[] {
  return reader.list(path, value, 32).flatMap(([at, element]) => parseOptionalText(reader, at, element) ?? []);
}

/** `absent` stands for a token without `typ`. */
function parseTypes(reader: FieldReader, path: string, value: unknown): readonly string[] {
  return parseTexts(reader, path, value).map((type) => (type === 'absent' ? '' : type.toLowerCase().replace(/^application\//, '')));
}

function parseAlgorithms(reader: FieldReader, path: string, raw: Fields): readonly Algorithm[] {
  const hasSecret = raw['secret'] !== undefined || raw['secretFile'] !== undefined;
  const value = raw['algorithms'];
  if (value === undefined) return hasSecret ? ['HS256'] : usualPublicAlgorithms;
  return reader.list(path, value, 16).flatMap(([at, element]) => {
    const algorithm = [...secretAlgorithms, ...publicAlgorithms].find((known) => known === element);
    if (algorithm === undefined) {
      const isNone = typeof element === 'string' && element.toLowerCase() === 'none';
      reader.problem(
        at,
        isNone
          ? 'must not be none: anybody could write such tokens'
          : `must be one of ${[...secretAlgorithms, ...publicAlgorithms].join(', ')}`,
      );
      return [];
    }
    const isSecret = secretAlgorithms.some((known) => known === algorithm);
    if (isSecret && !hasSecret) reader.problem(at, `${algorithm} must not be used with public keys: whoever has one could write tokens`);
    if (!isSecret && hasSecret) reader.problem(at, `${algorithm} needs a public key, not a secret`);
    return [algorithm];
  });
}

function parseClaimNames(reader: FieldReader, path: string, value: unknown, defaults: ClaimNames): ClaimNames {
  if (value === undefined) return defaults;
  const raw = reader.fields(path, value, ['subject', 'grants', 'tenant']) ?? {};
  return {
    subject: parseOptionalText(reader, `${path}.subject`, raw['subject']) ?? defaults.subject,
    grants: parseOptionalText(reader, `${path}.grants`, raw['grants']) ?? defaults.grants,
    tenant: parseOptionalText(reader, `${path}.tenant`, raw['tenant']) ?? defaults.tenant,
  };
}
