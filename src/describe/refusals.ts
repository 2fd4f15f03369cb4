import type { ErrorCode } from '../protocol/error-catalogue.js';
import type { Access } from './security.js';

/** Of any request that names an address. */
export const everyRequest = [
  'malformed-request',
  'uri-too-long',
  'headers-too-large',
  'internal-error',
] as const satisfies readonly ErrorCode[];

/** Of no operation: the address or the method is none. */
export const noOperation = ['not-found', 'method-not-allowed'] as const satisfies readonly ErrorCode[];

const token = ['token-missing', 'token-invalid', 'token-expired', 'token-revoked', 'identity-unavailable', 'overloaded'] as const;

/** Of who asks. */
export function credentialRefusals({ schemes }: Access): readonly ErrorCode[] {
  if (schemes.length === 0) return [];
  const cookie = schemes.includes('cookie') ? (['origin-forbidden'] as const) : [];
  const ticket = schemes.includes('ticket') ? (['ticket-invalid', 'store-unavailable'] as const) : [];
  return [...new Set<ErrorCode>([...token, ...cookie, ...ticket])];
}

/** Of a stream or poll, whatever its address. */
export const streamRefusals = [
  'unknown-parameter',
  'invalid-parameter',
  'invalid-channel',
  'subscription-too-wide',
  'unroutable-channel',
  'channel-forbidden',
  'not-acceptable',
  'too-many-streams',
  'rate-limited',
  'log-unavailable',
  'not-ready',
  'overloaded',
] as const satisfies readonly ErrorCode[];

/** Of a request that names its channels, besides. */
export const openRefusals = ['missing-channel', 'too-many-channels'] as const satisfies readonly ErrorCode[];

/** Of a stream whose permission is a hook's to say, besides. */
export const hookRefusals = ['not-found', 'permission-unavailable'] as const satisfies readonly ErrorCode[];

/** Of a request with a body. */
const body = ['body-timeout', 'body-too-large', 'overloaded'] as const;

export const publishRefusals = [
  ...body,
  'unsupported-media-type',
  'invalid-event',
  'unroutable-channel',
  'channel-forbidden',
  'rate-limited',
  'key-in-flight',
  'key-reused',
  'store-unavailable',
  'log-unavailable',
  'outcome-unknown',
] as const satisfies readonly ErrorCode[];

export const ticketRefusals = [
  ...body,
  'unsupported-media-type',
  'missing-channel',
  'invalid-channel',
  'too-many-channels',
  'channel-forbidden',
  'origin-forbidden',
  'not-found',
] as const satisfies readonly ErrorCode[];

export const renewalRefusals = [...body, 'subject-mismatch', 'stream-unknown', 'log-unavailable'] as const satisfies readonly ErrorCode[];

export const sessionRefusals = [...body, 'origin-forbidden'] as const satisfies readonly ErrorCode[];
