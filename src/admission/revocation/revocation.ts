import type { Principal } from '../principal.js';

/** What a revocation says; the fields of a disconnect command that concern tokens. */
export interface Revocation {
  readonly subject?: string;
  readonly tokenId?: string;
  /** When it was asked, wall clock. */
  readonly atMs: number;
  /** From then on no token that it refuses can be valid. */
  readonly untilMs: number;
}

/** What of a caller a revocation looks at. */
export type TokenFacts = Pick<Principal, 'subject' | 'tokenId' | 'issuedAtMs'>;

/**
 * Whether a token was issued at or before `atMs`; one that does not say when counts as old.
 *
 * `iat` is in whole seconds, rounded down. So of two tokens of the second of the revocation nobody can tell which came first: both are refused. An old token never
 * passes; whoever signs in again gets through with a token of the next second, so at most a second later (at once, where the issuer writes fractions).
 */
export function isIssuedBy(issuedAtMs: number | null, atMs: number): boolean {
  return issuedAtMs === null || issuedAtMs <= atMs;
}

/** Whether the revocation refuses this token. One that names neither subject nor token refuses none. */
export function refuses(revocation: Omit<Revocation, 'untilMs'>, token: TokenFacts): boolean {
  const { subject, tokenId, atMs } = revocation;
  if (subject === undefined && tokenId === undefined) return false;
  if (subject !== undefined && subject !== token.subject) return false;
  // A token that is named is refused whenever it was issued: its clock may be ahead of ours.
  return tokenId === undefined ? isIssuedBy(token.issuedAtMs, atMs) : tokenId === token.tokenId;
}
