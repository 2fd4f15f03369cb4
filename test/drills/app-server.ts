import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An application that is asked for permissions and allows everything, until it fails. */
export class AppServer {
  isWell = true;
  /** Every so many questions one is not answered well; 0: none. */
  failsEvery = 0;
  #count = 0;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      request.resume();
      request.on('end', () => {
        this.#count++;
        if (this.isWell && (this.failsEvery === 0 || this.#count % this.failsEvery > 0)) response.end(JSON.stringify({ allow: true }));
        else response.writeHead(500).end();
      });
    });
  }

  static async start(): Promise<AppServer> {
    const app = new AppServer();
    await new Promise<void>((resolve) => app.#server.listen(0, '127.0.0.1', resolve));
    return app;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/may`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
