import net from 'node:net';
import { once } from 'node:events';

/** What `untilLast` looks at. */
const tailLength = 131_072;

/** A plain socket that collects what it reads. */
export class RawClient {
  readonly socket: net.Socket;
  text = '';
  byteCount = 0;
  isClosed = false;
  #tail = '';
  readonly #waiting = new Set<() => void>();

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      const text = chunk.toString('latin1');
      this.text += text;
      this.#tail = (this.#tail + text).slice(-tailLength);
      this.byteCount += chunk.length;
      this.#wake();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
      this.#wake();
    });
  }

  static async connect(port: number, host = '127.0.0.1'): Promise<RawClient> {
    const socket = net.connect({ port, host });
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  send(text: string): void {
    this.socket.write(text);
  }

  /** Resolves when the text so far satisfies the test; rejects after `timeoutMs` or when the connection is closed without. */
  until(test: (text: string) => boolean, timeoutMs = 5_000): Promise<string> {
    return this.#wait(() => test(this.text), timeoutMs, `got ${JSON.stringify(this.text.slice(0, 2_000))}`);
  }

  /** `until` for megabytes: the test sees the last 128 KiB. Looking at all of it with each packet would take longer than the transfer. */
  untilLast(test: (tail: string) => boolean, timeoutMs = 5_000): Promise<string> {
    return this.#wait(() => test(this.#tail), timeoutMs, 'megabytes');
  }

  closed(timeoutMs = 5_000): Promise<string> {
    return this.#wait(() => this.isClosed, timeoutMs, 'still open');
  }

  close(): void {
    this.socket.destroy();
  }

  #wait(test: () => boolean, timeoutMs: number, what: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        if (!test() && !this.isClosed) return;
        this.#waiting.delete(check);
        clearTimeout(timer);
        if (test()) resolve(this.text);
        else reject(new Error(`closed: ${what}, now ${JSON.stringify(this.text.slice(0, 2_000))}`));
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(check);
        reject(new Error(`too late: ${what}, now ${JSON.stringify(this.text.slice(0, 2_000))}`));
      }, timeoutMs);
      this.#waiting.add(check);
      check();
    });
  }

  #wake(): void {
    for (const check of [...this.#waiting]) check();
  }
}

/** One whole request on a connection of its own, answered with Content-Length or closed. */
export async function roundTrip(port: number, request: string): Promise<{ status: number; head: string; body: string; client: RawClient }> {
  const client = await RawClient.connect(port);
  client.send(request);
  const text = await client.until((soFar) => /\r\n\r\n/.test(soFar) && isWhole(soFar));
  const split = text.indexOf('\r\n\r\n');
  const head = text.slice(0, split);
  client.close();
  return { status: Number(head.split(' ')[1]), head, body: text.slice(split + 4), client };
}

function isWhole(text: string): boolean {
  const length = /content-length: (\d+)/i.exec(text);
  if (length === null) return true;
  return text.length - text.indexOf('\r\n\r\n') - 4 >= Number(length[1]);
}

/** The payload of a chunked body as far as it has come. */
export function unchunk(text: string): string {
  let at = text.indexOf('\r\n\r\n') + 2;
  let body = '';
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at + 2);
    if (lineEnd < 0) return body;
    const length = Number.parseInt(text.slice(at + 2, lineEnd), 16);
    if (!(length > 0)) return body;
    body += text.slice(lineEnd + 2, lineEnd + 2 + length);
    at = lineEnd + 2 + length;
  }
}
