import promClient from 'prom-client';
import type { Registry } from 'prom-client';
import { MetricRegistry } from './metric-registry.js';
import { readMemoryLimitBytes } from './memory-limit.js';
import type { Metrics } from './metrics.js';

/** It cannot be switched off. */
const samplingNobodyReadsMs = 60_000;

export interface PrometheusOptions {
  /** Node's and the process's own metrics (CPU, memory, garbage collection). Default true. */
  readonly processMetrics?: boolean;
}

/** Metrics for Prometheus, in a registry of their own: two instances in one process never meet. */
export function createPrometheusMetrics(options: PrometheusOptions = {}): Metrics {
  const metrics = new MetricRegistry();
  if (options.processMetrics ?? true) collectProcessMetrics(metrics.registry);
  return {
    ...logVerbs(metrics),
    ...routingVerbs(metrics),
    ...windowVerbs(metrics),
    ...hubVerbs(metrics),
    ...resumeVerbs(metrics),
    ...httpVerbs(metrics),
    ...controlVerbs(metrics),
    ...identityVerbs(metrics),
    ...limitVerbs(metrics),
    ...processVerbs(metrics),
    expose: async () => ({ contentType: metrics.registry.contentType, body: await metrics.registry.metrics() }),
  };
}

/**
 * prom-client's own, without its percentiles of the event loop's delay: they count the sampling period as delay, and at a period fine enough to hide that, sampling takes
 * a third of what an idle node costs. `selvage_event_loop_lag_seconds` tells the delay alone.
 */
function collectProcessMetrics(registry: Registry): void {
  promClient.collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: samplingNobodyReadsMs });
  for (const of of ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99']) registry.removeSingleMetric(`nodejs_eventloop_lag_${of}_seconds`);
}

function logVerbs(metrics: MetricRegistry) {
  const records = metrics.counter('recordsRead');
  const bytes = metrics.counter('bytesRead');
  const lag = metrics.gauge('partitionLag');
  const ends = metrics.gauge('partitionEnd');
  const age = metrics.gauge('fetchAge');
  const holes = metrics.counter('tailHoles');
  const restarts = metrics.counter('tailRestarts')();
  const resets = metrics.counter('topicResets');
  const fetches = metrics.counter('fetches')();
  const pace = metrics.gauge('fetchPace');
  return {
    recordsRead(topic, count, byteCount) {
      const labels = [topic];
      records(labels).inc(count);
      bytes(labels).inc(byteCount);
    },
    partitionLag(topic, partition, behind, end) {
      const labels = [topic, String(partition)];
      lag.set(behind, labels);
      ends.set(end, labels);
    },
    fetchAge: (seconds) => age.set(seconds),
    tailHole: (topic) => holes([topic]).inc(),
    tailRestarted: () => restarts.inc(),
    topicReset: (topic) => resets([topic]).inc(),
    fetchAnswered: () => fetches.inc(),
    fetchPace: (ms) => pace.set(ms / 1_000),
  } satisfies Partial<Metrics>;
}

function routingVerbs(metrics: MetricRegistry) {
  const unrouted = metrics.counter('unrouted');
  const skipped = metrics.counter('channelsSkipped');
  const replaced = metrics.counter('typesReplaced');
  const undecodable = metrics.counter('undecodable');
  const deadLettered = metrics.counter('deadLettered');
  const breaches = metrics.counter('keyedBreaches');
  return {
    topicRouted: (topic) => metrics.startTopic(topic),
    unrouted: (topic) => unrouted([topic]).inc(),
    channelSkipped: (topic, why) => skipped([topic, why]).inc(),
    typeReplaced: (topic) => replaced([topic]).inc(),
    undecodable: (topic, reason) => undecodable([topic, reason]).inc(),
    deadLettered: (topic, outcome) => deadLettered([topic, outcome]).inc(),
    keyedBreach: (topic) => breaches([topic]).inc(),
  } satisfies Partial<Metrics>;
}

function windowVerbs(metrics: MetricRegistry) {
  const written = metrics.counter('windowEvents');
  const write = metrics.histogram('windowWrite');
  const high = metrics.gauge('windowHigh');
  const floor = metrics.gauge('windowFloor');
  const failures = metrics.counter('windowFailures');
  const usable = metrics.gauge('windowUsable');
  const redis = metrics.gauge('redisUp');
  return {
    windowWritten(topic, events, seconds) {
      written([topic]).inc(events);
      write.observe(seconds);
    },
    windowVouched(topic, partition, highNow, floorNow) {
      const labels = [topic, String(partition)];
      high.set(highNow, labels);
      if (floorNow === null) floor.remove(labels);
      else floor.set(floorNow, labels);
    },
    windowFailed: (operation) => failures([operation]).inc(),
    windowUsable: (isUsable) => usable.set(isUsable ? 1 : 0),
    redisUp: (isUp) => redis.set(isUp ? 1 : 0),
  } satisfies Partial<Metrics>;
}

function hubVerbs(metrics: MetricRegistry) {
  const recentEvents = metrics.gauge('recentEvents');
  const recentBytes = metrics.gauge('recentBytes');
  const recentBound = metrics.gauge('recentBytesMax');
  const sent = metrics.tally('eventsSent');
  const sentBytes = metrics.tally('bytesSent');
  const delivery = metrics.distribution('delivery');
  const subscribers = metrics.gauge('subscribers');
  return {
    recentSize(events, bytes) {
      recentEvents.set(events);
      recentBytes.set(bytes);
    },
    recentBytesMax: (bytes) => recentBound.set(bytes),
    eventsSent(count, bytes) {
      sent.value += count;
      sentBytes.value += bytes;
    },
    delivered: (seconds) => delivery.observe(seconds),
    subscribers(live, catchingUp) {
      subscribers.set(live, ['live']);
      subscribers.set(catchingUp, ['catching-up']);
    },
  } satisfies Partial<Metrics>;
}

