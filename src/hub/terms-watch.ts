import type { CloseCode } from '../protocol/close-catalogue.js';
import type { Clock } from '../std/clock.js';
import type { DeadlineRider } from './deadline-wheel.js';
import type { RenewedTerms, StreamTerms, TermsEvent } from './stream-terms.js';

/** A stream, as the keeper of its terms sees it. */
export interface TermsStream {
  /** At the tail: it has had every event that there is. */
  readonly isAtTail: boolean;
  /** Its socket takes bytes. */
  readonly isFlowing: boolean;
  /** Brings the watch what the stream's cohort has sent; nothing when it is in none. */
  noteCohort(): void;
  /** Sends an event of the fabric's own, without an id. */
  tell(type: string, data: object): void;
  /** Sends a last event, whose id has the end mark, and closes. */
  endWith(event: TermsEvent, code: CloseCode): void;
  close(code: CloseCode): void;
}

/** How soon it is tried again when the stream's socket, or its cursor, is behind. */
const tryAgainMs = 1_000;
/** Room for a time-out to be sent before the stream is too old. */
const graceMs = 5_000;

/** Keeps what one stream was promised: heartbeats, the time-out, the token's end. Looked at by the wheel; costs nothing between. */
export class TermsWatch implements DeadlineRider {
  wheelSlot = -1;
  #terms: StreamTerms;
  readonly #stream: TermsStream;
  readonly #clock: Clock;
  /** When an event, or a heartbeat, was last sent. */
  #sentTickMs: number;
  /** Record time of the newest event that the reader has had; of the opening while none is known. */
  #newestMs: number;
  #isNewestKnown: boolean;
  #hasNoticed = false;
  #isOver = false;

  constructor(terms: StreamTerms, stream: TermsStream, clock: Clock, newestMs: number | null) {
    this.#terms = terms;
    this.#stream = stream;
    this.#clock = clock;
    this.#sentTickMs = clock.tickMs();
    this.#newestMs = newestMs ?? clock.nowMs();
    this.#isNewestKnown = newestMs !== null;
  }

  get terms(): StreamTerms {
    return this.#terms;
  }

  /** Events went out; `newestMs` is the newest record time among them. */
  sent(newestMs: number, tickMs: number): void {
    this.#sentTickMs = Math.max(this.#sentTickMs, tickMs);
    this.#newestMs = this.#isNewestKnown ? Math.max(this.#newestMs, newestMs) : newestMs;
    this.#isNewestKnown = true;
  }

  /** The stream goes on under other terms; the caller plans the next look. */
  renew(renewed: RenewedTerms): void {
    this.#terms = { ...this.#terms, ...renewed };
    this.#hasNoticed = false;
  }

  /** Nothing is due any more. */
  end(): void {
    this.#isOver = true;
  }

  /** How long the stream must be left open. A time-out that counts from the opening would begin anew with each stream, and never come. */
  get leastAgeMs(): number {
    const { timeout } = this.#terms;
    return timeout === null || this.#isNewestKnown ? 0 : timeout.afterMs + graceMs;
  }

  look(): number {
    if (this.#isOver) return Infinity;
    this.#stream.noteCohort();
    const next = Math.min(this.#lookAtToken(), this.#isOver ? Infinity : this.#lookAtTimeout());
    return this.#isOver ? Infinity : Math.min(next, this.#lookAtSilence());
  }

  #lookAtToken(): number {
    const { expiresAtMs, tokenNoticeMs, streamId } = this.#terms;
    if (expiresAtMs === null) return Infinity;
    const leftMs = expiresAtMs - this.#clock.nowMs();
    if (leftMs <= 0) {
      this.#stream.close('token-expired');
      return Infinity;
    }
    if (this.#hasNoticed) return leftMs;
    if (leftMs > tokenNoticeMs) return leftMs - tokenNoticeMs;
    if (!this.#stream.isFlowing) return Math.min(leftMs, tryAgainMs);
    this.#hasNoticed = true;
    this.#stream.tell('selvage.token', { expiresInMs: leftMs, stream: streamId });
    return leftMs;
  }

  /** Due only at the tail: what the reader has not had yet may be newer. */
  #lookAtTimeout(): number {
    const { timeout } = this.#terms;
    if (timeout === null) return Infinity;
    const leftMs = this.#newestMs + timeout.afterMs - this.#clock.nowMs();
    if (leftMs > 0) return leftMs;
    if (!this.#stream.isAtTail || !this.#stream.isFlowing) return tryAgainMs;
    this.#stream.endWith(timeout, 'timeout');
    return Infinity;
  }

  #lookAtSilence(): number {
    const { heartbeat } = this.#terms;
    if (heartbeat === null) return Infinity;
    const tickMs = this.#clock.tickMs();
    const leftMs = this.#sentTickMs + heartbeat.everyMs - tickMs;
    if (leftMs > 0) return leftMs;
    if (!this.#stream.isFlowing) return tryAgainMs;
    this.#sentTickMs = tickMs;
    this.#stream.tell(heartbeat.type, heartbeat.data(this.#clock.nowMs()));
    return heartbeat.everyMs;
  }
}
