import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { HttpRequest, HttpResponse, TemplatedApp, us_listen_socket } from 'uWebSockets.js';
import type { Timer, Timers } from '../std/clock.js';
import type { Logger } from '../telemetry/logger.js';
import type { HttpOptions, HttpTlsOptions } from './http-options.js';
import { loadUws } from './load-uws.js';
import type { UwsModule } from './load-uws.js';
import { ProxyEntrance } from './proxy-entrance.js';

export interface ListenerParts {
  readonly options: Pick<HttpOptions, 'host' | 'port' | 'tls' | 'proxyProtocol'>;
  /** Connections at a time; more are cut. */
  readonly socketsMax: number;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly handle: (res: HttpResponse, req: HttpRequest) => void;
  /** A connection was cut because so many were open. */
  onCut(openSockets: number): void;
}

/** How often the certificate's files are looked at. */
const tlsLookMs = 5_000;
/** How often the port is asked for again where another took it in the moment between two listeners. */
const relistenMs = 250;

/** Of the addon behind an entrance: each takes some 28,000 connections from one address, and 512 in one moment. */
const innerPortsCount = 4;

/**
 * The listening socket and the connections behind it. A new certificate takes effect by a new listener: the old one stops to accept and keeps
 * the connections that it has, so no stream is dropped. uWebSockets.js has no other way to change the certificate of a listener.
 */
export class Listener {
  readonly #parts: ListenerParts;
  readonly #uws: UwsModule;
  readonly #apps: TemplatedApp[] = [];
  #socket: us_listen_socket | null = null;
  #port = 0;
  #socketCount = 0;
  #isStopped = false;
  #tlsDigest = '';
  #tlsTimer: Timer | null = null;
  /** Where PROXY protocol is spoken: it has the public port, and the addon ports of 127.0.0.1, which stay until the end. */
  #entrance: ProxyEntrance | null = null;

  /** Throws when the certificate cannot be used. */
  constructor(parts: ListenerParts) {
    this.#parts = parts;
    this.#uws = loadUws();
    const { tls } = parts.options;
    if (tls !== null) this.#tlsDigest = digestOf(tls);
    this.#apps.push(this.#createApp());
  }

