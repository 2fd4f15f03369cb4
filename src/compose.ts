import type { Config } from './config/config.js';
import { createAdminServer, type AdminServer } from './http/admin-server.js';
import { redactConfig } from './config/redact-config.js';
import { clientAddress } from './admission/limits/client-address.js';
import { ReplayBudgets } from './admission/limits/replay-budgets.js';
import { readAdminTokens, startAdmission, type Surroundings } from './compose-admission.js';
import { createHttpServer, type HttpServer } from './http/http-server.js';
import { Hub } from './hub/hub.js';
import { TopicTable } from './hub/topic-table.js';
import { drain } from './lifecycle/drain.js';
import { startEventLoopMonitor } from './lifecycle/event-loop-monitor.js';
import { Readiness } from './lifecycle/readiness.js';
import type { EventLog } from './log/event-log.js';
import { KafkaEventLog } from './log/kafka/kafka-event-log.js';
import { MemoryEventLog } from './log/memory/memory-event-log.js';
import { clusterTag } from './protocol/position.js';
import type { IdempotencyStore } from './publish/idempotency-store.js';
import { LogPublisher } from './publish/log-publisher.js';
import { MemoryIdempotencyStore } from './publish/memory/memory-idempotency-store.js';
import { RedisIdempotencyStore } from './publish/redis/redis-idempotency-store.js';
import { TracedPublisher } from './publish/traced-publisher.js';
import { RecentStore } from './recent/recent-store.js';
import { RedisConnection } from './redis/redis-connection.js';
import { createRouter } from './routing/create-router.js';
import type { Router, RoutingObserver } from './routing/router.js';
import { encodePublishedPosition } from './subscribe/published-position.js';
import { LogPages } from './subscribe/log-pages.js';
import { ReplayGate } from './subscribe/replay-gate.js';
import { Streams } from './subscribe/streams.js';
import { TailFeed } from './subscribe/tail-feed.js';
import { TracedStreams } from './subscribe/traced-streams.js';
import { TieredReader } from './subscribe/tiered-reader.js';
import { TopicWatch } from './subscribe/topic-watch.js';
import type { Logger } from './telemetry/logger.js';
import { startTracing } from './telemetry/start-tracing.js';
import { Indexer } from './window/indexer.js';
import { MemoryReplayWindow } from './window/memory/memory-replay-window.js';
import { RedisReplayWindow } from './window/redis/redis-replay-window.js';
import type { ReplayWindow } from './window/replay-window.js';
import {
  documentsOf,
  httpOptionsOf,
  hubOptionsOf,
  indexerGroupOf,
  kafkaConnectionOf,
  limitOptionsOf,
  programVersion,
  redisConnectionOf,
  replayBudgetsOf,
  sessionOf,
  streamLimitsOf,
  tokenLifetimeMsOf,
  tracingOptionsOf,
  windowOptionsOf,
} from './compose-options.js';

/** A running node. */
export interface Node {
  /** Where streams are served; null on a node that is no edge. */
  readonly port: number | null;
  readonly adminPort: number;
  /** Not ready, readers sent away evenly, then everything stopped. `hurry` cuts the waiting short. Never rejects. */
  stop(hurry: AbortSignal): Promise<void>;
}

/** Partitions of a topic that the fabric creates itself. */
const createdPartitions = 12;
const logPagesLimits = { pageOffsets: 2_000, pageBytesMax: 8 * 1_048_576, cacheBytesMax: 64 * 1_048_576, cacheMs: 10_000 };
const topicWatchMs = 5_000;
/** Longer than an append may take (30 s, and the answer's 10 s). */
const idempotencyLeaseMs = 60_000;
const recentTrimMs = 1_000;
/** Keeps a scan's or an indexer's routing out of the numbers of the tail's. */
const unobserved: RoutingObserver = { unrouted: () => undefined, channelSkipped: () => undefined, typeReplaced: () => undefined };

