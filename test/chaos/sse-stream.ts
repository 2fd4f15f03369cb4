import { connect } from 'node:net';
import type { Socket } from 'node:net';

export interface SseFrame {
  readonly type: string;
  readonly data: string;
  /** Null when the frame had none. */
  readonly id: string | null;
}

export interface SseStreamHandlers {
  onStatus(status: number): void;
  onFrame(frame: SseFrame): void;
  /** `retry:` of the stream. */
  onRetry(retryMs: number): void;
  /** Any byte: the stream is alive. */
  onBytes(): void;
  /** Once, however it ended. */
  onEnd(how: string): void;
}

/**
 * One GET of a stream over a plain socket: HTTP/1.1, chunked, Server-Sent Events. A frame counts when its blank line has come; what a dropped connection leaves half
 * is forgotten. Text is taken as Latin-1: the test's own data is ASCII.
 */
export class SseStream {
  readonly #socket: Socket;
  readonly #handlers: SseStreamHandlers;
  #buffer = '';
  #state: 'head' | 'size' | 'data' | 'data-end' | 'plain' | 'done' = 'head';
  #chunkLeft = 0;
  #bodyLeft = Infinity;
  #line = '';
  #type = '';
  #data: string[] = [];
  #id: string | null = null;
  #hasEnded = false;

  constructor(port: number, path: string, lastEventId: string | null, handlers: SseStreamHandlers) {
    this.#handlers = handlers;
    const resume = lastEventId === null ? '' : `Last-Event-ID: ${lastEventId}\r\n`;
    this.#socket = connect({ host: '127.0.0.1', port });
    this.#socket.setNoDelay(true);
    this.#socket.once('connect', () => {
      this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${String(port)}\r\nAccept: text/event-stream\r\n${resume}\r\n`);
    });
    this.#socket.on('data', (bytes) => this.#take(bytes.toString('latin1')));
    this.#socket.once('error', (error) => this.#end(error.message));
    this.#socket.once('close', () => this.#end('closed'));
  }

  /** Reads nothing more until `resume`; the peer's writes pile up in the kernel, then at the peer. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Cuts the connection now, wherever the stream is. */
  drop(why: string): void {
    this.#socket.destroy();
    this.#end(why);
  }

  #end(how: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#socket.destroy();
    this.#handlers.onEnd(how);
  }

  #take(text: string): void {
    if (this.#hasEnded) return;
    this.#handlers.onBytes();
    this.#buffer += text;
    if (this.#state === 'head') this.#readHead();
    if (this.#state === 'plain') this.#readPlain();
    else this.#readChunks();
  }

  #readHead(): void {
    const end = this.#buffer.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = this.#buffer.slice(0, end);
    this.#buffer = this.#buffer.slice(end + 4);
    this.#state = /^transfer-encoding:\s*chunked/im.test(head) ? 'size' : 'plain';
    this.#bodyLeft = Number(/^content-length:\s*(\d+)/im.exec(head)?.[1] ?? Infinity);
    this.#handlers.onStatus(Number(head.slice(9, 12)));
  }

  /** A body of known length: what is refused for now comes as one, and the connection stays open behind it. */
  #readPlain(): void {
    const body = this.#buffer.slice(0, this.#bodyLeft);
    this.#buffer = '';
    this.#bodyLeft -= body.length;
    this.#readLines(body);
    if (this.#bodyLeft === 0) this.#end('ended by the server');
  }

  #readChunks(): void {
    while (!this.#hasEnded) {
      if (this.#state === 'size') {
        const end = this.#buffer.indexOf('\r\n');
        if (end < 0) return;
        this.#chunkLeft = Number.parseInt(this.#buffer.slice(0, end), 16);
        this.#buffer = this.#buffer.slice(end + 2);
        if (this.#chunkLeft === 0) this.#state = 'done';
        else this.#state = 'data';
      } else if (this.#state === 'data') {
        if (this.#buffer === '') return;
        const body = this.#buffer.slice(0, this.#chunkLeft);
        this.#buffer = this.#buffer.slice(body.length);
        this.#chunkLeft -= body.length;
        if (this.#chunkLeft === 0) this.#state = 'data-end';
        this.#readLines(body);
      } else if (this.#state === 'data-end') {
        // uWebSockets.js sends the line end behind a chunk with the next one.
        if (this.#buffer.length < 2) return;
        this.#buffer = this.#buffer.slice(2);
        this.#state = 'size';
      } else {
        if (this.#state === 'done') this.#end('ended by the server');
        return;
      }
    }
  }

  #readLines(text: string): void {
    const lines = (this.#line + text).split('\n');
    this.#line = lines.pop() ?? '';
    for (const line of lines) {
      if (this.#hasEnded) return;
      this.#readLine(line);
    }
  }

  #readLine(line: string): void {
    if (line === '') {
      if (this.#data.length > 0) this.#handlers.onFrame({ type: this.#type || 'message', data: this.#data.join('\n'), id: this.#id });
      this.#type = '';
      this.#data = [];
      this.#id = null;
    } else if (line.startsWith('data: ')) this.#data.push(line.slice(6));
    else if (line.startsWith('id: ')) this.#id = line.slice(4);
    else if (line.startsWith('event: ')) this.#type = line.slice(7);
    else if (line.startsWith('retry: ')) this.#handlers.onRetry(Number(line.slice(7)));
    else if (!line.startsWith(':')) throw new Error(`not a line of Server-Sent Events: ${JSON.stringify(line.slice(0, 200))}`);
  }
}
