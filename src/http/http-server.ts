import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import type { CloseCode } from '../protocol/close-catalogue.js';
import type { Authenticator } from '../admission/authenticator.js';
import type { NamedStream } from '../admission/named-streams/named-stream.js';
import { resolveNamedStream } from '../admission/named-streams/resolve-named-stream.js';
import type { RequestSnapshot } from '../protocol/request-snapshot.js';
import type { Publisher } from '../publish/publisher.js';
import type { Environment } from '../std/clock.js';
import type { EventStreams } from '../subscribe/event-streams.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { AccessLog } from './access-log.js';
import { BodyCompressor } from './compress-body.js';
import { createCors } from './cors.js';
import { Exchange } from './exchange.js';
import type { ExchangeShare } from './exchange.js';
import { createDocumentHandler, type DocumentMakers, type ServedRoute } from './handle-documents.js';
import { handleEvents } from './handle-events.js';
import { createRenewalHandler, type RenewalContext } from './handle-renewal.js';
import { createSessionHandlers, type SessionContext } from './handle-session.js';
import { createTicketsHandler, type TicketsContext } from './handle-tickets.js';
import { createPublishHandler } from './handle-publish.js';
import { findHttpOptionsFault } from './http-options.js';
import type { HttpOptions } from './http-options.js';
import { encodeLandingPage } from './landing-page.js';
import { Listener } from './listener.js';
import { readRequest } from './read-request.js';
import { RouteTable } from './route-table.js';
import type { Route, RouteMatch } from './route-table.js';
import { boundSockets, readOpenFilesMax } from './socket-bounds.js';
import type { SocketBounds } from './socket-bounds.js';
import { StreamBoard } from './stream-board.js';

export interface HttpServerParts {
  readonly streams: EventStreams;
  /** null: nothing can be published over HTTP here. */
  readonly publisher: Publisher | null;
  /** Finds out who publishes. */
  readonly authenticator: Authenticator;
  /** Shapes of addresses besides `/v1/events` that are streams. Default: none. */
  readonly namedStreams?: readonly NamedStream[];
  /** The client's address, behind trusted proxies the one that they tell. Default: the peer's. */
  readonly addressOf?: (request: RequestSnapshot) => string;
  /** How streams go on with a fresh token; absent: they do not. */
  readonly renewals?: Pick<RenewalContext, 'sender' | 'findStream'>;
  /** Null or absent: there are no tickets. */
  readonly tickets?: Pick<TicketsContext, 'issue' | 'channelsMax'> | null;
  /** Null or absent: tokens do not come in cookies. */
  readonly session?: Pick<SessionContext, 'cookie' | 'isAllowedOrigin'> | null;
  /** Null or absent: the server does not describe itself. */
  readonly documents?: DocumentMakers | null;
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
  /** All that is served, without the base path. */
  readonly routes: readonly ServedRoute[];
  /** Ends the oldest `count` streams with a `selvage.close`; returns how many. */
  closeStreams(count: number, code: CloseCode): number;
  /** Cuts every connection and stops for good. */
  closeAll(): void;
}