/** Makes and starts everything, in the order in which data flows. Resolves when the ports are open; readiness tells when it delivers. */
export async function startNode(config: Config, surroundings: Surroundings, signal: AbortSignal): Promise<Node> {
  const { environment, logger, metrics } = surroundings;
  metrics.running(programVersion(), config.roles);
  const stops: (() => Promise<void> | void)[] = [];
  const readiness = new Readiness(({ ready, conditions }) => {
    metrics.ready(ready);
    logger.info(ready ? 'ready' : 'not ready', { conditions: conditions.filter(({ isMet }) => !isMet) });
  });
  const setDraining = readiness.declare('accepting', 'starting');
  const setLog = readiness.declare('log', 'waiting for the log to answer');
  const admin = createAdminServer({
    options: { host: config.host, port: config.adminPort },
    readiness: () => readiness.report(),
    metrics,
    logger,
    guard: { hosts: config.admin.hosts, tokens: () => readAdminTokens(config) },
  });
  const { port: adminPort } = await admin.listen();
  stops.push(() => admin.close());
  const eventLoopMonitor = startEventLoopMonitor(environment, metrics, logger);
  stops.push(() => eventLoopMonitor.stop());

  const log = createLog(config, surroundings);
  stops.push(() => log.close());
  await log.connect(signal);
  setLog(true, 'the log answers');
  const router = createRouter(config.routes, metrics, { eventBytesMax: config.limits.eventBytesMax });
  for (const { topic } of router.topics) metrics.topicRouted(topic);
  await createTopics(config, log, logger);
  const { window, redis, close: closeWindow } = createWindow(config, router, surroundings);
  stops.push(closeWindow);
  if (config.roles.includes('indexer') && window !== null) stops.push(startIndexer(config, log, window, surroundings));

  const stores = { window, redis };
  const edge = config.roles.includes('edge') ? await startEdge(config, log, stores, router, surroundings, readiness, admin) : null;
  if (edge !== null) stops.push(edge.stop);
  else admin.serve({ config: () => redactConfig(config) });
  setDraining(true, 'accepting');
  return {
    port: edge?.port ?? null,
    adminPort,
    stop: (hurry) => stopNode(config, surroundings, edge?.server ?? null, setDraining, stops, hurry),
  };
}

function createLog(config: Config, { environment, logger, metrics }: Surroundings): EventLog {
  if (config.isEmbedded) return new MemoryEventLog({ logger }, environment);
  const { group, nodeId } = config;
  return new KafkaEventLog({ connection: kafkaConnectionOf(config), groupPrefix: group, node: nodeId }, environment, logger, metrics);
}

/** Topics that HTTP publishes to are the fabric's own: it makes them where it may. All others belong to their producers. */
async function createTopics(config: Config, log: EventLog, logger: Logger): Promise<void> {
  const owned = new Set(config.routes.filter((route) => route.publish || config.isEmbedded).map(({ topic }) => topic));
  for (const topic of owned) {
    const isThere = await log.ensureTopic(topic, config.isEmbedded ? 4 : createdPartitions).catch(() => false);
    if (!isThere) logger.warn('the topic is missing and could not be created; it is followed when it appears', { topic });
  }
}

interface OwnedWindow {
  readonly window: ReplayWindow | null;
  readonly redis: RedisConnection | null;
  readonly close: () => Promise<void>;
}

function createWindow(config: Config, router: Router, { environment, logger, metrics }: Surroundings): OwnedWindow {
  const options = windowOptionsOf(config, router.topics);
  if (config.isEmbedded) {
    const window = new MemoryReplayWindow({ ...options, clock: environment.clock });
    return { window, redis: null, close: () => window.close() };
  }
  if (config.redis.url === null) return { window: null, redis: null, close: () => Promise.resolve() };
  const redis = new RedisConnection(redisConnectionOf(config), logger, environment);
  metrics.redisUp(redis.isUp);
  redis.onUpChange((isUp) => metrics.redisUp(isUp));
  const window = new RedisReplayWindow(options, { redis, environment, logger, metrics });
  return {
    window,
    redis,
    close: async () => {
      await window.close();
      await redis.close();
    },
  };
}

