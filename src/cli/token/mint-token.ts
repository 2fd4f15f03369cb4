import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Issuer, KeySpec } from '../../admission/identity/issuer.js';
import { secretAlgorithms } from '../../admission/identity/issuer.js';
import { readGrants } from '../../admission/identity/read-grants.js';
import { readSecretKey } from '../../admission/identity/verification-key.js';
import type { CommandContext } from '../command-context.js';
import { CommandError, reasonOf } from '../command-context.js';
import { escapeJson } from '../escape-text.js';
import { exitCodes } from '../exit-codes.js';
import { readConfig } from '../read-config.js';

export interface TokenOptions {
  readonly sub: string;
  readonly read?: readonly string[];
  readonly publish?: readonly string[];
  /** Seconds. */
  readonly ttl: number;
  readonly tenant?: string;
  readonly claim?: Readonly<Record<string, string>>;
  readonly issuer?: string;
  readonly secretFile?: string;
  readonly config?: string;
}

type Claims = Readonly<Record<string, unknown>>;

/** Prints a token that the configured issuer's tokens look like. */
export async function mintToken(options: TokenOptions, { env, terminal }: CommandContext): Promise<number> {
  const config = readConfig(env, options.config);
  const issuer = chooseIssuer(config.identity.issuers, options);
  const claims = claimsOf(options, issuer, Math.floor(Date.now() / 1_000));
  const token = sign(claims, options.secretFile === undefined ? issuer.keys : secretInFile(options.secretFile), issuer);
  await terminal.out.line(token);
  if (terminal.isInteractive) await terminal.err.line(terminal.err.paint.dim(escapeJson(JSON.stringify(claims))));
  return exitCodes.ok;
}

const hasSecret = ({ keys }: Issuer): boolean => keys.kind === 'secret' || keys.kind === 'secret-files';
const secretInFile = (path: string): KeySpec => ({ kind: 'secret-files', paths: [path], encoding: 'utf8' });

function chooseIssuer(issuers: readonly Issuer[], { issuer: name, secretFile }: TokenOptions): Issuer {
  if (name !== undefined) {
    const named = issuers.find((one) => one.name === name);
    if (named === undefined)
      throw new CommandError(`no issuer is called ${name}: there are ${issuers.map((one) => one.name).join(', ')}`, exitCodes.unusable);
    if (hasSecret(named) || secretFile !== undefined) return named;
    throw new CommandError(`the issuer ${name} signs with a private key, which only it has: ask it for a token`, exitCodes.failure);
  }
  const found = issuers.find(hasSecret) ?? (secretFile === undefined ? undefined : issuers[0]);
  if (found !== undefined) return found;
  const why =
    issuers.length === 0
      ? 'no issuer is configured: set SELVAGE_JWT_SECRET (32 bytes or more)'
      : 'the issuers sign with private keys: ask them for a token';
  throw new CommandError(`there is no secret to sign with; ${why}`, exitCodes.failure);
}

function claimsOf(options: TokenOptions, issuer: Issuer, nowSeconds: number): Claims {
  const { sub, tenant, ttl, claim = {} } = options;
  if (ttl > issuer.lifetimeSecondsMax) {
    throw new CommandError(
      `--ttl is ${ttl} s; tokens that live longer than ${issuer.lifetimeSecondsMax} s are refused`,
      exitCodes.unusable,
    );
  }
  const lists = { read: patternsOf(options.read), publish: patternsOf(options.publish) };
  const checked = readGrants(lists, issuer.claims.grants);
  if (typeof checked === 'string') throw new CommandError(checked, exitCodes.unusable);
  const isEmpty = lists.read.length === 0 && lists.publish.length === 0;
  return {
    ...(issuer.issuer === null ? {} : { iss: issuer.issuer }),
    ...(issuer.audiences === null ? {} : { aud: issuer.audiences[0] }),
    [issuer.claims.subject]: sub,
    ...(tenant === undefined ? {} : { [issuer.claims.tenant]: tenant }),
    // Without grants the issuer's own defaults count.
    ...(isEmpty ? {} : { [issuer.claims.grants]: lists }),
    iat: nowSeconds,
    exp: nowSeconds + ttl,
    ...Object.fromEntries(Object.entries(claim).map(([name, value]) => [name, claimValue(value)])),
  };
}

const patternsOf = (given: readonly string[] = []): readonly string[] =>
  given
    .flatMap((text) => text.split(','))
    .map((text) => text.trim())
    .filter((text) => text !== '');

function claimValue(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

const hashOf = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' } as const;

function sign(claims: Claims, keys: KeySpec, { algorithms, types }: Issuer): string {
  if (keys.kind !== 'secret' && keys.kind !== 'secret-files') throw new CommandError('there is no secret to sign with', exitCodes.failure);
  const algorithm = secretAlgorithms.find((one) => algorithms.includes(one)) ?? 'HS256';
  // The first file is the newest secret; the others are on their way out.
  const text = keys.kind === 'secret' ? keys.text : readSecretFile(keys.paths[0] ?? '');
  const { key } = attemptKey(text, keys.encoding, algorithm);
  const [type = 'jwt'] = types.filter((one) => one !== '');
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: algorithm, typ: type.toUpperCase() === 'JWT' ? 'JWT' : type })}.${part(claims)}`;
  return `${signed}.${createHmac(hashOf[algorithm], key).update(signed).digest('base64url')}`;
}

function attemptKey(
  text: string,
  encoding: Parameters<typeof readSecretKey>[1],
  algorithm: (typeof secretAlgorithms)[number],
): ReturnType<typeof readSecretKey> {
  try {
    return readSecretKey(text, encoding, [algorithm]);
  } catch (error) {
    throw new CommandError(`the secret ${reasonOf(error)}`, exitCodes.failure);
  }
}

function readSecretFile(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new CommandError(`the secret's file cannot be read: ${reasonOf(error)}`, exitCodes.failure);
  }
}
