import net from 'node:net';
import { once } from 'node:events';
import { expect } from 'vitest';
import { parseEventStream, type ParsedEvent } from '../unit/protocol/sse-parser.js';
import type { Target } from './target.js';

const patienceMs = 15_000;

export interface RequestOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One request on a socket of its own, byte by byte: no client library stands between the test and the wire. */
export class StreamClient {
  readonly #socket: net.Socket;
  #received = Buffer.alloc(0);
  #isClosed = false;
  readonly #waiting = new Set<() => void>();

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#isClosed = true;
      this.#wake();
    });
  }

  /** Sends a request for `path` (behind the base path, with its query) and returns without waiting for the answer. */
  static async open(target: Target, path: string, { method = 'GET', headers = {} }: RequestOptions = {}): Promise<StreamClient> {
    const url = new URL(target.baseUrl);
    const basePath = url.pathname === '/' ? '' : url.pathname;
    const socket = net.connect({ port: Number(url.port || 80), host: url.hostname });
    await once(socket, 'connect');
    const client = new StreamClient(socket);
    const lines = Object.entries({ Host: url.host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`${method} ${basePath}${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
    return client;
  }

  /** Opens a stream and waits for its first event, which is a position or a gap. */
  static async follow(target: Target, query: string, headers: Readonly<Record<string, string>> = {}): Promise<StreamClient> {
    const client = await StreamClient.open(target, `/v1/events?${query}`, { headers: { Accept: 'text/event-stream', ...headers } });
    await client.until(() => client.head !== null && (client.status !== 200 || client.events.length > 0), 'the first event');
    expect(client.status, client.rest).toBe(200);
    return client;
  }

  /** Status line and headers without the empty line; null before they are whole. */
  get head(): string | null {
    const end = this.#received.indexOf('\r\n\r\n');
    return end < 0 ? null : this.#received.subarray(0, end).toString('latin1');
  }

  get status(): number {
    return Number(this.head?.split(' ')[1]);
  }

  /** The value of a header, null when it is not there. */
  header(name: string): string | null {
    return new RegExp(`\\r\\n${name}: ([^\\r]*)`, 'i').exec(this.head ?? '')?.[1] ?? null;
  }

  /** What came behind the head, as it came. */
  get rest(): string {
    const end = this.#received.indexOf('\r\n\r\n');
    return end < 0 ? '' : this.#received.subarray(end + 4).toString('latin1');
  }

  /** The bytes of the body so far, out of their chunks. */
  get body(): Buffer {
    const { rest } = this;
    if (this.header('transfer-encoding') !== 'chunked') return Buffer.from(rest, 'latin1');
    const parts: string[] = [];
    for (let at = 0; ;) {
      const lineEnd = rest.indexOf('\r\n', at);
      const length = lineEnd < 0 ? 0 : Number.parseInt(rest.slice(at, lineEnd), 16);
      if (!(length > 0)) return Buffer.from(parts.join(''), 'latin1');
      parts.push(rest.slice(lineEnd + 2, lineEnd + 2 + length));
      at = lineEnd + 2 + length + 2;
    }
  }

  get text(): string {
    return this.body.toString();
  }

  /** The events so far. Whatever id is seen is checked here: safe characters only. */
  get events(): readonly ParsedEvent[] {
    const { events } = parseEventStream(this.body);
    for (const { lastEventId } of events) expect(lastEventId).toMatch(/^[A-Za-z0-9._~-]{5,1024}$/);
    return events;
  }

  /** Events that are not the fabric's own. */
  get ownEvents(): readonly ParsedEvent[] {
    return this.events.filter(({ type }) => !type.startsWith('selvage.'));
  }

  get datas(): readonly string[] {
    return this.ownEvents.map(({ data }) => data);
  }

  /** The data of every gap told so far. */
  get gaps(): readonly Gap[] {
    return this.events.filter(({ type }) => type === 'selvage.gap').map(({ data }) => JSON.parse(data) as Gap);
  }

  get lastEventId(): string {
    return this.events.at(-1)?.lastEventId ?? '';
  }

  /** The last chunk has come, or the connection is closed. */
  get isEnded(): boolean {
    return this.#isClosed || this.rest.endsWith('\r\n0\r\n\r\n');
  }

  /** Waits for `count` events that are not the fabric's own. */
  async take(count: number): Promise<readonly ParsedEvent[]> {
    await this.until(() => this.ownEvents.length >= count, `${count} events`);
    return this.ownEvents;
  }

  /** Waits for the whole answer of a request that is no stream: by its length, or by the end of the connection. */
  async whole(): Promise<this> {
    await this.until(() => {
      const length = this.header('content-length');
      return this.#isClosed || (this.head !== null && (length === null ? this.status === 204 : this.rest.length >= Number(length)));
    }, 'the whole answer');
    this.close();
    return this;
  }

  until(test: () => boolean, what: string, timeoutMs = patienceMs): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error: Error | null): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        if (error === null) resolve();
        else reject(error);
      };
      const look = (): void => {
        try {
          if (test()) settle(null);
          else if (this.#isClosed) settle(new Error(`the connection ended before ${what}: ${this.#lastWords()}`));
        } catch (error) {
          settle(error as Error);
        }
      };
      const timer = setTimeout(() => settle(new Error(`waited in vain for ${what}: ${this.#lastWords()}`)), timeoutMs);
      this.#waiting.add(look);
      look();
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #lastWords(): string {
    return JSON.stringify(this.#received.subarray(-3_000).toString('latin1'));
  }

  #wake(): void {
    for (const look of [...this.#waiting]) look();
  }
}

export interface Gap {
  readonly reason: string;
  readonly from: string | null;
  readonly to: string;
}
