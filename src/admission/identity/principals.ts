import type { Principal } from '../principal.js';
import type { CallerValues } from './channel-pattern.js';
import { readClaim, readTextClaim } from './claims.js';
import type { Claims } from './claims.js';
import { grantEither, grantOf } from './grants.js';
import type { Issuer, PatternGrants } from './issuer.js';
import { readGrants } from './read-grants.js';
import { isWellFormed } from '../../std/percent-encoding.js';

/** Longest `jti`, in UTF-16 units. */
const tokenIdLengthMax = 256;

/** A proven caller, or a sentence on what the token lacks. */
export type MadePrincipal =
  { readonly kind: 'principal'; readonly principal: Principal } | { readonly kind: 'problem'; readonly detail: string };

const problem = (detail: string): MadePrincipal => ({ kind: 'problem', detail });
const nobody: CallerValues = { subject: undefined, claim: () => undefined };

/** Makes callers of verified claims. What is open to everybody is open to them too. */
export class Principals {
  readonly #anonymous: Principal;

  constructor(open: PatternGrants) {
    this.#anonymous = {
      subject: null,
      tenant: null,
      tokenId: null,
      issuedAtMs: null,
      expiresAtMs: null,
      via: 'anonymous',
      claims: {},
      read: grantOf(open.read, nobody),
      publish: grantOf(open.publish, nobody),
    };
  }

  get anonymous(): Principal {
    return this.#anonymous;
  }

  /** `tokenHash` stands for a token without `jti`. */
  of(issuer: Issuer, claims: Claims, via: Principal['via'], tokenHash: string): MadePrincipal {
    const ownSubject = readTextClaim(claims, issuer.claims.subject);
    if (ownSubject === undefined)
      return problem(`The claim ${issuer.claims.subject} must be a text that is not empty, of at most 256 characters.`);
    const jti = claims['jti'];
    if (jti !== undefined && !(typeof jti === 'string' && jti !== '' && jti.length <= tokenIdLengthMax && isWellFormed(jti))) {
      return problem(`The claim jti must be a text of 1 to ${tokenIdLengthMax} characters.`);
    }
    const tenantClaim = readClaim(claims, issuer.claims.tenant);
    const tenant = tenantClaim === undefined || tenantClaim === null ? null : readTextClaim(claims, issuer.claims.tenant);
    if (tenant === undefined)
      return problem(`The claim ${issuer.claims.tenant} must be a text that is not empty, of at most 256 characters.`);
    const claimed = readClaim(claims, issuer.claims.grants);
    const grants = claimed === undefined ? issuer.defaultGrants : readGrants(claimed, issuer.claims.grants);
    if (typeof grants === 'string') return problem(grants);
    const subject = issuer.subjectPrefix + ownSubject;
    const values: CallerValues = { subject, claim: (name) => readTextClaim(claims, name) };
    return {
      kind: 'principal',
      principal: {
        subject,
        tenant,
        tokenId: typeof jti === 'string' ? jti : tokenHash,
        issuedAtMs: toMs(claims['iat']),
        // Until then it is accepted, so that a stream does not end before a reconnect is refused.
        expiresAtMs: toMs(claims['exp'], issuer.clockToleranceSeconds),
        via,
        claims,
        read: grantEither(grantOf(grants.read, values), this.#anonymous.read),
        publish: grantEither(grantOf(grants.publish, values), this.#anonymous.publish),
      },
    };
  }
}

const toMs = (seconds: unknown, extraSeconds = 0): number | null =>
  typeof seconds === 'number' ? Math.floor((seconds + extraSeconds) * 1_000) : null;