/** The public server. Throws when the options contradict each other, naming the option. */
export function createHttpServer(parts: HttpServerParts): HttpServer {
  const fault = findHttpOptionsFault(parts.options);
  if (fault !== null) throw new Error(`http: ${fault}`);
  const { environment, metrics, logger, options } = parts;
  const accessLog = new AccessLog(options.log, environment, logger);
  const { socketsMax, streamsMax } = boundByFiles(options, logger);
  metrics.connectionsMax(streamsMax);
  const streamRoutes = new Set(['events', ...(parts.namedStreams ?? []).map(({ name }) => name)]);
  const board = new StreamBoard({ environment, metrics, logger, streamsMax, accessLog });
  let isDraining = false;
  const routes = createRoutes(parts, board, () => isDraining);
  const share: ExchangeShare = {
    cors: createCors(options.cors),
    timers: environment.timers,
    isSingleUse: options.proxyProtocol,
    isDraining: () => isDraining,
    onAnswered({ request: { method, path }, subject, startedTickMs }, status, code, isStream) {
      metrics.requestAnswered(subject.route, status);
      if (code !== null && streamRoutes.has(subject.route)) metrics.streamRefused(code);
      const durationMs = Math.round(environment.clock.tickMs() - startedTickMs);
      if (!isStream) accessLog.answered(subject, { method, path, status, code, durationMs });
    },
  };
  const listener = new Listener({
    options,
    socketsMax,
    timers: environment.timers,
    logger,
    handle: createDispatcher(parts, routes, share),
    onCut: (openSockets) => accessLog.socketCut(openSockets),
  });
  const stopListening = (): void => {
    isDraining = true;
    listener.stop();
  };
  return {
    listen: () => listener.listen(),
    stopListening,
    get openCount() {
      return board.openCount;
    },
    routes: describeRoutes(routes.routes, options.basePath),
    closeStreams: (count, code) => board.closeOldest(count, code),
    closeAll() {
      stopListening();
      board.abortAll();
      listener.close();
    },
  };
}

function boundByFiles(options: HttpOptions, logger: Logger): SocketBounds {
  const openFilesMax = readOpenFilesMax();
  const bounds = boundSockets(options, openFilesMax);
  const { socketsMax, streamsMax, isCut } = bounds;
  const notice = 'the limit of open files of this process (ulimit -n) allows fewer connections than are configured';
  // What nobody has set was only ever an upper bound.
  if (isCut) logger[options.socketsMax === 0 ? 'info' : 'warn'](notice, { openFilesMax, socketsMax, streamsMax });
  return bounds;
}

function createRoutes(parts: HttpServerParts, board: StreamBoard, isDraining: () => boolean): RouteTable {
  const { basePath } = parts.options;
  const { streams, environment, logger } = parts;
  const { pollWaitSecondsMax, compressBytesMin } = parts.options;
  const compressor = new BodyCompressor(compressBytesMin);
  const context = { streams, board, compressor, pollWaitSecondsMax, environment, logger, isDraining };
  const events = (exchange: Exchange): void => handleEvents(exchange, context);
  const named = (parts.namedStreams ?? []).flatMap((stream) =>
    stream.shapes.map((shape) => {
      const handle = (exchange: Exchange): void => handleEvents(exchange, context, stream);
      return { name: stream.name, path: basePath + shape.text, handlers: { GET: handle, HEAD: handle } };
    }),
  );
  const page = encodeLandingPage(basePath, parts.publisher !== null);
  const land = (exchange: Exchange): void =>
    exchange.answer({ status: 200, contentType: 'text/plain; charset=utf-8', body: page, headOnly: exchange.request.method === 'HEAD' });
  const routes: Route[] = [
    { name: 'events', path: `${basePath}/v1/events`, handlers: { GET: events, HEAD: events } },
    { name: 'landing', path: `${basePath}/`, handlers: { GET: land, HEAD: land } },
    ...named,
  ];
  const small = { authenticator: parts.authenticator, timers: environment.timers, clock: environment.clock, logger };
  if (parts.renewals !== undefined) {
    routes.push({
      name: 'renewal',
      path: `${basePath}/v1/streams/{id}/token`,
      handlers: { POST: createRenewalHandler({ ...small, ...parts.renewals }) },
    });
  }
  if (parts.tickets !== undefined && parts.tickets !== null) {
    const channelsOf = findNamedChannels(new RouteTable(named), parts.namedStreams ?? []);
    routes.push({
      name: 'tickets',
      path: `${basePath}/v1/tickets`,
      handlers: { POST: createTicketsHandler({ ...small, ...parts.tickets, channelsOf }) },
    });
  }
  if (parts.session !== undefined && parts.session !== null) {
    routes.push({ name: 'session', path: `${basePath}/v1/session`, handlers: createSessionHandlers({ ...small, ...parts.session }) });
  }
  if (parts.publisher !== null) {
    const publish = createPublishHandler({
      publisher: parts.publisher,
      authenticator: parts.authenticator,
      bounds: parts.options,
      timers: environment.timers,
      logger,
      isDraining,
    });
    routes.push({ name: 'publish', path: `${basePath}/v1/publish`, handlers: { POST: publish } });
  }
  if (parts.documents !== undefined && parts.documents !== null)
    routes.push(...createDocumentRoutes(routes, parts.documents, basePath, compressor, logger));
  return new RouteTable(routes);
}

