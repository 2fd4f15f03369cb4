import { once } from 'node:events';
import net from 'node:net';
import type { AddressInfo } from 'node:net';

const keptBytesMax = 1_048_576;

/**
 * A balancer of the simplest kind: one address before several nodes; a new connection goes to the first node that takes it. A node that dies cuts
 * its connections.
 */
export class FailoverProxy {
  /** Connections that were brought to a node. */
  connectionCount = 0;
  /** What nodes have answered so far, the first 1 MiB. */
  answered = '';
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  readonly #ports: readonly number[];
  #refusal: string | null = null;

  private constructor(server: net.Server, ports: readonly number[]) {
    this.#server = server;
    this.#ports = ports;
  }

  /** Opens one before nodes on these ports, the preferred first. */
  static async open(...ports: number[]): Promise<FailoverProxy> {
    const server = net.createServer();
    const proxy = new FailoverProxy(server, ports);
    server.on('connection', (client) => proxy.#take(client));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Cuts every connection, and answers the next one itself with this status, as a balancer without a node does. */
  refuseOnce(status: string): void {
    this.#refusal = `HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
    this.cut();
  }

  /** Cuts every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #take(client: net.Socket): void {
    this.#keep(client);
    if (this.#refusal !== null) {
      client.end(this.#refusal);
      this.#refusal = null;
      return;
    }
    this.#bring(client, this.#ports);
  }

  #bring(client: net.Socket, [port, ...others]: readonly number[]): void {
    if (port === undefined) return void client.destroy();
    const node = net.connect(port, '127.0.0.1');
    this.#keep(node);
    node.once('error', () => {
      if (node.bytesRead === 0 && node.bytesWritten === 0) this.#bring(client, others);
    });
    node.once('connect', () => {
      this.connectionCount++;
      node.on('data', (bytes) => {
        if (this.answered.length < keptBytesMax) this.answered += bytes.toString('latin1');
      });
      node.once('close', () => client.destroy());
      client.once('close', () => node.destroy());
      client.pipe(node).pipe(client);
    });
  }

  #keep(socket: net.Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}
