import type { ErrorCode } from '../protocol/error-catalogue.js';

/** Where one event landed. */
export interface PublishResult {
  /** The position from which a reader of the channel gets what came after this event. */
  readonly position: string;
  readonly partition: number;
  /** As text: Kafka's offsets are 64 bits wide. */
  readonly offset: string;
}

export interface PublishRefusal {
  readonly code: ErrorCode;
  /** Names the item that is at fault. */
  readonly detail: string;
  readonly limit?: number;
  readonly retryAfterSeconds?: number;
}

export type PublishAnswer =
  | { readonly kind: 'accepted'; readonly results: readonly PublishResult[] }
  | { readonly kind: 'refused'; readonly refusal: PublishRefusal };

/** Publishing over HTTP, without the HTTP. */
export interface Publisher {
  /** Reads one event or a batch and appends it; resolves only when all of it is in the log, or none of it was offered to the log. */
  publish(body: Uint8Array, contentType: string): Promise<PublishAnswer>;
}
