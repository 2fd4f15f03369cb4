import type { Principal } from '../admission/principal.js';
import type { StreamLease } from '../admission/stream-limits.js';
import type { StreamControl } from '../admission/stream-registry.js';
import type { Hub } from '../hub/hub.js';
import type { Sink } from '../hub/sink.js';
import type { StreamTerms } from '../hub/stream-terms.js';
import type { Start } from '../hub/subscriber-home.js';
import type { Subscriber } from '../hub/subscriber.js';
import type { Subscription } from '../hub/subscription.js';
import type { CloseCode } from '../protocol/close-catalogue.js';
import type { StreamGate } from './stream-gate.js';

export interface SeatParts {
  readonly hub: Hub;
  readonly registry: StreamGate['registry'];
  readonly principal: Principal;
  readonly lease: StreamLease;
  readonly subscription: Subscription;
  readonly start: Start;
  readonly terms: StreamTerms;
  /** Whether a fresh token still allows what the stream reads. */
  readonly stillAllows: (principal: Principal) => boolean;
}

/** The place of one stream: taken when it was admitted, registered while it is open, given back at its end, or at once when it never begins. */
export class StreamSeat implements StreamControl {
  /** Null once the stream has begun: where it began is not kept. */
  #parts: SeatParts | null;
  readonly #lease: StreamLease;
  readonly #stillAllows: SeatParts['stillAllows'];
  #subscriber: Subscriber | null = null;
  #unregister: (() => void) | null = null;
  /** What was asked before the stream had begun. */
  #closeCode: CloseCode | null = null;

  constructor(parts: SeatParts) {
    this.#parts = parts;
    this.#lease = parts.lease;
    this.#stillAllows = parts.stillAllows;
  }

  /** Attaches the socket. Called at most once; instead of `discard`. */
  take(sink: Sink): Subscriber {
    try {
      return this.#attach(sink);
    } catch (error) {
      this.#leave();
      throw error;
    }
  }

  #attach(sink: Sink): Subscriber {
    const parts = this.#parts;
    if (parts === null) throw new Error('a stream begins once');
    this.#parts = null;
    const { hub, registry, principal, subscription, start, terms } = parts;
    const { channels } = subscription;
    this.#unregister = registry.add({
      id: terms.streamId,
      principal,
      channels,
      openedAtMs: hub.environment.clock.nowMs(),
      control: this,
    });
    const subscriber = hub.attach(subscription, start, sink, terms, () => this.#leave());
    this.#subscriber = subscriber;
    if (this.#closeCode !== null) subscriber.close(this.#closeCode);
    return subscriber;
  }

  /** The stream will not begin. */
  discard(): void {
    this.#lease.release();
  }

  close(code: CloseCode): void {
    this.#closeCode = code;
    this.#subscriber?.close(code);
  }

  renew(principal: Principal): void {
    if (!this.#stillAllows(principal)) return this.close('token-expired');
    this.#subscriber?.renew({ expiresAtMs: principal.expiresAtMs });
  }

  get state(): string {
    return this.#subscriber?.state ?? 'opening';
  }

  #leave(): void {
    this.#unregister?.();
    this.#lease.release();
  }
}
