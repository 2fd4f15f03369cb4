import { createServer } from 'node:http';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Writes to the stream; the head has been sent. */
  readonly send: (text: string) => void;
  readonly end: () => void;
}

/**
 * A server of streams that says what a test wants said: what a node never does (an event left out, one sent twice) must be noticed as well. `answer` is called for
 * each stream that is opened, with its number. `close` it.
 */
export class ScriptedStreams {
  readonly port: number;
  readonly asked: Asked[] = [];
  readonly #close: () => Promise<void>;

  private constructor(port: number, close: () => Promise<void>) {
    this.port = port;
    this.#close = close;
  }

  static async start(answer: (asked: Asked, index: number) => void): Promise<ScriptedStreams> {
    const responses = new Set<ServerResponse>();
    const server = createServer((request, response) => {
      responses.add(response);
      response.on('close', () => responses.delete(response));
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const asked: Asked = {
        url: request.url ?? '',
        headers: request.headers,
        send: (text) => void response.write(text),
        end: () => void response.end(),
      };
      answer(asked, streams.asked.push(asked) - 1);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const streams = new ScriptedStreams((server.address() as AddressInfo).port, async () => {
      for (const response of responses) response.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
    return streams;
  }

  close(): Promise<void> {
    return this.#close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** The first bytes of a stream, with a position. */
export const firstFrame = 'retry: 50\n:\nevent: selvage.position\ndata: {}\nid: p0\n\n';

/** An event of the lean generator's producers, made `agoMs` ago. */
export function leanEvent(n: number, agoMs = 0): string {
  const madeUs = Math.round((performance.timeOrigin + performance.now() - agoMs) * 1_000);
  return `data: {"t":${madeUs},"n":${n}}\nid: p${n}\n\n`;
}
