import { decodeJwt, decodeProtectedHeader, errors, jwtVerify } from 'jose';
import type { Clock } from '../../std/clock.js';
import type { Claims } from './claims.js';
import type { Algorithm, Issuer } from './issuer.js';
import type { KeySource } from './key-source.js';
import { refuse, refuseForNow } from './refusals.js';
import type { Refused } from './refusals.js';

/** An issuer with its keys. */
export interface TrustedIssuer {
  readonly issuer: Issuer;
  readonly keys: KeySource;
}

export interface VerifiedToken {
  readonly kind: 'verified';
  readonly trusted: TrustedIssuer;
  readonly claims: Claims;
  /** The key that it was verified with. */
  readonly keyId: string;
}

interface Header {
  readonly algorithm: Algorithm;
  readonly kid: string | null;
}

const kidLengthMax = 256;
const retryAfterSeconds = 5;
const wrongSignature = (): Refused => refuse('token-invalid', 'The signature of the token is wrong.');
const malformed = (): Refused => refuse('token-invalid', 'The token is malformed.');

/** Checks a token in compact form. Never rejects; refusals hold no part of the token. */
export async function verifyToken(token: string, issuers: readonly TrustedIssuer[], clock: Clock): Promise<VerifiedToken | Refused> {
  const trusted = pickIssuer(token, issuers);
  if (trusted === null) return refuse('token-invalid', 'The issuer of the token is not accepted here.');
  const header = readHeader(token, trusted.issuer);
  if ('refusal' in header) return header;
  const first = await tryKeys(token, trusted, header, clock);
  if (first.kind !== 'no-key') return first;
  // A key of this name may be newer than what was read last; one look, which all tokens of the moment share.
  const versionBefore = trusted.keys.ring.version;
  const outcome = await trusted.keys.refresh();
  if (trusted.keys.ring.version !== versionBefore || !first.wasUsable) {
    const second = await tryKeys(token, trusted, header, clock);
    if (second.kind !== 'no-key') return second;
  }
  if (!trusted.keys.isUsable() || outcome === 'away') {
    return refuseForNow('identity-unavailable', 'The keys of the issuer cannot be fetched at the moment.', retryAfterSeconds);
  }
  return first.wasTried ? wrongSignature() : refuse('token-invalid', 'The key of the token is not known.');
}

/** By the token's own word, which is not verified yet: it only chooses among the issuers that are configured. */
function pickIssuer(token: string, issuers: readonly TrustedIssuer[]): TrustedIssuer | null {
  const [only] = issuers;
  if (issuers.length === 1 && only !== undefined) return only;
  try {
    const { iss } = decodeJwt(token);
    return issuers.find(({ issuer }) => issuer.issuer === iss) ?? null;
  } catch {
    return null;
  }
}

function readHeader(token: string, issuer: Issuer): Header | Refused {
  let header: { readonly alg?: unknown; readonly kid?: unknown; readonly typ?: unknown };
  try {
    header = decodeProtectedHeader(token);
  } catch {
    return malformed();
  }
  const { alg, kid, typ = '' } = header;
  const algorithm = issuer.algorithms.find((accepted) => accepted === alg);
  if (algorithm === undefined) return refuse('token-invalid', 'The algorithm of the token is not accepted here.');
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > kidLengthMax)) return malformed();
  if (typeof typ !== 'string' || !issuer.types.includes(typ.toLowerCase().replace(/^application\//, ''))) {
    return refuse('token-invalid', 'The type (typ) of the token is not accepted here.');
  }
  return { algorithm, kid: kid ?? null };
}

interface NoKey {
  readonly kind: 'no-key';
  readonly wasUsable: boolean;
  readonly wasTried: boolean;
}

async function tryKeys(token: string, trusted: TrustedIssuer, header: Header, clock: Clock): Promise<VerifiedToken | Refused | NoKey> {
  const { keys, issuer } = trusted;
  if (!keys.isUsable()) return { kind: 'no-key', wasUsable: false, wasTried: false };
  const candidates = keys.ring.find(header.algorithm, header.kid, clock.tickMs());
  for (const { id, key } of candidates) {
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: [header.algorithm],
        requiredClaims: ['exp'],
        clockTolerance: issuer.clockToleranceSeconds,
        currentDate: new Date(clock.nowMs()),
        ...(issuer.issuer === null ? {} : { issuer: issuer.issuer }),
        ...(issuer.audiences === null ? {} : { audience: [...issuer.audiences] }),
      });
      return checkTimes(payload, issuer, clock.nowMs()) ?? { kind: 'verified', trusted, claims: payload, keyId: id };
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) return refusalOf(error);
    }
  }
  // The key that the token names is here and did not sign it: no newer key would change that.
  if (header.kid !== null && candidates.some(({ kid }) => kid === header.kid)) return wrongSignature();
  return { kind: 'no-key', wasUsable: true, wasTried: candidates.length > 0 };
}

/** What jose does not ask: tokens that live too long could not be revoked by a bounded list, ones from the future not by time. */
function checkTimes(claims: Claims, issuer: Issuer, nowMs: number): Refused | null {
  const nowSeconds = nowMs / 1_000;
  const { exp, iat } = claims as { readonly exp: number; readonly iat?: unknown };
  if (iat !== undefined && typeof iat !== 'number') return refuse('token-invalid', 'The claim "iat" of the token must be a number.');
  if (iat !== undefined && iat > nowSeconds + issuer.clockToleranceSeconds) {
    return refuse('token-invalid', 'The token was issued in the future (iat).');
  }
  if (exp - (iat ?? nowSeconds) > issuer.lifetimeSecondsMax || exp - nowSeconds > issuer.lifetimeSecondsMax) {
    return refuse('token-invalid', `The token lives longer than ${issuer.lifetimeSecondsMax} s.`);
  }
  return null;
}

/** Names of claims that may be told; a library's own text may quote a token. */
const toldClaims = ['iss', 'aud', 'exp', 'nbf', 'iat'];

function refusalOf(error: unknown): Refused {
  if (error instanceof errors.JWTExpired) return refuse('token-expired', 'The token has expired.');
  if (error instanceof errors.JWTClaimValidationFailed && toldClaims.includes(error.claim)) {
    const why =
      error.reason === 'missing'
        ? 'is missing'
        : error.claim === 'nbf' && error.reason === 'check_failed'
          ? 'lies in the future'
          : 'is not accepted here';
    return refuse('token-invalid', `The claim "${error.claim}" of the token ${why}.`);
  }
  return malformed();
}
