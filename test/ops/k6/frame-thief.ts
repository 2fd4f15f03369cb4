import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What becomes of a frame on its way: what is returned is sent instead ("" leaves it out). */
export type Meddle = (frame: string, index: number) => string;

/** A proxy before a node that meddles with the frames of streams: it stands for a fabric that loses or repeats. Everything else it passes on. `close` it. */
export class FrameThief {
  readonly url: string;
  readonly #close: () => Promise<void>;

  private constructor(url: string, close: () => Promise<void>) {
    this.url = url;
    this.#close = close;
  }

  static async start(nodeUrl: string, meddle: Meddle): Promise<FrameThief> {
    let frames = 0;
    const server = createServer((incoming, outgoing) => {
      const onward = request(nodeUrl + String(incoming.url), { method: incoming.method, headers: incoming.headers }, (answer) => {
        const isStream = String(answer.headers['content-type']).startsWith('text/event-stream');
        outgoing.writeHead(answer.statusCode ?? 502, isStream ? { 'content-type': 'text/event-stream' } : answer.headers);
        if (!isStream) {
          answer.pipe(outgoing);
          return;
        }
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
          for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
            const frame = text.slice(0, end + 2);
            text = text.slice(end + 2);
            outgoing.write(frame.includes('\nevent: load\n') || frame.startsWith('event: load\n') ? meddle(frame, frames++) : frame);
          }
        });
        answer.on('end', () => outgoing.end());
        answer.on('error', () => outgoing.destroy());
      });
      onward.on('error', () => outgoing.destroy());
      outgoing.on('close', () => onward.destroy());
      incoming.pipe(onward);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const close = async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    };
    return new FrameThief(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, close);
  }

  close(): Promise<void> {
    return this.#close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
