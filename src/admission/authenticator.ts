import type { ErrorCode } from '../protocol/error-catalogue.js';
import type { RequestSnapshot } from '../protocol/request-snapshot.js';
import type { Principal } from './principal.js';

/** A refusal of admission: told as problem+json, or softly to a stream that should come back. */
export interface AdmissionRefusal {
  readonly code: ErrorCode;
  /** For people; never holds a token or a ticket. */
  readonly detail: string;
  /** The bound that was passed, and the present value. */
  readonly limit?: number;
  readonly present?: number;
  readonly retryAfterSeconds?: number;
  /** Further headers, such as `WWW-Authenticate`. */
  readonly headers?: Readonly<Record<string, string>>;
}

export type Authentication =
  { readonly kind: 'principal'; readonly principal: Principal } | { readonly kind: 'refused'; readonly refusal: AdmissionRefusal };

/** Finds out who asks. */
export interface Authenticator {
  /** At once for a token that was verified before, or where there is none. Never rejects. */
  authenticate(request: RequestSnapshot): Authentication | Promise<Authentication>;
}
