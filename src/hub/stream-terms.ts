/** An event that the fabric sends to one stream for the stream's own sake; it has no place in the log. */
export interface TermsEvent {
  readonly type: string;
  /** What becomes its data, as JSON; asked for at the moment of sending. */
  readonly data: (nowMs: number) => object;
}

/** What one stream was promised besides its events. Touches that stream alone: its live events are the bytes that everybody gets. */
export interface StreamTerms {
  /** Unique over all nodes; told in `selvage.token`, and what a renewal names. */
  readonly streamId: string;
  /** Whose stream it is; null: nobody has said. */
  readonly owner: string | null;
  /** Sent behind the head, without an id. */
  readonly greeting: TermsEvent | null;
  /** Sent when no event was for `everyMs`, again and again, without an id. */
  readonly heartbeat: (TermsEvent & { readonly everyMs: number }) | null;
  /** Ends the stream when the newest event is older than `afterMs` by its record time; where none is known, so long after the stream opened. */
  readonly timeout: (TermsEvent & { readonly afterMs: number }) | null;
  /** When the token runs out; null: never. */
  readonly expiresAtMs: number | null;
  /** So long before that the reader is told. */
  readonly tokenNoticeMs: number;
  /** In place of the hub's; 0: no maximum age. */
  readonly maxAgeMs: number | null;
  /** In place of the hub's. */
  readonly retryMs: number | null;
}

/** What of the terms may change while the stream is open. */
export type RenewedTerms = Pick<StreamTerms, 'expiresAtMs'>;
