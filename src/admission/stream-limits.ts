import type { AdmissionRefusal } from './authenticator.js';
import type { Principal } from './principal.js';

/** A stream or poll that wants to begin. */
export interface StreamClaim {
  /** Unique over all nodes. */
  readonly streamId: string;
  readonly principal: Principal;
  /** The peer's address, behind trusted proxies the one that they tell. */
  readonly address: string;
  /** It comes back with a position: its old stream may still be counted. */
  readonly isResume: boolean;
}

/** A place that is taken until it is released or its node is dead. */
export interface StreamLease {
  /** Gives the place back; more than once is harmless. Never throws. */
  release(): void;
}

export type StreamAdmission =
  | {
      readonly kind: 'admitted';
      readonly lease: StreamLease;
      /** Told in headers: names as in RateLimit headers, in order. */ readonly headers: readonly (readonly [string, string])[];
    }
  | { readonly kind: 'refused'; readonly refusal: AdmissionRefusal };

/** How much anybody may have. Never rejects: where the shared store is away, the node's own count decides. */
export interface StreamLimits {
  admitStream(claim: StreamClaim): StreamAdmission | Promise<StreamAdmission>;
  /** Takes `events` from the publish budgets of the caller and its tenant; null: go on. */
  admitPublish(principal: Principal, address: string, events: number): AdmissionRefusal | null | Promise<AdmissionRefusal | null>;
}
