/** What the store knows of a key. */
export type IdempotencyBegin =
  /** Nothing was known; it is now under way for the caller. */
  | { readonly kind: 'new' }
  /** Another request with it is under way. */
  | { readonly kind: 'in-flight' }
  /** It was used for another request. */
  | { readonly kind: 'mismatch' }
  /** The request that began with it did not say how it ended, within the lease: whether its events are in the log is not known. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'answered'; readonly answer: string };

export interface IdempotencyOptions {
  /** How long a key is remembered, from its last change. */
  readonly rememberMs: number;
  /** How long a request counts as under way. Longer than an append may take. */
  readonly leaseMs: number;
}

/**
 * Remembers keys of requests and their answers. A key is `new` to one caller alone until it is abandoned or forgotten, whatever dies in between: the
 * lease only turns `in-flight` into `unknown`, never into `new`. Every method rejects when the store is away; `begin` may then have taken effect.
 */
export interface IdempotencyStore {
  /** `owner` is unique to the request. */
  begin(key: string, fingerprint: string, owner: string): Promise<IdempotencyBegin>;
  /** Remembers the answer; nothing happens when the key is not `owner`'s any more. */
  complete(key: string, owner: string, answer: string): Promise<void>;
  /** Forgets the key: nothing of the request is in the log. Nothing happens when it is not `owner`'s, or was completed. */
  abandon(key: string, owner: string): Promise<void>;
}