/** Without a store that all nodes share, a key proves nothing: then there is none. */
function createIdempotencyStore(config: Config, redis: RedisConnection | null, { environment }: Surroundings): IdempotencyStore | null {
  const options = { rememberMs: config.publish.idempotencySeconds * 1_000, leaseMs: idempotencyLeaseMs };
  if (config.isEmbedded) return new MemoryIdempotencyStore(options, environment.clock);
  return redis === null ? null : new RedisIdempotencyStore(redis, config.redis.prefix, options);
}

function startIndexer(
  config: Config,
  log: EventLog,
  window: ReplayWindow,
  { environment, logger, metrics }: Surroundings,
): () => Promise<void> {
  const { deadLettersPerSecondMax: perSecond, ageSeconds } = config.window;
  const router = createRouter(config.routes, unobserved, { eventBytesMax: config.limits.eventBytesMax });
  const deadLetters = { topic: config.kafka.deadLetterTopic, perSecond, burst: perSecond };
  const indexer = new Indexer({ windowAgeMs: ageSeconds * 1_000, deadLetters }, { log, router, window, environment, logger, metrics });
  const topics = router.topics.map(({ topic }) => topic);
  const consumer = log.share(indexerGroupOf(config, router.topics), topics, indexer);
  return async () => {
    await consumer.stop();
    indexer.stop();
  };
}

interface Edge {
  readonly port: number;
  readonly server: HttpServer;
  readonly stop: () => Promise<void>;
}

