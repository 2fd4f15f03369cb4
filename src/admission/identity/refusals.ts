import type { AdmissionRefusal } from '../authenticator.js';
import type { ErrorCode } from '../../protocol/error-catalogue.js';

const challenge = 'Bearer realm="selvage"';
/** What RFC 6750 calls a token that is there and not accepted. */
const badToken = `${challenge}, error="invalid_token"`;

export type Refused = { readonly kind: 'refused'; readonly refusal: AdmissionRefusal };
type CredentialCode = Extract<ErrorCode, 'token-invalid' | 'token-expired' | 'token-revoked' | 'ticket-invalid'>;
type UnavailableCode = Extract<ErrorCode, 'identity-unavailable' | 'store-unavailable' | 'overloaded'>;

/** A credential that was given and is not accepted. `detail` never holds any part of it. */
export const refuse = (code: CredentialCode, detail: string): Refused => ({
  kind: 'refused',
  refusal: { code, detail, headers: { 'WWW-Authenticate': badToken } },
});

/** Nobody can tell at the moment: who asks should come back. */
export const refuseForNow = (code: UnavailableCode, detail: string, retryAfterSeconds: number): Refused => ({
  kind: 'refused',
  refusal: { code, detail, retryAfterSeconds },
});

export const refuseOrigin = (detail: string): Refused => ({ kind: 'refused', refusal: { code: 'origin-forbidden', detail } });

/** For somebody anonymous who wants what only a token gives. */
export const tokenMissing = (detail: string): AdmissionRefusal => ({
  code: 'token-missing',
  detail,
  headers: { 'WWW-Authenticate': challenge },
});
