import { createHash, createPublicKey, createSecretKey } from 'node:crypto';
import type { JsonWebKey, KeyObject } from 'node:crypto';
import { publicAlgorithms, secretAlgorithms, secretBytesMin } from './issuer.js';
import type { Algorithm, SecretEncoding } from './issuer.js';

/** A key that signatures are checked with. */
export interface VerificationKey {
  /** Names the key by what it is: the same material has the same id. */
  readonly id: string;
  /** The `kid` that it goes by. Null: any. */
  readonly kid: string | null;
  /** All that it can be used for; a key is never used for another kind of signature. */
  readonly algorithms: readonly Algorithm[];
  readonly key: KeyObject;
}

/** A key that cannot be used. The message never holds any of it. */
export class KeyError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'KeyError';
  }
}

const rsaBitsMin = 2_048;
/** A key of any kind in a form that belongs to public-key algorithms. */
const looksLikePublicKey = /-----BEGIN |"kty"\s*:/;

/** Throws a `KeyError` for a secret that is too short for all the algorithms asked, or that is no secret but a key in PEM or JWK form. */
export function readSecretKey(text: string, encoding: SecretEncoding, algorithms: readonly Algorithm[]): VerificationKey {
  if (looksLikePublicKey.test(text)) throw new KeyError('holds a PEM or JWK key, which must never be used as a secret');
  const bytes = decodeSecret(text, encoding);
  for (const algorithm of secretAlgorithms) {
    const bytesMin = secretBytesMin[algorithm];
    if (algorithms.includes(algorithm) && bytes.length < bytesMin) {
      throw new KeyError(`has ${bytes.length} bytes; ${algorithm} needs at least ${bytesMin}`);
    }
  }
  return { id: digest('secret', bytes), kid: null, algorithms: secretAlgorithms, key: createSecretKey(bytes) };
}

const encodedForms: Readonly<Record<Exclude<SecretEncoding, 'utf8'>, RegExp>> = {
  base64: /^[A-Za-z0-9+/]+={0,2}$/,
  base64url: /^[A-Za-z0-9_-]+$/,
  hex: /^([0-9A-Fa-f]{2})+$/,
};

function decodeSecret(text: string, encoding: SecretEncoding): Buffer {
  if (encoding !== 'utf8' && !encodedForms[encoding].test(text)) throw new KeyError(`is not ${encoding}`);
  return Buffer.from(text, encoding);
}

/** Public keys of a PEM text: keys and certificates. Throws a `KeyError`. */
export function readPemKeys(text: string): readonly VerificationKey[] {
  const blocks = text.match(/-----BEGIN [A-Z0-9 ]+-----[^-]*-----END [A-Z0-9 ]+-----/g) ?? [];
  if (blocks.length === 0) throw new KeyError('holds no PEM block');
  return blocks.map((block) => {
    if (/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(block)) {
      throw new KeyError('holds a private key: only its issuer should have that; give the public one');
    }
    return publicKey(readPublicKey(block), null, null);
  });
}

function readPublicKey(pem: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch {
    throw new KeyError('holds a PEM block that is no public key');
  }
}

/** Most keys of a set. */
export const jwksKeysMax = 64;

/**
 * The usable keys of a JSON Web Key Set (RFC 7517): public ones for signatures, of kinds known here. Others are left out, as the RFC asks.
 * Throws a `KeyError` when it is no key set or holds no usable key.
 */
export function readJwks(text: string): readonly VerificationKey[] {
  const set = parseJson(text);
  const list = typeof set === 'object' && set !== null ? (set as { keys?: unknown }).keys : undefined;
  if (!Array.isArray(list)) throw new KeyError('is no JSON Web Key Set');
  if (list.length > jwksKeysMax) throw new KeyError(`holds ${list.length} keys; at most ${jwksKeysMax} are allowed`);
  const keys = list.flatMap((jwk) => readJwk(jwk) ?? []);
  if (keys.length === 0) throw new KeyError('holds no usable public key for signatures');
  return keys;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new KeyError('is not JSON');
  }
}

function readJwk(jwk: unknown): VerificationKey | undefined {
  if (typeof jwk !== 'object' || jwk === null) return undefined;
  const { kty, kid, alg, use, key_ops: operations, d: secretPart } = jwk as Record<string, unknown>;
  // A private key that is published is nobody's proof.
  if (kty === 'oct' || secretPart !== undefined || (use !== undefined && use !== 'sig')) return undefined;
  if (Array.isArray(operations) && !operations.includes('verify')) return undefined;
  if ((kid !== undefined && typeof kid !== 'string') || (alg !== undefined && typeof alg !== 'string')) return undefined;
  try {
    return publicKey(createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' }), kid ?? null, alg ?? null);
  } catch {
    return undefined;
  }
}

function publicKey(key: KeyObject, kid: string | null, alg: string | null): VerificationKey {
  const fitting = algorithmsOf(key).filter((algorithm) => alg === null || alg === algorithm);
  if (fitting.length === 0) throw new KeyError('holds a key of a kind that is not used here');
  return { id: digest(`${kid ?? ''}\n${alg ?? ''}`, key.export({ type: 'spki', format: 'der' })), kid, algorithms: fitting, key };
}

const curves: Readonly<Record<string, Algorithm>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' };

function algorithmsOf(key: KeyObject): readonly Algorithm[] {
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  const kind = key.asymmetricKeyType;
  if (kind === 'rsa' || kind === 'rsa-pss') {
    if (modulusLength < rsaBitsMin) throw new KeyError(`holds an RSA key of ${modulusLength} bits; at least ${rsaBitsMin} are needed`);
    return publicAlgorithms.filter((algorithm) => algorithm.startsWith('PS') || (kind === 'rsa' && algorithm.startsWith('RS')));
  }
  if (kind === 'ed25519') return ['EdDSA', 'Ed25519'];
  const algorithm = curves[namedCurve];
  return kind === 'ec' && algorithm !== undefined ? [algorithm] : [];
}

const digest = (about: string, material: Buffer): string =>
  createHash('sha256').update(about).update('\0').update(material).digest('base64url');
