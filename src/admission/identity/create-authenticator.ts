import type { Authentication, Authenticator } from '../authenticator.js';
import type { Principal } from '../principal.js';
import type { RequestSnapshot } from '../../protocol/request-snapshot.js';
import type { Environment } from '../../std/clock.js';
import { compileOrigins } from '../../std/match-origin.js';
import type { Logger } from '../../telemetry/logger.js';
import type { Metrics } from '../../telemetry/metrics.js';
import type { Claims } from './claims.js';
import { findCredential } from './credential.js';
import type { CredentialRules } from './credential.js';
import type { Issuer, PatternGrants } from './issuer.js';
import type { KeyTimes } from './key-source.js';
import { openKeys } from './open-keys.js';
import { refuseForeignPage } from './origin-rules.js';
import { Principals } from './principals.js';
import { refuse } from './refusals.js';
import type { Refused } from './refusals.js';
import { VerifiedTokens } from './verified-tokens.js';
import type { VerifyLimits } from './verified-tokens.js';

/** Opens tickets; `Tickets` does. */
export interface TicketOpener {
  open(ticket: string, request: RequestSnapshot): Authentication | Promise<Authentication>;
}

export interface AuthenticatorParts {
  readonly issuers: readonly Issuer[];
  /** What anybody may do, without a token and with one. */
  readonly open: PatternGrants;
  readonly credentials: CredentialRules;
  /** Origins (or `https://*.example.com`), besides the node's own, whose pages may use the cookie. */
  readonly allowedOrigins: readonly string[];
  /** Null: there are no tickets. */
  readonly tickets: TicketOpener | null;
  /** Asked for every caller with a token or ticket, each time. */
  readonly isRevoked: (principal: Principal) => boolean;
  readonly keyTimes: KeyTimes;
  readonly verifyLimits: VerifyLimits;
  readonly environment: Environment;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Finds out who asks, and keeps the keys for that current. */
export interface Identity extends Authenticator {
  /** Somebody without a token. */
  readonly anonymous: Principal;
  /** Reads the keys. Rejects with a `KeyError` for files that cannot be used; a key server that is away is waited for in the background. */
  start(): Promise<void>;
  /** A caller made anew from claims that another node has verified; null when the claims make none here. */
  principalFromClaims(claims: Claims, tokenId: string, via: Principal['via']): Principal | null;
  stop(): void;
}

/** Throws a `KeyError` for a key given as text that cannot be used. */
export function createAuthenticator(parts: AuthenticatorParts): Identity {
  const { environment, logger, metrics, keyTimes, isRevoked } = parts;
  const context = { environment, logger, metrics, times: keyTimes };
  const issuers = parts.issuers.map((issuer) => ({ issuer, keys: openKeys(issuer.name, issuer.keys, issuer.algorithms, context) }));
  const principals = new Principals(parts.open);
  const tokens = new VerifiedTokens({ issuers, principals, limits: parts.verifyLimits, environment, metrics });
  const isListed = compileOrigins(parts.allowedOrigins);
  const anonymous: Authentication = { kind: 'principal', principal: principals.anonymous };

  const refuseRevoked = (found: Authentication): Authentication =>
    found.kind === 'principal' && isRevoked(found.principal) ? refuse('token-revoked', 'The token was revoked.') : found;

  const check = (request: RequestSnapshot): Authentication | Promise<Authentication> => {
    const credential = findCredential(request, parts.credentials);
    if (credential.kind === 'refused') return credential;
    if (credential.kind === 'none') return anonymous;
    if (credential.kind === 'ticket') return parts.tickets?.open(credential.text, request) ?? noTickets();
    if (issuers.length === 0) return refuse('token-invalid', 'No tokens are accepted here.');
    const foreign = credential.via === 'cookie' ? refuseForeignPage(request, isListed) : null;
    return foreign ?? tokens.check(credential.text, credential.via);
  };

  return {
    anonymous: principals.anonymous,
    authenticate(request) {
      const found = check(request);
      if (found === anonymous) return found;
      return found instanceof Promise ? found.then(refuseRevoked) : refuseRevoked(found);
    },
    async start() {
      await Promise.all(issuers.map(({ keys }) => keys.start()));
    },
    principalFromClaims(claims, tokenId, via) {
      const { iss } = claims;
      const issuer = issuers.length === 1 ? issuers[0]?.issuer : issuers.find((one) => one.issuer.issuer === iss)?.issuer;
      if (issuer === undefined) return null;
      const made = principals.of(issuer, claims, via, tokenId);
      return made.kind === 'principal' ? made.principal : null;
    },
    stop: () => issuers.forEach(({ keys }) => keys.stop()),
  };
}

const noTickets = (): Refused => refuse('ticket-invalid', 'No tickets are accepted here.');
