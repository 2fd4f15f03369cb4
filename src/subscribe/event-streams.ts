import type { NamedStream } from '../admission/named-streams/named-stream.js';
import type { RequestSnapshot } from '../protocol/request-snapshot.js';
import type { ErrorCode } from '../protocol/error-catalogue.js';
import type { CloseCode } from '../protocol/close-catalogue.js';
import type { Sink, SinkOwner } from '../hub/sink.js';

/** The request story of a reader, as `http` sees it. */
export interface EventStreams {
  /**
   * Admits a request for a stream or a poll. Resolves (often at once) to how to answer. Nothing is attached yet: a caller that finds its peer
   * gone meanwhile drops the answer by its `discard`. `stream`: the named stream at this address; absent: the request names its channels.
   */
  open(request: RequestSnapshot, stream?: NamedStream): Promise<StreamAnswer> | StreamAnswer;
}

export type StreamAnswer =
  | {
      readonly kind: 'stream';
      /** Further headers, such as those of limits. */
      readonly headers?: readonly (readonly [string, string])[];
      /** Attaches the socket: the head of the stream is written before this returns. */ attach(sink: Sink): SinkOwner & StreamHandle;
      /** Gives its place back: it will not be attached. */
      discard?(): void;
    }
  | {
      readonly kind: 'poll';
      readonly headers?: readonly (readonly [string, string])[];
      /** Settles when there is something to answer, or after `wait=`. */ poll(signal: AbortSignal): Promise<PollResult>;
      discard?(): void;
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** A resume after the terminal event: 204, which stops a native EventSource for good. */
  | { readonly kind: 'ended' };

export interface StreamHandle {
  /** Ends the stream on purpose, with its `selvage.close`. */
  close(code: CloseCode): void;
  /** What the stream was, for the line that is written at its end. */
  summary?(): StreamSummary;
}

export interface StreamSummary {
  /** Unique over all nodes; absent where streams have no names. */
  readonly streamId?: string;
  /** Events handed to the socket. */
  readonly events?: number;
  /** The deepest tier that a resume was read from; absent: it was none. */
  readonly resumedFrom?: string;
}

export interface PollResult {
  readonly position: string;
  /** JSON text: `{"events":[…],"position":"…","gap":{…}?}`. */
  readonly body: string;
}

/** A problem+json refusal, before the stream opens. */
export interface Refusal {
  readonly code: ErrorCode;
  /** For people; never holds secrets, and quotes only what was checked. */
  readonly detail: string;
  /** Seconds for `Retry-After`. */
  readonly retryAfterSeconds?: number;
  /** The bound that was passed, and the present value. */
  readonly limit?: number;
  readonly present?: number;
  /** Further headers, such as `WWW-Authenticate`. */
  readonly headers?: Readonly<Record<string, string>>;
}