  /** Rejects when the port is taken, by this program or another. */
  async listen(): Promise<{ readonly port: number }> {
    const { host, port, tls, proxyProtocol } = this.#parts.options;
    if (proxyProtocol) return this.#listenBehindEntrance();
    if (!(await this.#tryListen(port))) throw new Error(`cannot listen on port ${port} of ${host || 'all addresses'}: is it taken?`);
    if (tls !== null) this.#tlsTimer = this.#parts.timers.every(tlsLookMs, () => this.#lookAtCertificate(tls));
    return { port: this.#port };
  }

  /** Accepts no more connections; those that are open go on. */
  stop(): void {
    this.#isStopped = true;
    this.#tlsTimer?.cancel();
    this.#entrance?.stop();
    this.#closeSocket();
  }

  /** Cuts every connection. */
  close(): void {
    this.stop();
    for (const app of this.#apps.splice(0)) app.close();
    this.#entrance?.close();
  }

  #createApp(): TemplatedApp {
    const { options, handle } = this.#parts;
    const { tls } = options;
    const app = tls === null ? this.#uws.App() : this.#createTlsApp(tls);
    filterOf(app, (res, change) => this.#countSocket(res, change));
    return app.any('/*', handle);
  }

  #createTlsApp({ certFile, keyFile }: HttpTlsOptions): TemplatedApp {
    try {
      return this.#uws.SSLApp({ cert_file_name: certFile, key_file_name: keyFile });
    } catch {
      throw new Error(`tls: ${certFile} and ${keyFile} cannot be used: are they PEM, and do they belong together?`);
    }
  }

  #countSocket(res: HttpResponse, change: number): void {
    this.#socketCount += change;
    if (change < 0 || this.#socketCount <= this.#parts.socketsMax) return;
    this.#parts.onCut(this.#socketCount);
    res.close();
  }

  #tryListen(port: number): Promise<boolean> {
    const app = this.#apps.at(-1);
    return new Promise((resolve) => {
      const onListening: OnListening = (socket) => {
        if (socket === false) return resolve(false);
        this.#socket = socket;
        this.#port = this.#uws.us_socket_local_port(socket);
        resolve(true);
      };
      // Exclusive: SO_REUSEPORT, which is on without it, lets two servers share a port and never says so.
      listenOn(app, this.#parts.options.host, port, this.#uws.LIBUS_LISTEN_EXCLUSIVE_PORT, onListening);
    });
  }

  async #listenBehindEntrance(): Promise<{ readonly port: number }> {
    const innerPorts: number[] = [];
    while (innerPorts.length < innerPortsCount) innerPorts.push(await this.#listenInside());
    this.#entrance = new ProxyEntrance({ ...this.#parts, innerPorts });
    return this.#entrance.listen().catch((cause: unknown) => {
      const { host, port } = this.#parts.options;
      throw new Error(`cannot listen on port ${port} of ${host || 'all addresses'}: is it taken?`, { cause });
    });
  }

  #listenInside(): Promise<number> {
    return new Promise((resolve, reject) => {
      listenOn(this.#apps[0], '127.0.0.1', 0, this.#uws.LIBUS_LISTEN_EXCLUSIVE_PORT, (socket) =>
        socket === false ? reject(new Error('cannot listen on 127.0.0.1')) : resolve(this.#uws.us_socket_local_port(socket)),
      );
    });
  }

  #closeSocket(): void {
    if (this.#socket !== null) this.#uws.us_listen_socket_close(this.#socket);
    this.#socket = null;
  }

  #lookAtCertificate(tls: HttpTlsOptions): void {
    const { logger, options } = this.#parts;
    try {
      const digest = digestOf(tls);
      if (digest === this.#tlsDigest) return;
      if (options.port === 0) throw new Error('a port that the system picked cannot be bound again');
      // Throws while only one of the two files is new: the next look finds both.
      this.#apps.push(this.#createApp());
      this.#tlsDigest = digest;
    } catch (error) {
      return logger.warn('the new certificate is not used, the old one stays', { error });
    }
    this.#closeSocket();
    void this.#relisten();
  }

  async #relisten(): Promise<void> {
    const { timers, logger } = this.#parts;
    for (let attempt = 0; !this.#isStopped; attempt++) {
      if (await this.#tryListen(this.#port)) return logger.info('the certificate was renewed', { port: this.#port });
      if (attempt === 0) logger.error('the port could not be bound again with the new certificate; trying on', { port: this.#port });
      await new Promise<void>((resolve) => timers.after(relistenMs, resolve));
    }
  }
}

function digestOf({ certFile, keyFile }: HttpTlsOptions): string {
  const hash = createHash('sha256');
  for (const path of [certFile, keyFile]) hash.update(readFileSync(path)).update('\0');
  return hash.digest('hex');
}

type OnListening = (socket: us_listen_socket | false) => void;

/** The forms of `listen` that the addon has; its type declaration lacks the one with a host, and has the flags as an enum that is not there. */
interface Listenable {
  listen(port: number, flags: number, listener: OnListening): unknown;
  listen(host: string, port: number, flags: number, listener: OnListening): unknown;
}

function listenOn(app: unknown, host: string, port: number, flags: number, listener: OnListening): void {
  const listenable = app as Listenable;
  if (host === '') listenable.listen(port, flags, listener);
  else listenable.listen(host, port, flags, listener);
}

/** `filter` is missing in the addon's type declaration: called with 1 for each connection that opens and -1 for each that ends. */
function filterOf(app: unknown, listener: (res: HttpResponse, change: number) => void): void {
  (app as { filter(listener: (res: HttpResponse, change: number) => void): void }).filter(listener);
}
