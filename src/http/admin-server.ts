import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { AdminExchange } from './admin-exchange.js';
import type { AdminGuardOptions } from './admin-guard.js';
import { createAdminRoutes } from './admin-routes.js';
import type { AdminActions } from './admin-routes.js';

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
  /** Whom `/v1/*` is for. Default: everybody who reaches the port by an inner name, without a secret. */
  readonly guard?: AdminGuardOptions;
}

export interface AdminServer {
  listen(): Promise<{ readonly port: number }>;
  /** Serves `/v1/*` from now on: the port is open before the parts are there that know. Until then `/v1/*` is answered 503. */
  serve(actions: AdminActions): void;
  close(): Promise<void>;
}

const defaultGuard: AdminGuardOptions = { hosts: [], tokens: () => [] };
const requestMsMax = 5_000;
const connectionsMax = 100;

type Answer = (exchange: AdminExchange) => Promise<void> | void;

/**
 * Health, metrics and what operators ask and do, on a port of their own that no reader can reach. Answers to the end of a drain, so that its progress is seen. Liveness
 * is that the event loop answers: nothing else may restart a node.
 */
export function createAdminServer(parts: AdminServerParts): AdminServer {
  let answerActions: Answer = (exchange) => exchange.refuse({ code: 'not-ready', detail: 'This node is starting.', retryAfterSeconds: 1 });
  const options = { requestTimeout: requestMsMax, headersTimeout: requestMsMax, connectionsCheckingInterval: 1_000 };
  const server = createServer(options, (request, response) => {
    const exchange = new AdminExchange(request, response);
    const fail = (error: unknown): void => {
      parts.logger.error('the admin port failed', { error });
      exchange.refuse({ code: 'internal-error', detail: 'The request could not be served.' });
      response.end();
    };
    const isAction = exchange.path.startsWith('/v1/');
    Promise.resolve(exchange)
      .then((one) => (isAction ? answerActions(one) : answerHealth(one, parts)))
      .catch(fail);
  });
  server.maxConnections = connectionsMax;
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
    serve: (actions) => {
      answerActions = createAdminRoutes(actions, parts.guard ?? defaultGuard);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answerHealth(exchange: AdminExchange, parts: AdminServerParts): Promise<void> {
  if (exchange.method !== 'GET' && exchange.method !== 'HEAD')
    return exchange.send(405, 'text/plain; charset=utf-8', 'GET only\n', { Allow: 'GET, HEAD' });
  switch (exchange.path) {
    case '/healthz/live':
      return exchange.send(200, 'application/json', '{"live":true}');
    case '/healthz/ready': {
      const report = parts.readiness();
      return exchange.answerJson(report, report.ready ? 200 : 503);
    }
    case '/metrics': {
      const { contentType, body } = await parts.metrics.expose();
      return exchange.send(200, contentType, body);
    }
    default:
      return exchange.send(404, 'text/plain; charset=utf-8', '/healthz/live, /healthz/ready, /metrics, /v1/…\n');
  }
}
