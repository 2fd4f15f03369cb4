import http from 'node:http';
import type net from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { freePort } from '../../platform/free-port.js';
import { waitFor } from '../../platform/wait-for.js';
import { Http2Connection, askWhole, http1Client } from './proxy-client.js';
import { Proxy } from './proxy.js';
import type { ProxyKind, Upstream } from './proxy.js';

/** What a proxy does where nodes cannot be reached, or cut a request that they have read. */
export function describeAwayNodes(kind: ProxyKind): void {
  describe(`${kind} without nodes`, () => {
    test('a stream is told when to come back, so that an EventSource does not give up; all else is refused', async () => {
      const nowhere = async (): Promise<Upstream> => ({ port: await freePort(), adminPort: await freePort() });
      await using proxy = await Proxy.start(kind, [await nowhere(), await nowhere()]);
      const path = '/v1/events?channel=a';
      const headers = { accept: 'text/event-stream' };
      const ask = (): Promise<number> => askWhole(http1Client(proxy), path, { headers }).then(({ status }) => status);
      await waitFor(async () => (await ask()) === 200, { what: 'the first answer of the proxy' });
      using connection = new Http2Connection(proxy);
      for (const through of [http1Client(proxy), connection.ask]) {
        const stream = await askWhole(through, path, { headers });
        expect(stream.status).toBe(200);
        expect(stream.headers['content-type']).toMatch(/^text\/event-stream/);
        expect(stream.headers['cache-control']).toContain('no-store');
        expect(Number(/^retry: (\d+)\n/.exec(stream.body.toString())?.[1])).toBeGreaterThanOrEqual(3_000);
        expect((await askWhole(through, `${path}&format=json`, { headers: { accept: 'application/json' } })).status).toBe(503);
      }
    });

    test('a POST that a node has read is not sent again when the node cuts it', async () => {
      const first = await DyingNode.start();
      const second = await DyingNode.start();
      try {
        await using proxy = await Proxy.start(kind, [first, second]);
        await waitFor(async () => (await askWhole(http1Client(proxy), '/alive')).status === 200, { what: 'a node behind the proxy' });
        const asked = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"channel":"a","data":1}' };
        for (let i = 1; i <= 4; i++) {
          const { status } = await askWhole(http1Client(proxy), '/v1/publish', asked);
          expect(status).toBeGreaterThanOrEqual(502);
          // nginx and checks pass a node over that failed: with nobody left nothing is sent at all.
          expect(first.posts + second.posts).toBeLessThanOrEqual(i);
        }
        expect(first.posts + second.posts).toBeGreaterThan(0);
      } finally {
        first.close();
        second.close();
      }
    });
  });
}

/** Answers questions for its health and for /alive, and cuts the connection of every POST once it is whole. */
class DyingNode implements Upstream {
  posts = 0;
  readonly #server: http.Server;
  readonly #admin: http.Server;

  private constructor() {
    this.#server = http.createServer((request, response) => {
      if (request.method !== 'POST') return response.end('alive');
      this.posts++;
      request.resume().once('end', () => request.socket.destroy());
      return undefined;
    });
    this.#admin = http.createServer((_, response) => response.end('{}'));
  }

  static async start(): Promise<DyingNode> {
    const node = new DyingNode();
    for (const server of [node.#server, node.#admin]) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    }
    return node;
  }

  get port(): number {
    return portOf(this.#server);
  }

  get adminPort(): number {
    return portOf(this.#admin);
  }

  close(): void {
    for (const server of [this.#server, this.#admin]) {
      server.close();
      server.closeAllConnections();
    }
  }
}

const portOf = (server: net.Server): number => (server.address() as AddressInfo).port;
