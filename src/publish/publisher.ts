import type { AdmissionRefusal } from '../admission/authenticator.js';
import type { Principal } from '../admission/principal.js';
import type { ErrorCode } from '../protocol/error-catalogue.js';

/** Where one event landed. */
export interface PublishResult {
  /** The position from which a reader of the channel gets what came after this event. */
  readonly position: string;
  readonly partition: number;
  /** As text: Kafka's offsets are 64 bits wide. */
  readonly offset: string;
}

/** Why one event of a batch is not known to be in the log. */
export interface PublishFault {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly status: number;
}

export type PublishOutcome = PublishResult | { readonly error: PublishFault };

export interface PublishRequest {
  readonly body: Uint8Array;
  readonly contentType: string;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly principal: Principal;
  /** The peer's, behind trusted proxies the one that they tell. */
  readonly address: string;
}

export type PublishRefusal = AdmissionRefusal;

export type PublishAnswer =
  | {
      readonly kind: 'answered';
      /** 207: a batch of which some events are not known to be in the log. */
      readonly status: 200 | 207;
      readonly results: readonly PublishOutcome[];
      /** The answer to an earlier request with the same idempotency key; nothing was appended now. */
      readonly isReplay: boolean;
    }
  | { readonly kind: 'refused'; readonly refusal: PublishRefusal; readonly isReplay: boolean };

/** Publishing over HTTP, without the HTTP. */
export interface Publisher {
  /**
   * Reads one event or a batch and appends it. Resolves when each event is in the log, refused, or of unknown outcome. A single event is answered
   * or refused whole; the events of a batch are answered one by one. Rejects only when the program is at fault.
   */
  publish(request: PublishRequest): Promise<PublishAnswer>;
}
