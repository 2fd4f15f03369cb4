import type { KeyRing } from './key-ring.js';

/** `away`: whoever has the keys did not answer, so that nothing follows from what is not among them. */
export type RefreshOutcome = 'looked' | 'away';

/** Keys of an issuer, kept current. Times are of the monotonic clock. */
export interface KeySource {
  readonly ring: KeyRing;
  /** False: there are no keys, or they are too old to be believed. */
  isUsable(): boolean;
  /** Reads the keys and begins to watch them. Rejects with a `KeyError` for files that cannot be used; never because a server is away. */
  start(): Promise<void>;
  /** Looks for newer keys now, at most once a cool-down; in between, what the last look found. Never rejects. */
  refresh(): Promise<RefreshOutcome>;
  stop(): void;
}

/** How keys are kept current. */
export interface KeyTimes {
  /** Between looks at files. */
  readonly filePollMs: number;
  /** How long a key from a file is believed after it was replaced. */
  readonly overlapMs: number;
  /** Between fetches of a key set when nothing asks for one. */
  readonly jwksRefreshMs: number;
  /** Least time between looks for an unknown key. */
  readonly coolDownMs: number;
  readonly jwksTimeoutMs: number;
  readonly jwksBytesMax: number;
  /** How long a key set is believed after the last fetch that worked. */
  readonly staleMsMax: number;
}

export const defaultKeyTimes: KeyTimes = {
  filePollMs: 5_000,
  overlapMs: 600_000,
  jwksRefreshMs: 300_000,
  coolDownMs: 10_000,
  jwksTimeoutMs: 5_000,
  jwksBytesMax: 262_144,
  staleMsMax: 86_400_000,
};