/** The documents describe themselves too. */
function createDocumentRoutes(
  routes: readonly Route[],
  makers: DocumentMakers,
  basePath: string,
  compressor: BodyCompressor,
  logger: Logger,
): readonly Route[] {
  const all: Route[] = [...routes];
  for (const name of ['openapi', 'asyncapi'] as const) {
    const serve = createDocumentHandler(() => makers[name](describeRoutes(all, basePath)), compressor, logger);
    all.push({ name, path: `${basePath}/${name}.json`, handlers: { GET: serve, HEAD: serve } });
  }
  return all.slice(routes.length);
}

const describeRoutes = (routes: readonly Route[], basePath: string): readonly ServedRoute[] =>
  routes.map(({ name, path, handlers }) => ({ name, path: path.slice(basePath.length), methods: Object.keys(handlers) }));

/** The channels of the named stream at a path for a caller, for a ticket; null: there is none. */
function findNamedChannels(table: RouteTable, streams: readonly NamedStream[]): TicketsContext['channelsOf'] {
  const byName = new Map(streams.map((stream) => [stream.name, stream]));
  return (path, principal) => {
    const match = table.find(path);
    const stream = match === null ? undefined : byName.get(match.route.name);
    if (match === null || stream === undefined) return null;
    const resolution = resolveNamedStream(stream, match.pathParameters, principal);
    return resolution.kind === 'refused' ? resolution.refusal : resolution.resolved.channels;
  };
}

/** Reads the request, finds its route and answers what has nothing to do with the route's own work. */
function createDispatcher(
  { options, environment, addressOf = ({ remoteAddress }) => remoteAddress }: HttpServerParts,
  routes: RouteTable,
  share: ExchangeShare,
): (res: HttpResponse, req: HttpRequest) => void {
  const random = (): number => environment.random();
  return (res, req) => {
    const { snapshot: asRead, problem } = readRequest(res, req, options, random);
    const match = routes.find(asRead.path);
    const remoteAddress = addressOf(asRead);
    const snapshot = { ...asRead, remoteAddress, pathParameters: match?.pathParameters ?? asRead.pathParameters };
    const exchange = new Exchange(res, snapshot, share, match?.route.name ?? 'none', environment.clock.tickMs());
    if (problem !== null) return exchange.refuse({ ...problem, closeConnection: true });
    if (match === null) return exchange.refuse({ code: 'not-found', detail: 'The address is not one of this server.' });
    if (snapshot.method === 'OPTIONS') {
      const headers = [['Allow', match.allow] as const, ...share.cors.preflightHeaders(snapshot, match.allow)];
      return exchange.answer({ status: 204, headers, varyAlso: preflightVary });
    }
    handle(exchange, match);
  };
}

const preflightVary = 'Access-Control-Request-Method, Access-Control-Request-Headers';

function handle(exchange: Exchange, { route, allow }: RouteMatch): void {
  const handler = Object.hasOwn(route.handlers, exchange.request.method) ? route.handlers[exchange.request.method] : undefined;
  if (handler !== undefined) return handler(exchange);
  exchange.refuse({ code: 'method-not-allowed', detail: `Served here: ${allow}.`, headers: { Allow: allow } });
}