function resumeVerbs(metrics: MetricRegistry) {
  const resumes = metrics.counter('resumes');
  const gaps = metrics.counter('gaps');
  const started = metrics.counter('replaysStarted')();
  const replay = metrics.histogram('replay');
  const waiting = metrics.gauge('replaysWaiting');
  const waitingBound = metrics.gauge('replaysWaitingMax');
  const shared = metrics.counter('replaysShared')();
  const scanned = metrics.counter('scanned')();
  return {
    resumed: (tier, outcome) => resumes([tier, outcome]).inc(),
    gapTold: (reason, cause) => gaps([reason, cause]).inc(),
    replayStarted: () => started.inc(),
    replayEnded: (seconds) => replay.observe(seconds),
    replayQueued: (count) => waiting.set(count),
    replaysWaitingMax: (count) => waitingBound.set(count),
    replayShared: () => shared.inc(),
    scanned: (records) => scanned.inc(records),
  } satisfies Partial<Metrics>;
}

function httpVerbs(metrics: MetricRegistry) {
  const open = metrics.gauge('connections');
  const opened = metrics.counter('connectionsOpened')();
  const closed = metrics.counter('connectionsClosed');
  const lifetime = metrics.histogram('connection');
  const stalled = metrics.gauge('connectionsStalled');
  const bound = metrics.gauge('connectionsMax');
  const refused = metrics.counter('streamsRefused');
  const requests = metrics.counter('requests');
  const published = metrics.counter('published');
  let openCount = 0;
  return {
    connectionOpened() {
      opened.inc();
      open.set(++openCount);
    },
    connectionClosed(reason, seconds) {
      closed([reason]).inc();
      lifetime.observe(seconds);
      open.set(--openCount);
    },
    connectionsStalled: (count) => stalled.set(count),
    connectionsMax: (count) => bound.set(count),
    streamRefused: (code) => refused([code]).inc(),
    requestAnswered: (route, status) => requests([route, String(status)]).inc(),
    published: (outcome, count) => published([outcome]).inc(count),
  } satisfies Partial<Metrics>;
}

function controlVerbs(metrics: MetricRegistry) {
  const commands = metrics.counter('controlCommands');
  const delay = metrics.histogram('controlDelay');
  const unread = metrics.gauge('controlUnread');
  const held = metrics.gauge('revocations');
  const widened = metrics.counter('revocationsWidened')();
  return {
    controlCommand: (kind, outcome) => commands([kind, outcome]).inc(),
    controlArrived: (seconds) => delay.observe(seconds),
    controlUnread: (records) => unread.set(records),
    revocationsHeld: (count) => held.set(count),
    revocationsWidened: () => widened.inc(),
  } satisfies Partial<Metrics>;
}

function identityVerbs(metrics: MetricRegistry) {
  const tokens = metrics.counter('tokens');
  const refreshes = metrics.counter('keyRefreshes');
  const age = metrics.gauge('keysAge');
  const refresh = metrics.gauge('keysRefresh');
  const tickets = metrics.counter('tickets');
  const permissions = metrics.counter('permissions');
  const hook = metrics.histogram('permissionHook');
  return {
    tokenChecked: (outcome) => tokens([outcome]).inc(),
    keysRefreshed: (issuer, outcome) => refreshes([issuer, outcome]).inc(),
    keysAge(issuer, seconds, refreshSeconds) {
      age.set(seconds, [issuer]);
      refresh.set(refreshSeconds, [issuer]);
    },
    ticketOpened: (outcome) => tickets([outcome]).inc(),
    permissionAsked: (outcome) => permissions([outcome]).inc(),
    permissionAnswered: (seconds) => hook.observe(seconds),
  } satisfies Partial<Metrics>;
}

function limitVerbs(metrics: MetricRegistry) {
  const admissions = metrics.counter('admissions');
  const refusals = metrics.counter('publishRefusals');
  const held = metrics.gauge('leasesHeld');
  const alone = metrics.gauge('limitsAlone');
  const judged = metrics.counter('overlapsJudged');
  return {
    streamAdmitted: (outcome) => admissions([outcome]).inc(),
    publishRefused: (limit) => refusals([limit]).inc(),
    leasesHeld: (count) => held.set(count),
    limitsShared: (isShared) => alone.set(isShared ? 0 : 1),
    overlapJudged: (outcome) => judged([outcome]).inc(),
  } satisfies Partial<Metrics>;
}

function processVerbs(metrics: MetricRegistry) {
  const lag = metrics.histogram('eventLoopLag');
  const info = metrics.gauge('nodeInfo');
  const ready = metrics.gauge('ready');
  metrics.readGauge('memoryLimit', readMemoryLimitBytes);
  return {
    eventLoopLag: (seconds) => lag.observe(seconds),
    running: (version, roles) => info.set(1, [version, [...roles].sort().join(',')]),
    ready: (isReady) => ready.set(isReady ? 1 : 0),
  } satisfies Partial<Metrics>;
}
