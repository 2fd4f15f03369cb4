import type { ChannelPattern } from './channel-pattern.js';

/** Signatures that can be asked of an issuer. `none` is not among them and never will be. */
export const secretAlgorithms = ['HS256', 'HS384', 'HS512'] as const;
export const publicAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;
export type Algorithm = (typeof secretAlgorithms)[number] | (typeof publicAlgorithms)[number];

/** Least bytes of a secret (RFC 7518, 3.2: at least the size of the hash). */
export const secretBytesMin: Readonly<Record<(typeof secretAlgorithms)[number], number>> = { HS256: 32, HS384: 48, HS512: 64 };

/** How a secret is written down. */
export type SecretEncoding = 'utf8' | 'base64' | 'base64url' | 'hex';

/** Where an issuer's keys come from. Files are read again while running. */
export type KeySpec =
  | { readonly kind: 'secret'; readonly text: string; readonly encoding: SecretEncoding }
  | { readonly kind: 'secret-files'; readonly paths: readonly string[]; readonly encoding: SecretEncoding }
  | { readonly kind: 'pem'; readonly text: string }
  | { readonly kind: 'pem-files'; readonly paths: readonly string[] }
  | { readonly kind: 'jwks-file'; readonly path: string }
  | { readonly kind: 'jwks-url'; readonly url: string };

/** Channel patterns that a caller may read and publish to. */
export interface PatternGrants {
  readonly read: readonly ChannelPattern[];
  readonly publish: readonly ChannelPattern[];
}

/** Names of the claims that mean something here: a top-level name as it stands, else a path of names with dots between. */
export interface ClaimNames {
  readonly subject: string;
  readonly grants: string;
  readonly tenant: string;
}

/** Somebody whose tokens are believed. */
export interface Issuer {
  /** For logs, metrics and the operator. */
  readonly name: string;
  /** The `iss` that its tokens must have. Null: not looked at; then it is the only issuer. */
  readonly issuer: string | null;
  /** One of them must be in `aud`. Null: not looked at. */
  readonly audiences: readonly string[] | null;
  readonly algorithms: readonly Algorithm[];
  readonly keys: KeySpec;
  /** Accepted `typ` headers, lower case, without `application/`; empty text: an absent one. */
  readonly types: readonly string[];
  readonly clockToleranceSeconds: number;
  /** Longest time from `iat` (or from now) to `exp`. */
  readonly lifetimeSecondsMax: number;
  readonly claims: ClaimNames;
  /** Put before each subject, so that two issuers' users are never taken for each other. */
  readonly subjectPrefix: string;
  /** For tokens that carry no grants. */
  readonly defaultGrants: PatternGrants;
}
