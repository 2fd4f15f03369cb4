/** What a client should do after `selvage.close`. */
export type Reconnect = 'resume' | 'back-off' | 'stop';

/** Why the server ends a stream on purpose. `retryMs` is the base that is jittered per connection. */
export const closeCatalogue = {
  'max-age': { reconnect: 'resume', retryMs: 1_000 },
  draining: { reconnect: 'resume', retryMs: 2_000 },
  'slow-reader': { reconnect: 'resume', retryMs: 2_000 },
  'token-expired': { reconnect: 'resume', retryMs: 1_000 },
  revoked: { reconnect: 'stop', retryMs: 0 },
  replaced: { reconnect: 'stop', retryMs: 0 },
  timeout: { reconnect: 'stop', retryMs: 0 },
  'too-many-streams': { reconnect: 'back-off', retryMs: 15_000 },
  'rate-limited': { reconnect: 'back-off', retryMs: 10_000 },
  ended: { reconnect: 'stop', retryMs: 0 },
  overloaded: { reconnect: 'back-off', retryMs: 10_000 },
  'not-ready': { reconnect: 'back-off', retryMs: 5_000 },
} as const satisfies Record<string, { reconnect: Reconnect; retryMs: number }>;

export type CloseCode = keyof typeof closeCatalogue;

/** How a stream ended, for logs and metrics: on purpose, or by the peer. */
export type CloseReason = CloseCode | 'client-gone' | 'peer-stalled' | 'shutdown';
