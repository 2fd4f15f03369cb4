import { createHash } from 'node:crypto';
import type { Authentication } from '../authenticator.js';
import type { Principal } from '../principal.js';
import { BoundedCache } from '../../std/bounded-cache.js';
import type { Environment } from '../../std/clock.js';
import type { Metrics } from '../../telemetry/metrics.js';
import { Gate } from './gate.js';
import type { Principals } from './principals.js';
import { refuse, refuseForNow } from './refusals.js';
import type { Refused } from './refusals.js';
import { verifyToken } from './verify-token.js';
import type { TrustedIssuer, VerifiedToken } from './verify-token.js';

type TokenVia = 'bearer' | 'cookie' | 'query';

/** Bounds of the work that tokens cause. */
export interface VerifyLimits {
  /** Verified tokens that are remembered, by hash. */
  readonly cachedMax: number;
  /** How long a refusal is remembered. */
  readonly refusedMs: number;
  readonly runningMax: number;
  /** Verifications that wait for their turn; more are refused for now. */
  readonly waitingMax: number;
}

export const defaultVerifyLimits: VerifyLimits = { cachedMax: 50_000, refusedMs: 5_000, runningMax: 32, waitingMax: 10_000 };

interface Known {
  readonly verified: VerifiedToken;
  readonly untilMs: number;
  readonly principals: Map<TokenVia, Principal>;
}

interface KnownBad {
  readonly refused: Refused;
  readonly untilTickMs: number;
  readonly keysVersion: number;
}

export interface VerifiedTokensParts {
  readonly issuers: readonly TrustedIssuer[];
  readonly principals: Principals;
  readonly limits: VerifyLimits;
  readonly environment: Environment;
  readonly metrics: Metrics;
}

/** Tokens that were verified, by their SHA-256: the token itself is not kept. Verifications of one token under way are shared. */
export class VerifiedTokens {
  readonly #parts: VerifiedTokensParts;
  readonly #known: BoundedCache<string, Known>;
  readonly #knownBad: BoundedCache<string, KnownBad>;
  readonly #underWay = new Map<string, Promise<Known | Refused>>();
  readonly #gate: Gate;

  constructor(parts: VerifiedTokensParts) {
    this.#parts = parts;
    const { cachedMax, runningMax, waitingMax } = parts.limits;
    this.#known = new BoundedCache(cachedMax);
    this.#knownBad = new BoundedCache(cachedMax);
    this.#gate = new Gate(runningMax, waitingMax);
  }

  /** At once for a token that is known. Never rejects. */
  check(token: string, via: TokenVia): Authentication | Promise<Authentication> {
    const hash = createHash('sha256').update(token, 'latin1').digest('base64url');
    const known = this.#known.get(hash);
    if (known !== undefined && this.#isBelieved(known)) {
      this.#parts.metrics.tokenChecked('cached');
      return this.#principalOf(known, via, hash);
    }
    const bad = this.#knownBad.get(hash);
    if (bad !== undefined && bad.untilTickMs > this.#parts.environment.clock.tickMs() && bad.keysVersion === this.#keysVersion()) {
      this.#parts.metrics.tokenChecked('refused');
      return bad.refused;
    }
    return this.#checkNew(token, via, hash);
  }

  async #checkNew(token: string, via: TokenVia, hash: string): Promise<Authentication> {
    let underWay = this.#underWay.get(hash);
    if (underWay === undefined) {
      underWay = this.#gate.run(() => this.#verify(token, hash));
      if (underWay === undefined) {
        this.#parts.metrics.tokenChecked('unavailable');
        return refuseForNow('overloaded', 'Too many tokens wait to be verified.', 1);
      }
      this.#underWay.set(hash, underWay);
      void underWay.finally(() => this.#underWay.delete(hash));
    }
    const result = await underWay;
    return 'verified' in result ? this.#principalOf(result, via, hash) : result;
  }

  async #verify(token: string, hash: string): Promise<Known | Refused> {
    const { issuers, principals, environment, metrics, limits } = this.#parts;
    const verified = await verifyToken(token, issuers, environment.clock);
    const made = verified.kind === 'verified' ? principals.of(verified.trusted.issuer, verified.claims, 'bearer', hash) : null;
    if (verified.kind === 'verified' && made?.kind === 'principal') {
      const known: Known = { verified, untilMs: made.principal.expiresAtMs ?? 0, principals: new Map([['bearer', made.principal]]) };
      this.#known.set(hash, known);
      metrics.tokenChecked('verified');
      return known;
    }
    const refused = verified.kind === 'refused' ? verified : refuse('token-invalid', made?.kind === 'problem' ? made.detail : '');
    const isForNow = refused.refusal.retryAfterSeconds !== undefined;
    metrics.tokenChecked(isForNow ? 'unavailable' : 'refused');
    if (!isForNow) {
      this.#knownBad.set(hash, { refused, untilTickMs: environment.clock.tickMs() + limits.refusedMs, keysVersion: this.#keysVersion() });
    }
    return refused;
  }

  /** The key must still be believed: one that was withdrawn takes its tokens along. */
  #isBelieved({ verified, untilMs }: Known): boolean {
    const { clock } = this.#parts.environment;
    const { keys } = verified.trusted;
    return untilMs > clock.nowMs() && keys.isUsable() && keys.ring.holds(verified.keyId, clock.tickMs());
  }

  #principalOf(known: Known, via: TokenVia, hash: string): Authentication {
    let principal = known.principals.get(via);
    if (principal === undefined) {
      const { verified } = known;
      const made = this.#parts.principals.of(verified.trusted.issuer, verified.claims, via, hash);
      if (made.kind === 'problem') return refuse('token-invalid', made.detail);
      principal = made.principal;
      known.principals.set(via, principal);
    }
    return { kind: 'principal', principal };
  }

  #keysVersion(): number {
    return this.#parts.issuers.reduce((sum, { keys }) => sum + keys.ring.version, 0);
  }
}
