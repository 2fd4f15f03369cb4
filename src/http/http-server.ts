import type { HttpRequest, HttpResponse, us_listen_socket } from 'uWebSockets.js';
import type { CloseCode } from '../protocol/close-catalogue.js';
import type { Publisher } from '../publish/publisher.js';
import type { Environment } from '../std/clock.js';
import type { EventStreams } from '../subscribe/event-streams.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { createCors } from './cors.js';
import { Exchange } from './exchange.js';
import { handleEvents } from './handle-events.js';
import { createPublishHandler } from './handle-publish.js';
import { findHttpOptionsFault } from './http-options.js';
import type { HttpOptions } from './http-options.js';
import { encodeLandingPage } from './landing-page.js';
import { loadUws } from './load-uws.js';
import { readRequest } from './read-request.js';
import { RouteTable } from './route-table.js';
import type { Route, RouteMatch } from './route-table.js';
import { StreamBoard } from './stream-board.js';

export interface HttpServerParts {
  readonly streams: EventStreams;
  /** null: nothing can be published over HTTP here. */
  readonly publisher: Publisher | null;
  readonly options: HttpOptions;
  readonly environment: Environment;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

export interface HttpServer {
  /** Starts to accept. Rejects when the port is taken, by this program or another. */
  listen(): Promise<{ readonly port: number }>;
  /** Accepts no more connections. Those that are open go on; a new request on one of them is told to come back elsewhere. */
  stopListening(): void;
  readonly openCount: number;
  /** Ends the oldest `count` streams with a `selvage.close`; returns how many. */
  closeStreams(count: number, code: CloseCode): number;
  /** Cuts every connection and stops for good. */
  closeAll(): void;
}

/** The public server. Throws when the options contradict each other, naming the option. */
export function createHttpServer(parts: HttpServerParts): HttpServer {
  const fault = findHttpOptionsFault(parts.options);
  if (fault !== null) throw new Error(`http: ${fault}`);
  const uws = loadUws();
  const { environment, metrics, logger, options } = parts;
  const board = new StreamBoard({ environment, metrics, logger, streamsMax: options.streamsMax });
  const app = uws.App();
  let listenSocket: us_listen_socket | null = null;
  let isDraining = false;
  app.any(
    '/*',
    createDispatcher(
      parts,
      createRoutes(parts, board, () => isDraining),
    ),
  );

  const stopListening = (): void => {
    isDraining = true;
    if (listenSocket !== null) uws.us_listen_socket_close(listenSocket);
    listenSocket = null;
  };
  return {
    listen: () =>
      new Promise((resolve, reject) => {
        const onListening: OnListening = (socket) => {
          if (socket === false)
            return reject(new Error(`cannot listen on port ${options.port} of ${options.host || 'all addresses'}: is it taken?`));
          listenSocket = socket;
          resolve({ port: uws.us_socket_local_port(socket) });
        };
        // Exclusive: SO_REUSEPORT, which is on without it, lets two servers share a port and never says so.
        listenOn(app, options, uws.LIBUS_LISTEN_EXCLUSIVE_PORT, onListening);
      }),
    stopListening,
    get openCount() {
      return board.openCount;
    },
    closeStreams: (count, code) => board.closeOldest(count, code),
    closeAll() {
      stopListening();
      board.abortAll();
      app.close();
    },
  };
}

type OnListening = (socket: us_listen_socket | false) => void;

/** The forms of `listen` that the addon has; its type declaration lacks the one with a host, and has the flags as an enum that is not there. */
interface Listenable {
  listen(port: number, flags: number, listener: OnListening): unknown;
  listen(host: string, port: number, flags: number, listener: OnListening): unknown;
}

function listenOn(app: unknown, { host, port }: HttpOptions, flags: number, listener: OnListening): void {
  const listenable = app as Listenable;
  if (host === '') listenable.listen(port, flags, listener);
  else listenable.listen(host, port, flags, listener);
}

function createRoutes(parts: HttpServerParts, board: StreamBoard, isDraining: () => boolean): RouteTable {
  const { basePath } = parts.options;
  const { streams, environment, logger } = parts;
  const events = (exchange: Exchange): void => handleEvents(exchange, { streams, board, environment, logger, isDraining });
  const page = encodeLandingPage(basePath, parts.publisher !== null);
  const land = (exchange: Exchange): void =>
    exchange.answer({ status: 200, contentType: 'text/plain; charset=utf-8', body: page, headOnly: exchange.request.method === 'HEAD' });
  const routes: Route[] = [
    { name: 'events', path: `${basePath}/v1/events`, handlers: { GET: events, HEAD: events } },
    { name: 'landing', path: `${basePath}/`, handlers: { GET: land, HEAD: land } },
  ];
  if (parts.publisher !== null) {
    const publish = createPublishHandler({
      publisher: parts.publisher,
      bounds: parts.options,
      timers: environment.timers,
      logger,
      isDraining,
    });
    routes.push({ name: 'publish', path: `${basePath}/v1/publish`, handlers: { POST: publish } });
  }
  return new RouteTable(routes);
}

/** Reads the request, finds its route and answers what has nothing to do with the route's own work. */
function createDispatcher(parts: HttpServerParts, routes: RouteTable): (res: HttpResponse, req: HttpRequest) => void {
  const cors = createCors(parts.options.cors);
  return (res, req) => {
    const { snapshot, problem } = readRequest(res, req, parts.options);
    const match = routes.find(snapshot.path);
    const exchange = new Exchange(res, snapshot, cors, (status) => parts.metrics.requestAnswered(match?.route.name ?? 'none', status));
    if (problem !== null) return exchange.refuse({ ...problem, closeConnection: true });
    if (match === null) return exchange.refuse({ code: 'not-found', detail: 'The address is not one of this server.' });
    if (snapshot.method === 'OPTIONS') {
      return exchange.answer({ status: 204, headers: [['Allow', match.allow], ...cors.preflightHeaders(snapshot, match.allow)] });
    }
    handle(exchange, match);
  };
}

function handle(exchange: Exchange, { route, allow }: RouteMatch): void {
  const handler = Object.hasOwn(route.handlers, exchange.request.method) ? route.handlers[exchange.request.method] : undefined;
  if (handler !== undefined) return handler(exchange);
  exchange.refuse({ code: 'method-not-allowed', detail: `Served here: ${allow}.`, headers: { Allow: allow } });
}
