import type { CloseCode } from '../protocol/close-catalogue.js';

/** The socket side of a subscriber, as the hub sees it. Implemented by `http`; nothing else touches a response. */
export interface Sink {
  /**
   * Hands over whole frames, in one write; the bytes are valid only during the call. False: the bytes are taken, but the socket is behind; write nothing more until the subscriber's
   * `onWritable` is called. After `end` or once the peer is gone, does nothing and returns false.
   */
  write(frames: Uint8Array): boolean;
  /** The reader has reached the tail. */
  onLive?(): void;
  /** Hands over a last chunk (may be empty) and closes the response; `code` says why, to whoever counts. */
  end(frames: Uint8Array, code: CloseCode): void;
}

/** What a sink tells its subscriber. */
export interface SinkOwner {
  /** The socket takes bytes again. Returns after writing what there is to write. */
  onWritable(): void;
  /** The peer is gone; nothing may be written any more. */
  onPeerGone(): void;
}
