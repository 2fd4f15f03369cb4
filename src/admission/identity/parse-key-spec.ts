import type { FieldReader, Fields } from '../../std/field-reader.js';
import type { Algorithm, KeySpec } from './issuer.js';
import { KeyError, readPemKeys, readSecretKey } from './verification-key.js';

const sources = ['secret', 'secretFile', 'publicKey', 'publicKeyFile', 'jwksFile', 'jwksUrl'] as const;
const filesMax = 16;

/** The one place that an issuer's keys come from. Keys given as text are tried out, files are not opened here. */
export function parseKeySpec(
  reader: FieldReader,
  path: string,
  raw: Fields,
  algorithms: readonly Algorithm[],
  allowInsecureUrl: boolean,
): KeySpec | undefined {
  const given = sources.filter((name) => raw[name] !== undefined);
  const [source] = given;
  if (source === undefined || given.length > 1) {
    reader.problem(path, source === undefined ? `needs one of ${sources.join(', ')}` : `has ${given.join(' and ')}: only one may stay`);
    return undefined;
  }
  if (raw['secretEncoding'] !== undefined && source !== 'secret' && source !== 'secretFile') {
    reader.problem(`${path}.secretEncoding`, 'means nothing without a secret');
  }
  const encoding = reader.choice(`${path}.secretEncoding`, raw['secretEncoding'], ['utf8', 'base64', 'base64url', 'hex'], 'utf8');
  const at = `${path}.${source}`;
  const value = raw[source];
  switch (source) {
    case 'secretFile':
      return { kind: 'secret-files', paths: parsePaths(reader, at, value), encoding };
    case 'publicKeyFile':
      return { kind: 'pem-files', paths: parsePaths(reader, at, value) };
    case 'jwksFile':
      return { kind: 'jwks-file', path: parsePaths(reader, at, value)[0] ?? '' };
    case 'jwksUrl':
      return { kind: 'jwks-url', url: parseUrl(reader, at, value, allowInsecureUrl) };
    case 'secret':
      return { kind: 'secret', text: tryKey(reader, at, value, (text) => readSecretKey(text, encoding, algorithms)), encoding };
    case 'publicKey':
      return { kind: 'pem', text: tryKey(reader, at, value, readPemKeys) };
  }
}

function tryKey(reader: FieldReader, path: string, value: unknown, read: (text: string) => unknown): string {
  if (typeof value !== 'string') {
    reader.problem(path, 'must be a text');
    return '';
  }
  try {
    read(value);
  } catch (error) {
    reader.problem(path, error instanceof KeyError ? error.message : 'cannot be used');
  }
  return value;
}

function parsePaths(reader: FieldReader, path: string, value: unknown): readonly string[] {
  return reader.list(path, value, filesMax).flatMap(([at, element]) => {
    if (typeof element === 'string' && element !== '') return [element];
    reader.problem(at, 'must be the path of a file');
    return [];
  });
}

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

function parseUrl(reader: FieldReader, path: string, value: unknown, allowInsecure: boolean): string {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : null;
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    reader.problem(path, 'must be an https URL');
    return '';
  }
  if (url.username !== '' || url.password !== '') reader.problem(path, 'must not hold a user or password');
  if (url.protocol === 'http:' && !loopback.test(url.hostname) && !allowInsecure) {
    reader.problem(
      path,
      'must be an https URL: whoever is on the way could put keys of their own there (auth.allowInsecureJwksUrl permits it)',
    );
  }
  return url.href;
}