async function startEdge(
  config: Config,
  log: EventLog,
  { window, redis }: { readonly window: ReplayWindow | null; readonly redis: RedisConnection | null },
  router: Router,
  surroundings: Surroundings,
  readiness: Readiness,
  admin: AdminServer,
): Promise<Edge> {
  const { environment, logger, metrics } = surroundings;
  const { recent, replay } = config;
  const setTail = readiness.declare('tail', 'the tail has not started');
  const setControl = readiness.declare('control', 'what was revoked is not known yet');
  const admission = await startAdmission(config, log, redis, surroundings, setControl);
  const { control, limits, registry, gate, identity, tickets } = admission;
  const topics = new TopicTable(clusterTag(log.clusterId()), router.topics);
  const scanRouter = createRouter(config.routes, unobserved, { eventBytesMax: config.limits.eventBytesMax });
  const currentState = new Set(router.topics.filter(({ compactedMeans }) => compactedMeans === 'current-state').map(({ topic }) => topic));
  metrics.recentBytesMax(recent.bytesMax);
  metrics.replaysWaitingMax(replay.queuedMax);
  const recentStore = new RecentStore({ ageMs: recent.ageSeconds * 1_000, bytesMax: recent.bytesMax }, environment.clock);
  const logPages = new LogPages(log, scanRouter, logPagesLimits, environment.clock, metrics);
  const tiers: TieredReader = new TieredReader({
    window,
    logPages,
    gate: new ReplayGate(replay, metrics),
    limits: { ...replay, scanOffsetsMax: replay.scanRecordsMax },
    costs: new ReplayBudgets(replayBudgetsOf(config), environment.clock),
    environment,
    metrics,
    provesNothing: (topic): boolean | null => (currentState.has(topic) ? false : watch.isCompacted(topic)),
  });
  const tracer = await startTracing(tracingOptionsOf(config), surroundings);
  const deliveries = tracer?.deliveries ?? null;
  const hub: Hub = new Hub({
    options: hubOptionsOf(config),
    environment,
    metrics,
    tiers,
    recentStore,
    topics,
    newBudget: () => ({ recordsLeft: replay.scanRecordsMax, bytesLeft: replay.bytesMax, msLeft: replay.timeMsMax }),
    hearStray: (topic, isHomeUnder) => watch.hearStray(topic, isHomeUnder),
    deliveries,
  });
  const watch: TopicWatch = new TopicWatch({ hub, log, window, environment, metrics, logger, periodMs: topicWatchMs });
  const feed = new TailFeed({
    hub,
    router,
    logPages,
    metrics,
    logger,
    onHealth: (health) => setTail(health.delivering, health.reason),
    hearStray: (topic, isHomeUnder) => watch.hearStray(topic, isHomeUnder),
    deliveries,
  });
  await watch.look();
  const tail = log.tail([...router.topics.map(({ topic }) => topic), control.topic], control.listener(feed));
  void control.start();
  const notReady = (): string | null => (feed.hasDelivered ? control.notReady : feed.health.reason);
  const limitsOfStreams = streamLimitsOf(config);
  const streams = new Streams({ hub, router, log, window, logPages, gate, environment, logger, limits: limitsOfStreams, notReady });
  const publisher = new LogPublisher({
    router: scanRouter,
    log,
    limits,
    idempotency: createIdempotencyStore(config, redis, surroundings),
    shape: config.publish,
    environment,
    metrics,
    logger,
    encodePosition: encodePublishedPosition(router, topics),
  });
  const { trustedProxies } = limitOptionsOf(config);
  const server = createHttpServer({
    streams: tracer === null ? streams : new TracedStreams(streams, tracer),
    publisher: tracer === null ? publisher : new TracedPublisher(publisher, tracer),
    authenticator: identity,
    namedStreams: config.streams,
    addressOf: (request) => clientAddress(request, trustedProxies),
    renewals: { sender: control.sender, findStream: (id) => registry.find(id) },
    tickets:
      tickets === null ? null : { issue: (principal, asked) => tickets.issue(principal, asked), channelsMax: config.stream.channelsMax },
    session: sessionOf(config),
    documents: documentsOf(config),
    options: httpOptionsOf(config),
    environment,
    metrics,
    logger,
  });
  const upkeep = environment.timers.every(recentTrimMs, () => {
    recentStore.trim();
    metrics.recentSize(recentStore.events, recentStore.bytes);
    metrics.subscribers(hub.subscriberCount - hub.catchingUpCount, hub.catchingUpCount);
  });
  admin.serve({
    disconnect: { sender: control.sender, tokenLifetimeMs: tokenLifetimeMsOf(config), clock: environment.clock, logger },
    usage: (top) => limits.usage(top),
    streams: (subject, countMax) => registry.listOf(subject, countMax),
    config: () => redactConfig(config),
  });
  const { port } = await server.listen();
  const stop = async (): Promise<void> => {
    upkeep.cancel();
    server.closeAll();
    watch.stop();
    hub.stop();
    await Promise.all([tail.stop(), admission.stop(), tracer?.stop()]);
  };
  return { port, server, stop };
}

async function stopNode(
  config: Config,
  { environment, logger }: Surroundings,
  server: HttpServer | null,
  setDraining: (isMet: boolean, reason: string) => void,
  stops: readonly (() => Promise<void> | void)[],
  hurry: AbortSignal,
): Promise<void> {
  const options = { balancerWaitMs: config.drain.balancerWaitSeconds * 1_000, windowMs: config.drain.windowSeconds * 1_000 };
  const drainables =
    server === null
      ? []
      : [
          {
            get openCount() {
              return server.openCount;
            },
            stopAccepting: () => server.stopListening(),
            closeSome: (count: number) => server.closeStreams(count, 'draining'),
          },
        ];
  await drain({ drainables, options, timers: environment.timers, logger, markDraining: () => setDraining(false, 'draining') }, hurry);
  for (const stop of [...stops].reverse()) {
    await Promise.resolve(stop()).catch((error: unknown) => logger.warn('a part did not stop cleanly', { error }));
  }
}
