/** Channels that somebody may touch. */
export interface Grant {
  allows(channel: string): boolean;
}

/** Who asks, as far as it was proven. */
export interface Principal {
  /** Null: nobody has said who they are. */
  readonly subject: string | null;
  /** Shares a budget with all of the same tenant. Null: none is told. */
  readonly tenant: string | null;
  /** The token's `jti`, or a hash of a token without one. Null: no token. */
  readonly tokenId: string | null;
  readonly issuedAtMs: number | null;
  /** Null: never. */
  readonly expiresAtMs: number | null;
  readonly via: 'anonymous' | 'bearer' | 'cookie' | 'ticket' | 'query';
  /** The verified claims; empty for somebody anonymous. What a ticket was made from is in it. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly read: Grant;
  readonly publish: Grant;
}
