import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** How it lets the answers of the other side through. */
interface Pace {
  readonly isShut: boolean;
  /** Infinity: as fast as they come. */
  readonly bytesPerSecond: number;
}

const open: Pace = { isShut: false, bytesPerSecond: Infinity };

/** A network between some nodes and a server: it can be shut, so that connections stand and nothing comes through, or be made narrow. */
export class TcpGate {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #queue: { readonly to: Socket; readonly from: Socket; readonly bytes: Buffer }[] = [];
  #targetPort = 0;
  #pace: Pace = open;
  #isPumping = false;
  #isClosed = false;

  private constructor(port: number) {
    this.port = port;
    this.#server = createServer((near) => this.#join(near));
  }

  /** Listens on this port of 127.0.0.1. */
  static async start(port: number): Promise<TcpGate> {
    const gate = new TcpGate(port);
    await new Promise<void>((resolve) => gate.#server.listen(port, '127.0.0.1', resolve));
    return gate;
  }

  /** Where it leads; to be told before anybody comes. */
  leadTo(port: number): void {
    this.#targetPort = port;
  }

  /** Nothing comes through, either way. */
  shut(): void {
    this.#pace = { ...open, isShut: true };
  }

  /** All connections together get so much from the other side. */
  narrow(bytesPerSecond: number): void {
    this.#pace = { isShut: false, bytesPerSecond };
    void this.#pump();
  }

  open(): void {
    this.#pace = open;
    void this.#pump();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(near: Socket): void {
    const far = connect({ host: '127.0.0.1', port: this.#targetPort });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.on('data', (bytes) => this.#take(from, to, bytes));
      from.once('error', () => undefined);
      from.once('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }

  #take(from: Socket, to: Socket, bytes: Buffer): void {
    if (this.#pace === open && this.#queue.length === 0) return void to.write(bytes);
    // What waits here is bounded: the sender is not read from until it went through.
    from.pause();
    this.#queue.push({ from, to, bytes });
    void this.#pump();
  }

  async #pump(): Promise<void> {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (this.#queue.length > 0 && !this.#pace.isShut && !this.#isClosed) {
      const { from, to, bytes } = this.#queue.shift()!;
      const { bytesPerSecond } = this.#pace;
      if (bytesPerSecond < Infinity) await sleep((1_000 * bytes.length) / bytesPerSecond);
      to.write(bytes);
      from.resume();
    }
    this.#isPumping = false;
  }
}
