import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket, TcpNetConnectOpts } from 'node:net';
import { parseIpAddress } from '../admission/limits/ip-address.js';
import type { Timer, Timers } from '../std/clock.js';
import type { Logger } from '../telemetry/logger.js';
import { HeadGatherer } from './gather-head.js';
import type { GatheredHead } from './gather-head.js';
import type { HttpOptions } from './http-options.js';
import { heldBytesMax, joinSockets } from './join-sockets.js';
import { writeProxyHeader } from './read-proxy-header.js';
import type { ProxiedSource } from './read-proxy-header.js';

export interface ProxyEntranceParts {
  readonly options: Pick<HttpOptions, 'host' | 'port'>;
  /** Where the addon listens, on 127.0.0.1. To each of them go as many connections as the system has free ports, some 28,000. */
  readonly innerPorts: readonly number[];
  /** Connections at a time; more are cut. */
  readonly socketsMax: number;
  readonly timers: Timers;
  readonly logger: Logger;
  onCut(openSockets: number): void;
}

/** The PROXY header and the head must be there and with the addon so long after the connection opened: what the addon gives a head at least. */
const headMs = 8_000;
/** What the addon wrote before it was closed may still reach clients for so long. */
const closeMs = 1_000;

const tooLarge = 'HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';

/**
 * The public port where a balancer writes PROXY protocol v2. The addon reads that header only in one piece with the request behind it, and balancers send
 * it alone. So both are gathered here and handed to the addon in one write, over loopback; behind that bytes are only carried. The header that the addon
 * gets is written here, whatever came. Costs three open files for each connection. (Not over a Unix socket: this build of the addon loses bytes on one,
 * every seventeenth of a row of 40 KB writes to a reader that paused.)
 */
export class ProxyEntrance {
  readonly #parts: ProxyEntranceParts;
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  /** Those whose request is not with the addon yet. */
  readonly #waiting = new Set<Socket>();
  #dialed = 0;

  constructor(parts: ProxyEntranceParts) {
    this.#parts = parts;
    // Half open: a client may end its sending side before it has its answer.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true, highWaterMark: heldBytesMax }, (client) => this.#accept(client));
    this.#server.maxConnections = parts.socketsMax;
    this.#server.on('drop', () => parts.onCut(this.#clients.size + 1));
  }

  /** Rejects when the port is taken. */
  listen(): Promise<{ readonly port: number }> {
    const { options, logger } = this.#parts;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port: options.port, ...(options.host === '' ? {} : { host: options.host }) }, () => {
        this.#server.off('error', reject);
        this.#server.on('error', (error) => logger.warn('the public port could not take a connection', { error }));
        resolve({ port: (this.#server.address() as AddressInfo).port });
      });
    });
  }

  /** Accepts no more connections; those that are open go on. */
  stop(): void {
    this.#server.close();
  }

  /** To be called once the addon has closed its connections: what it wrote last still goes out, for a second; all else is cut. */
  close(): void {
    this.stop();
    for (const client of this.#waiting) client.destroy();
    this.#parts.timers.after(closeMs, () => {
      for (const client of this.#clients) client.destroy();
    });
  }

  #accept(client: Socket): void {
    const gatherer = new HeadGatherer();
    const deadline = this.#parts.timers.after(headMs, () => this.#refuse(client, `nothing whole within ${headMs} ms`));
    this.#clients.add(client);
    this.#waiting.add(client);
    client.on('error', (error) => this.#parts.logger.debug('a connection broke', { error }));
    client.on('close', () => {
      deadline.cancel();
      this.#clients.delete(client);
      this.#waiting.delete(client);
    });
    const onEnd = (): void => void client.destroy();
    const onData = (chunk: Buffer): void => {
      const head = gatherer.take(chunk);
      if (head.kind === 'partial') return;
      client.off('data', onData).off('end', onEnd).pause();
      this.#onHead(client, head, deadline);
    };
    client.on('data', onData).on('end', onEnd);
  }

  #onHead(client: Socket, head: Exclude<GatheredHead, { kind: 'partial' }>, deadline: Timer): void {
    if (head.kind === 'faulty') return this.#refuse(client, head.reason);
    if (head.kind === 'too-large') {
      this.#waiting.delete(client);
      // The deadline cuts who does not take it. What still comes is dropped: a reset over it would take the answer away.
      client.on('end', () => client.destroy());
      return void client.resume().end(tooLarge);
    }
    const source = head.source ?? peerOf(client);
    if (source === null) return void client.destroy();
    this.#dial(client, Buffer.concat([writeProxyHeader(source), head.bytes]), deadline);
  }

  #dial(client: Socket, opening: Buffer, deadline: Timer): void {
    const { timers, logger, innerPorts } = this.#parts;
    const port = innerPorts[this.#dialed++ % innerPorts.length] ?? 0;
    // The type declaration lacks `highWaterMark`.
    const options: TcpNetConnectOpts & { readonly highWaterMark: number } = {
      host: '127.0.0.1',
      port,
      noDelay: true,
      highWaterMark: heldBytesMax,
    };
    const node = connect(options);
    const onClientClose = (): void => void node.destroy();
    const onError = (error: Error): void => this.#refuse(client, `the addon: ${error.message}`);
    client.once('close', onClientClose);
    node.once('error', onError);
    node.once('connect', () => {
      client.off('close', onClientClose);
      node.off('error', onError).on('error', (error) => logger.debug('a connection to the addon broke', { error }));
      deadline.cancel();
      this.#waiting.delete(client);
      // In one write: the addon takes PROXY header and request line only together.
      node.write(opening);
      joinSockets(client, node, timers);
    });
  }

  #refuse(client: Socket, reason: string): void {
    if (client.destroyed) return;
    this.#parts.logger.debug('a connection was cut before its request', { peer: client.remoteAddress, reason });
    client.destroy();
  }
}

function peerOf({ remoteAddress, remotePort }: Socket): ProxiedSource | null {
  const address = remoteAddress === undefined ? null : parseIpAddress(remoteAddress);
  return address === null ? null : { address, port: remotePort ?? 0 };
}
