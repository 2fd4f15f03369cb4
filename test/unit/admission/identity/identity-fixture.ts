import { SignJWT } from 'jose';
import { createAuthenticator } from '../../../../src/admission/identity/create-authenticator.js';
import type { AuthenticatorParts, Identity } from '../../../../src/admission/identity/create-authenticator.js';
import { parseChannelPattern } from '../../../../src/admission/identity/channel-pattern.js';
import type { ChannelPattern } from '../../../../src/admission/identity/channel-pattern.js';
import type { Issuer } from '../../../../src/admission/identity/issuer.js';
import { defaultKeyTimes } from '../../../../src/admission/identity/key-source.js';
import { defaultVerifyLimits } from '../../../../src/admission/identity/verified-tokens.js';
import type { Authentication } from '../../../../src/admission/authenticator.js';
import type { Principal } from '../../../../src/admission/principal.js';
import type { RequestSnapshot } from '../../../../src/protocol/request-snapshot.js';
import type { Environment, Timer } from '../../../../src/std/clock.js';
import type { LogFields, Logger } from '../../../../src/telemetry/logger.js';
import type { Metrics } from '../../../../src/telemetry/metrics.js';
import { noMetrics } from '../../../../src/telemetry/no-metrics.js';

export const secret = 'a-secret-of-thirty-two-bytes-and-more';
export const startMs = Date.parse('2026-01-01T00:00:00Z');
export const seconds = (ms: number): number => Math.floor(ms / 1_000);

/** Time that moves only when told; timers run in order while it does. */
export class HandClock implements Environment {
  #nowMs = startMs;
  readonly #due = new Set<{ atMs: number; readonly callback: () => void; readonly periodMs: number | null }>();
  readonly clock = { nowMs: () => this.#nowMs, tickMs: () => this.#nowMs - startMs };
  readonly timers = {
    after: (delayMs: number, callback: () => void) => this.#add(delayMs, callback, null),
    every: (periodMs: number, callback: () => void) => this.#add(periodMs, callback, periodMs),
    soon: (callback: () => void) => void setImmediate(callback),
  };
  random = (): number => 0.5;

  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const next = [...this.#due].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      if (next.periodMs === null) this.#due.delete(next);
      else next.atMs += next.periodMs;
      next.callback();
    }
    this.#nowMs = endMs;
  }

  #add(delayMs: number, callback: () => void, periodMs: number | null): Timer {
    const entry = { atMs: this.#nowMs + delayMs, callback, periodMs };
    this.#due.add(entry);
    return { cancel: () => void this.#due.delete(entry) };
  }
}

export interface LogLine {
  readonly message: string;
  readonly fields: LogFields;
}

export function keepLog(lines: LogLine[]): Logger {
  const keep = (message: string, fields: LogFields = {}): void => void lines.push({ message, fields });
  return { debug: keep, info: keep, warn: keep, error: keep };
}

export const pattern = (text: string): ChannelPattern => {
  const parsed = parseChannelPattern(text);
  if (parsed.kind === 'problem') throw new Error(`${text} ${parsed.problem}`);
  return parsed.pattern;
};

export const hsIssuer: Issuer = {
  name: 'test',
  issuer: null,
  audiences: null,
  algorithms: ['HS256'],
  keys: { kind: 'secret', text: secret, encoding: 'utf8' },
  types: ['', 'jwt', 'at+jwt'],
  clockToleranceSeconds: 5,
  lifetimeSecondsMax: 86_400,
  claims: { subject: 'sub', grants: 'selvage', tenant: 'tenant' },
  subjectPrefix: '',
  defaultGrants: { read: [], publish: [] },
};

export interface Made {
  readonly identity: Identity;
  readonly environment: HandClock;
  readonly lines: LogLine[];
  /** Outcomes of `tokenChecked`, counted. */
  readonly checked: Map<string, number>;
}

export function makeIdentity(parts: Partial<AuthenticatorParts> = {}): Made {
  const environment = new HandClock();
  const lines: LogLine[] = [];
  const checked = new Map<string, number>();
  const metrics: Metrics = { ...noMetrics, tokenChecked: (outcome) => void checked.set(outcome, (checked.get(outcome) ?? 0) + 1) };
  const identity = createAuthenticator({
    issuers: [hsIssuer],
    open: { read: [], publish: [] },
    credentials: { cookieName: null, queryToken: false },
    allowedOrigins: [],
    tickets: null,
    isRevoked: () => false,
    keyTimes: defaultKeyTimes,
    verifyLimits: defaultVerifyLimits,
    environment,
    logger: keepLog(lines),
    metrics,
    ...parts,
  });
  return { identity, environment, lines, checked };
}

export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | readonly string[]>>;
}

export function request({ method = 'GET', headers = {}, query = {} }: Asked = {}): RequestSnapshot {
  const values = Object.entries(query).map(([name, value]) => [name, typeof value === 'string' ? [value] : value] as const);
  const snapshot = { method, path: '/v1/events', pathParameters: {}, query: new Map(values), headers: new Map(Object.entries(headers)) };
  return { ...snapshot, remoteAddress: '127.0.0.1', requestId: 'test' };
}

export const bearer = (token: string): RequestSnapshot => request({ headers: { authorization: `Bearer ${token}` } });

export type ClaimSet = Record<string, unknown>;

export const usualClaims: ClaimSet = { sub: 'alice', iat: seconds(startMs), exp: seconds(startMs) + 3_600 };

/** A token of `alice`, for an hour, signed with the usual secret. */
export const signHs = (claims: ClaimSet = {}, header: Record<string, unknown> = {}, key = secret): Promise<string> =>
  new SignJWT({ ...usualClaims, ...claims }).setProtectedHeader({ alg: 'HS256', ...header }).sign(Buffer.from(key));

export const principalIn = (found: Authentication): Principal => {
  if (found.kind !== 'principal') throw new Error(`refused: ${found.refusal.code}: ${found.refusal.detail}`);
  return found.principal;
};

export const codeOf = (found: Authentication): string => (found.kind === 'refused' ? found.refusal.code : 'principal');
export const detailOf = (found: Authentication): string => (found.kind === 'refused' ? found.refusal.detail : '');
