import { createHash } from 'node:crypto';
import type { Clock } from '../../std/clock.js';
import type { Metrics } from '../../telemetry/metrics.js';
import { isIssuedBy } from './revocation.js';
import type { Revocation, TokenFacts } from './revocation.js';

export interface RevocationListOptions {
  /** Revocations held at a time. */
  readonly entriesMax: number;
  /** Longest lifetime of a token: nothing is kept for longer. */
  readonly tokenLifetimeMs: number;
}

interface Entry {
  readonly atMs: number;
  readonly untilMs: number;
}

/** How far other clocks may be ahead of ours. */
const clockAheadMs = 60_000;
/** How much longer than its lifetime a token may be accepted, for clocks that differ. */
const toleranceMs = 600_000;
/** Longer keys are kept as their hash. */
const keyLengthMax = 64;

/**
 * The tokens that are refused before their time: one by its id, or all of a subject that were issued at or before a moment (see `isIssuedBy`). Pure; each entry lapses
 * when no token that it refuses can be valid any more.
 *
 * Full, it forgets nothing: its oldest entry makes room and is replaced by a wider one, that every token issued at or before that entry is refused. Any token that
 * the entry refused was issued by then, so none gets through; others have to be fetched anew. `revocationsWidened` tells.
 */
export class RevocationList {
  readonly #options: RevocationListOptions;
  readonly #clock: Clock;
  readonly #metrics: Pick<Metrics, 'revocationsHeld' | 'revocationsWidened'>;
  /** In the order in which they came, so nearly in that of their times. */
  readonly #entries = new Map<string, Entry>();
  #everybody: Entry = { atMs: -1, untilMs: -1 };

  constructor(options: RevocationListOptions, clock: Clock, metrics: Pick<Metrics, 'revocationsHeld' | 'revocationsWidened'>) {
    this.#options = options;
    this.#clock = clock;
    this.#metrics = metrics;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Takes a revocation up; again is harmless. One that names neither subject nor token refuses nothing. */
  add(revocation: Revocation): void {
    const { subject, tokenId } = revocation;
    if (subject === undefined && tokenId === undefined) return;
    const entry = this.#believable(revocation);
    if (entry.untilMs <= this.#clock.nowMs()) return;
    const key = tokenId === undefined ? subjectKey(subject ?? '') : tokenKey(tokenId, subject);
    const known = this.#entries.get(key);
    this.#entries.delete(key);
    this.#entries.set(key, known === undefined ? entry : wider(known, entry));
    while (this.#entries.size > this.#options.entriesMax) this.#foldOldest();
    this.#metrics.revocationsHeld(this.#entries.size);
  }

  /** Refuses every token issued at or before `atMs`, or that does not say when, until `untilMs`: what was revoked by then is not known. */
  refuseAllIssuedBy(atMs: number, untilMs: number): void {
    const entry = this.#believable({ atMs, untilMs });
    this.#metrics.revocationsWidened();
    this.#everybody = this.#everybody.untilMs > this.#clock.nowMs() ? wider(this.#everybody, entry) : entry;
  }

  /** Whether the token is refused. Somebody without a token never is. */
  isRevoked(token: TokenFacts): boolean {
    const { subject, tokenId, issuedAtMs } = token;
    if (tokenId === null && subject === null) return false;
    if (this.#isLive(this.#everybody) && isIssuedBy(issuedAtMs, this.#everybody.atMs)) return true;
    if (this.#entries.size === 0) return false;
    if (tokenId !== null && this.#isLive(this.#entries.get(tokenKey(tokenId, undefined)))) return true;
    if (subject === null) return false;
    if (tokenId !== null && this.#isLive(this.#entries.get(tokenKey(tokenId, subject)))) return true;
    const entry = this.#entries.get(subjectKey(subject));
    return entry !== undefined && this.#isLive(entry) && isIssuedBy(issuedAtMs, entry.atMs);
  }

  /** Lets go of what has lapsed; to be called now and then. */
  expire(): void {
    for (const [key, entry] of this.#entries) if (!this.#isLive(entry)) this.#entries.delete(key);
    this.#metrics.revocationsHeld(this.#entries.size);
  }

  #foldOldest(): void {
    for (const [key, entry] of this.#entries) {
      this.#entries.delete(key);
      // An issuer's clock may be ahead of ours.
      if (this.#isLive(entry)) this.refuseAllIssuedBy(entry.atMs + clockAheadMs, entry.untilMs);
      return;
    }
  }

  /** A clock gone wrong, or malice, must not refuse a subject for ever. */
  #believable({ atMs, untilMs }: Entry): Entry {
    const latestMs = this.#clock.nowMs() + clockAheadMs;
    return { atMs: Math.min(atMs, latestMs), untilMs: Math.min(untilMs, latestMs + this.#options.tokenLifetimeMs + toleranceMs) };
  }

  #isLive(entry: Entry | undefined): boolean {
    return entry !== undefined && entry.untilMs > this.#clock.nowMs();
  }
}

const wider = (a: Entry, b: Entry): Entry => ({ atMs: Math.max(a.atMs, b.atMs), untilMs: Math.max(a.untilMs, b.untilMs) });

const subjectKey = (subject: string): string => `s${bounded(subject)}`;
const tokenKey = (tokenId: string, subject: string | undefined): string =>
  subject === undefined ? `t${bounded(tokenId)}` : `b${bounded(tokenId)} ${bounded(subject)}`;

/** One spelling a text: what is kept as it is, what begins with a control character of ours is a hash, and the space between two of them stands in neither's way. */
function bounded(text: string): string {
  if (text.length <= keyLengthMax && !text.startsWith('\u0000') && !text.includes(' ')) return text;
  return `\u0000${createHash('sha256').update(text).digest('base64')}`;
}
