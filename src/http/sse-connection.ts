import type { HttpResponse } from 'uWebSockets.js';
import type { Sink, SinkOwner } from '../hub/sink.js';
import type { CloseCode, CloseReason } from '../protocol/close-catalogue.js';
import { keepAliveFrame } from '../protocol/control-frames.js';
import type { StreamHandle, StreamSummary } from '../subscribe/event-streams.js';
import type { LineSubject } from './access-log.js';
import type { HeaderList } from './cors.js';
import type { CorkedWriter } from './corked-writer.js';
import { StallWatch } from './stall-watch.js';
import type { Stallable } from './stall-watch.js';
import { writeStreamHead } from './stream-head.js';

/** What all connections of a server share. */
export interface ConnectionShare {
  readonly writer: CorkedWriter;
  readonly watch: StallWatch;
  /** Called once, when nothing will touch the response any more. */
  onClosed(connection: SseConnection, reason: CloseReason, summary: StreamSummary): void;
}

type Owner = SinkOwner & StreamHandle;

const nothing = new Uint8Array(0);
const noSummary: StreamSummary = {};

/**
 * A streaming response, and the only toucher of it. The head goes out with the first bytes.
 *
 *     flowing ──write says false──▶ waiting ──the socket takes bytes──▶ flowing      either ──▶ closed
 *
 * A false from `HttpResponse.write` means that the bytes went to a buffer that nobody can see: the owner writes nothing more until it is
 * told `onWritable`. On every writable event something must be written, else that buffer is never drained: a keep-alive, a few bytes, goes
 * first, and only when it shows the buffer to be empty does the owner get its turn. So at most one of the owner's writes is ever buffered.
 */
export class SseConnection implements Sink, Stallable {
  readonly openedAtTickMs: number;
  readonly subject: LineSubject;
  sweepOfLastWrite = 0;
  /** Of the stream's body, without keep-alives that only drain the socket. */
  bytesWritten = 0;
  readonly #share: ConnectionShare;
  #res: HttpResponse | null;
  #headers: HeaderList | null;
  #owner: Owner | null = null;
  #isWaiting = false;
  #unsureBytes = 0;
  #closing: CloseCode | null = null;

  constructor(res: HttpResponse, headers: HeaderList, share: ConnectionShare, subject: LineSubject, openedAtTickMs: number) {
    this.#res = res;
    this.#headers = headers;
    this.#share = share;
    this.subject = subject;
    this.openedAtTickMs = openedAtTickMs;
    res.onAborted(() => this.#peerGone());
    res.onWritable(() => this.#writable());
  }

  /** Gives the stream its owner, whose first writes go out together with the head. In the handler the cork is already the request's own. */
  attach(makeOwner: (sink: Sink) => Owner): void {
    this.#res?.cork(() => {
      const owner = makeOwner(this);
      if (this.#res === null) return;
      this.#owner = owner;
      if (this.#headers !== null) this.write(keepAliveFrame);
    });
  }

  write(frames: Uint8Array): boolean {
    const res = this.#res;
    if (res === null) return false;
    if (frames.length === 0) return !this.#isWaiting;
    if (this.#headers !== null) this.#writeHead(res, this.#headers);
    const accepted = this.#share.writer.write(res, frames);
    this.bytesWritten += frames.length;
    this.sweepOfLastWrite = this.#share.watch.sweep;
    if (accepted && !this.#isWaiting) {
      this.#unsureBytes += frames.length;
      if (this.#unsureBytes >= StallWatch.unsureBytesMin) this.#becomeUnsure();
      return true;
    }
    this.#isWaiting = true;
    this.#share.watch.stalled(this);
    return false;
  }

  end(frames: Uint8Array, code: CloseCode): void {
    const res = this.#res;
    if (res === null) return;
    const headers = this.#headers;
    this.bytesWritten += frames.length;
    this.#close(code);
    res.cork(() => {
      if (headers !== null) this.#writeHead(res, headers);
      res.end(frames);
    });
  }

  /** Asks the owner to end the stream on purpose; false when that was asked before. */
  askToClose(code: CloseCode): boolean {
    if (this.#res === null || this.#closing !== null) return false;
    this.#closing = code;
    if (this.#owner === null) this.end(nothing, code);
    else this.#owner.close(code);
    return true;
  }

  /** Cuts the connection; the owner is told that the peer is gone. */
  abort(): void {
    const res = this.#res;
    if (res === null) return;
    const owner = this.#owner;
    this.#close('shutdown');
    owner?.onPeerGone();
    res.close();
  }

  poke(rearm: boolean): void {
    this.#writeKeepAlive();
    // A pause and its end change nothing but the time-out, which the end of a pause starts anew.
    if (!rearm) return;
    this.#res?.pause();
    this.#res?.resume();
  }

  #writable(): boolean {
    // uWebSockets.js has taken its time-out back.
    this.#share.watch.flowing(this);
    return this.#writeKeepAlive();
  }

  /** Drains the response's buffer if the socket takes it; then it is the owner's turn, in the same cork. */
  #writeKeepAlive(): boolean {
    const res = this.#res;
    if (res === null) return true;
    let isDrained = false;
    res.cork(() => {
      isDrained = res.write(keepAliveFrame);
      if (isDrained) this.#resume();
    });
    if (!isDrained) this.#share.watch.stalled(this);
    return isDrained && !this.#isWaiting;
  }

  #resume(): void {
    this.#unsureBytes = 0;
    if (!this.#isWaiting) return;
    this.#isWaiting = false;
    this.#owner?.onWritable();
  }

  #becomeUnsure(): void {
    this.#unsureBytes = 0;
    this.#share.watch.unsure(this);
  }

  #writeHead(res: HttpResponse, headers: HeaderList): void {
    this.#headers = null;
    res.cork(() => writeStreamHead(res, headers));
  }

  #peerGone(): void {
    const owner = this.#owner;
    if (this.#res === null) return;
    this.#close('client-gone');
    owner?.onPeerGone();
  }

  #close(reason: CloseReason): void {
    const summary = this.#owner?.summary?.() ?? noSummary;
    this.#res = null;
    this.#owner = null;
    this.#share.watch.forget(this);
    this.#share.onClosed(this, reason, summary);
  }
}
