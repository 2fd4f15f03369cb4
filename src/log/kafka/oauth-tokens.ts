import type { Clock } from '../../std/clock.js';
import { LogError } from '../event-log.js';

const fetchTimeoutMs = 10_000;
/** A token is replaced this long before it runs out. */
const earlyMs = 30_000;
/** Lifetime of a token whose endpoint does not say (RFC 6749 only recommends `expires_in`). */
const unknownLifetimeSeconds = 300;

export interface OauthClient {
  readonly tokenEndpoint: string;
  readonly clientId: string;
  readonly scope?: string;
}

/** Tokens by client credentials (RFC 6749 §4.4), kept until shortly before they run out; callers at the same time share one request. */
export class OauthTokens {
  private readonly client: OauthClient;
  private readonly secret: () => string;
  private readonly clock: Clock;
  private held: { readonly value: string; readonly untilMs: number } | null = null;
  private asking: Promise<string> | null = null;

  constructor(client: OauthClient, secret: () => string, clock: Clock) {
    this.client = client;
    this.secret = secret;
    this.clock = clock;
  }

  /** Rejects with a `LogError` that never quotes the secret or a token. */
  async current(): Promise<string> {
    if (this.held !== null && this.clock.nowMs() < this.held.untilMs) return this.held.value;
    this.asking ??= this.ask().finally(() => (this.asking = null));
    return this.asking;
  }

  private async ask(): Promise<string> {
    const { tokenEndpoint, clientId, scope } = this.client;
    const body = new URLSearchParams({ grant_type: 'client_credentials', ...(scope !== undefined && { scope }) });
    const credentials = `${encodeURIComponent(clientId)}:${encodeURIComponent(this.secret())}`;
    const response = await fetch(tokenEndpoint, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}`, accept: 'application/json' },
      body,
      signal: AbortSignal.timeout(fetchTimeoutMs),
    }).catch((error: unknown) => {
      throw new LogError(`the token endpoint of Kafka's SASL OAUTHBEARER does not answer`, true, { cause: error });
    });
    if (!response.ok)
      throw new LogError(`the token endpoint of Kafka's SASL OAUTHBEARER answered ${response.status}`, response.status >= 500);
    // What the parser says of a wrong answer would quote it.
    const answer = (await response.json().catch(() => null)) as { access_token?: unknown; expires_in?: unknown } | null;
    const { access_token: value, expires_in: seconds } = answer ?? {};
    if (typeof value !== 'string' || value === '')
      throw new LogError(`the token endpoint of Kafka's SASL OAUTHBEARER sent no token`, false);
    const lifetimeMs = (typeof seconds === 'number' ? seconds : unknownLifetimeSeconds) * 1000;
    this.held = { value, untilMs: this.clock.nowMs() + Math.max(lifetimeMs - earlyMs, lifetimeMs / 2) };
    return value;
  }
}
