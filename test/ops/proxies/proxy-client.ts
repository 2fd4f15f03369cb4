import http2 from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';
import https from 'node:https';
import tls from 'node:tls';

/** Where to, and the PEM of the authority that signed the certificate there. */
export interface Target {
  readonly port: number;
  readonly authority: string;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** An answer under way. */
export interface OpenAnswer {
  readonly status: number;
  readonly headers: Answer['headers'];
  readonly body: NodeJS.ReadableStream;
  /** Gives the request up. */
  abort(): void;
}

export type Ask = (path: string, asked?: Asked) => Promise<OpenAnswer>;

const answerMs = 40_000;

/** A client of the proxy over HTTP/1.1, from a loopback address of its own: the proxy's own is 127.0.0.1. */
export function http1Client(proxy: Target, localAddress = '127.0.0.2'): Ask {
  return (path, { method = 'GET', headers = {}, body } = {}) =>
    new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: proxy.port, path, method, headers, ca: proxy.authority, localAddress, agent: false };
      const request = https.request(options, (response) => {
        request.setTimeout(0);
        response.on('error', () => undefined);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: response, abort: () => request.destroy() });
      });
      request.setTimeout(answerMs, () => request.destroy(new Error(`no answer within ${answerMs} ms: ${method} ${path}`)));
      request.on('error', reject);
      request.end(body);
    });
}

/** One HTTP/2 connection to the proxy; every request is a stream of it. Also `using`. */
export class Http2Connection {
  readonly #session: ClientHttp2Session;

  constructor(proxy: Target, localAddress = '127.0.0.2') {
    // The socket is made here because http2 does not declare `localAddress`.
    const createConnection = (): tls.TLSSocket =>
      tls.connect({
        host: '127.0.0.1',
        port: proxy.port,
        ca: proxy.authority,
        localAddress,
        ALPNProtocols: ['h2'],
      } as tls.ConnectionOptions);
    this.#session = http2.connect(`https://127.0.0.1:${proxy.port}`, { createConnection });
    this.#session.on('error', () => undefined);
  }

  get isOpen(): boolean {
    return !this.#session.closed && !this.#session.destroyed;
  }

  readonly ask: Ask = (path, { method = 'GET', headers = {}, body } = {}) =>
    new Promise((resolve, reject) => {
      const stream = this.#session.request({ ':path': path, ':method': method, ...headers }, { endStream: body === undefined });
      const timer = setTimeout(() => stream.destroy(new Error(`no answer within ${answerMs} ms: ${method} ${path}`)), answerMs);
      stream.on('response', (answered) => {
        clearTimeout(timer);
        const { ':status': status = 0, ...rest } = answered;
        resolve({ status, headers: rest, body: stream, abort: () => stream.close(http2.constants.NGHTTP2_CANCEL) });
      });
      stream.on('error', reject);
      stream.on('close', () => {
        clearTimeout(timer);
        reject(new Error(`closed without an answer: ${method} ${path}`));
      });
      if (body !== undefined) stream.end(body);
    });

  close(): void {
    this.#session.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Asks and reads the whole answer. */
export async function askWhole(ask: Ask, path: string, asked?: Asked): Promise<Answer> {
  const { status, headers, body } = await ask(path, asked);
  const parts: Buffer[] = [];
  for await (const part of body) parts.push(Buffer.from(part));
  return { status, headers, body: Buffer.concat(parts) };
}
