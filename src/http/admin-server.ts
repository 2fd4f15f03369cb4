import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';

export interface AdminOptions {
  /** Address to listen on. Default empty: all. */
  readonly host: string;
  /** 0 picks a free one. Default 9090. */
  readonly port: number;
}

export interface AdminServerParts {
  readonly options: AdminOptions;
  /** What `/healthz/ready` tells: 200 when `ready`, else 503, the whole as JSON. */
  readiness(): { readonly ready: boolean };
  readonly metrics: Pick<Metrics, 'expose'>;
  readonly logger: Logger;
}

export interface AdminServer {
  listen(): Promise<{ readonly port: number }>;
  close(): Promise<void>;
}

/**
 * Health and metrics, on a port of their own that no reader can reach. Answers to the end of a drain, so that its progress is seen. Liveness
 * is that the event loop answers: nothing else may restart a node.
 */
export function createAdminServer(parts: AdminServerParts): AdminServer {
  const server = createServer({ requestTimeout: 5_000, headersTimeout: 5_000 }, (request, response) => {
    answer(parts, request, response).catch((error: unknown) => {
      parts.logger.error('the admin port failed', { error });
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  server.maxConnections = 100;
  return {
    listen: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        const { host, port } = parts.options;
        server.listen({ port, ...(host === '' ? {} : { host }) }, () => {
          server.off('error', reject);
          server.on('error', (error) => parts.logger.error('the admin port failed', { error }));
          resolve({ port: (server.address() as AddressInfo).port });
        });
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(parts: AdminServerParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return send(response, 405, 'text/plain; charset=utf-8', 'GET only\n', { Allow: 'GET, HEAD' });
  switch (request.url?.split('?')[0]) {
    case '/healthz/live':
      return send(response, 200, 'application/json', '{"live":true}');
    case '/healthz/ready': {
      const report = parts.readiness();
      return send(response, report.ready ? 200 : 503, 'application/json', JSON.stringify(report));
    }
    case '/metrics': {
      const { contentType, body } = await parts.metrics.expose();
      return send(response, 200, contentType, body);
    }
    default:
      return send(response, 404, 'text/plain; charset=utf-8', '/healthz/live, /healthz/ready, /metrics\n');
  }
}

function send(response: ServerResponse, status: number, contentType: string, body: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, {
    'Content-Type': contentType,
    'Cache-Control': 'no-store',
    'Content-Length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}
