import type { Socket } from 'node:net';
import type { Timer, Timers } from '../std/clock.js';

/** A client that has ended its sending side gets its answer for so long: twice the default of the longest poll. Streams: see `joinSockets`. */
const halfClosedMs = 60_000;
/** What is held for the client when the node ends must be taken within so long. It is little: `heldBytesMax`, and what the kernel holds. */
const flushMs = 30_000;
/** And then the client may end its own side. What it sends meanwhile is dropped: a reset over unread bytes would take the answer from it. */
const lingerMs = 2_000;
/** Held for each direction before the other side is read no further; at most a read of 64 KB is added. */
export const heldBytesMax = 16_384;

/**
 * Carries bytes both ways until one side ends. The node's end, however it came, ends the client once all is written; the client's cuts the node. A client that
 * only ends its sending side still gets an answer, but no stream: its node must learn at once that a reader is gone. Both sockets are destroyed in the end.
 */
export function joinSockets(client: Socket, node: Socket, timers: Timers): void {
  new JoinedSockets(client, node, timers).start();
}

class JoinedSockets {
  readonly #client: Socket;
  readonly #node: Socket;
  readonly #timers: Timers;
  #timer: Timer | null = null;
  #isAnswering = false;
  #isStream = false;
  #isClientDone = false;
  #isNodeDone = false;

  constructor(client: Socket, node: Socket, timers: Timers) {
    this.#client = client;
    this.#node = node;
    this.#timers = timers;
  }

  start(): void {
    const [client, node] = [this.#client, this.#node];
    client.on('data', (chunk: Buffer) => this.#toNode(chunk));
    client.on('drain', () => node.resume());
    client.on('end', () => this.#onClientEnd());
    client.on('close', () => {
      this.#timer?.cancel();
      node.destroy();
    });
    node.on('data', (chunk: Buffer) => this.#toClient(chunk));
    node.on('drain', () => client.resume());
    node.on('end', () => this.#onNodeEnd());
    node.on('close', () => this.#onNodeEnd());
    client.resume();
    // Node emits the end of a paused socket that holds nothing: it may have come before.
    if (client.readableEnded) this.#onClientEnd();
  }

  #toNode(chunk: Buffer): void {
    if (!this.#isNodeDone && !this.#node.write(chunk)) this.#client.pause();
  }

  #toClient(chunk: Buffer): void {
    if (!this.#isAnswering) {
      this.#isAnswering = true;
      this.#isStream = startsStream(chunk);
      if (this.#isStream && this.#isClientDone) return this.#cut();
    }
    if (!this.#client.write(chunk)) this.#node.pause();
  }

  #onClientEnd(): void {
    this.#isClientDone = true;
    if (this.#isStream) return this.#cut();
    if (this.#isNodeDone) return this.#cutOnceWritten();
    this.#cutAfter(halfClosedMs);
  }

  #onNodeEnd(): void {
    if (this.#isNodeDone) return;
    this.#isNodeDone = true;
    this.#cutAfter(flushMs);
    this.#client.resume();
    this.#client.end(() => this.#onWritten());
  }

  #onWritten(): void {
    if (this.#isClientDone) this.#cut();
    else this.#cutAfter(lingerMs);
  }

  #cutOnceWritten(): void {
    if (this.#client.writableFinished) this.#cut();
  }

  #cutAfter(delayMs: number): void {
    this.#timer?.cancel();
    if (!this.#client.destroyed) this.#timer = this.#timers.after(delayMs, () => this.#cut());
  }

  #cut(): void {
    this.#client.destroy();
    this.#node.destroy();
  }
}

/** The type is in the first bytes that the node writes: it is the first header of a stream. The end of the head may come later. */
function startsStream(chunk: Buffer): boolean {
  const end = chunk.indexOf('\r\n\r\n');
  return /\r\ncontent-type: *text\/event-stream/i.test(chunk.toString('latin1', 0, end < 0 ? chunk.length : end));
}
