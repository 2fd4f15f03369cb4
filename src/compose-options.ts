import { readFileSync } from 'node:fs';
import type { AuthenticatorParts } from './admission/identity/create-authenticator.js';
import type { KeyTimes } from './admission/identity/key-source.js';
import { defaultVerifyLimits } from './admission/identity/verified-tokens.js';
import { parseTrustedProxies } from './admission/limits/client-address.js';
import type { LimitOptions } from './admission/limits/limit-options.js';
import type { Rate } from './admission/limits/rate.js';
import type { ReplayBudgetOptions } from './admission/limits/replay-budgets.js';
import { valuesOf } from './admission/named-streams/stream-template.js';
import type { PermissionHookOptions } from './admission/permission-hook/permission-hook.js';
import type { TicketsParts } from './admission/tickets/tickets.js';
import type { Config } from './config/config.js';
import type { ControlOptions } from './control/control.js';
import { describeChannels } from './describe/asyncapi.js';
import { describeHttp } from './describe/openapi.js';
import type { Surface } from './describe/surface.js';
import type { DocumentMakers } from './http/handle-documents.js';
import type { HubOptions } from './hub/hub-options.js';
import type { SessionContext } from './http/handle-session.js';
import type { HttpOptions } from './http/http-options.js';
import { defaultHttpOptions } from './http/http-options.js';
import type { KafkaConnectionOptions, KafkaSaslOptions, KafkaTlsOptions } from './log/kafka/kafka-connection.js';
import type { RedisConnectionOptions } from './redis/redis-connection-options.js';
import { parseRedisUrl } from './redis/redis-connection-options.js';
import { clusterTag } from './protocol/position.js';
import type { OtlpOptions } from './telemetry/otlp-tracer.js';
import type { RoutedTopic } from './routing/router.js';
import { compileOrigins } from './std/match-origin.js';
import type { StreamsParts } from './subscribe/streams.js';
import type { WindowOptions } from './window/window-options.js';

/** Configuration, in the words of each room. Nothing is decided here but what belongs to what. */

export function kafkaConnectionOf({ kafka, group, secretFiles }: Config): KafkaConnectionOptions {
  const { tls, sasl, rackId, brokers } = kafka;
  return {
    brokers: brokers ?? [],
    clientIdPrefix: group,
    ...(tls.enabled ? { tls: kafkaTlsOf(tls) } : {}),
    ...(sasl.mechanism === null ? {} : { sasl: kafkaSaslOf(sasl.mechanism, sasl, secretFiles) }),
    ...(rackId === null ? {} : { rackId }),
  };
}

function kafkaTlsOf({ caFile, certFile, keyFile, rejectUnauthorized }: Config['kafka']['tls']): KafkaTlsOptions {
  return {
    ...(caFile === null ? {} : { ca: caFile }),
    ...(certFile === null ? {} : { cert: certFile }),
    ...(keyFile === null ? {} : { key: keyFile }),
    rejectUnauthorized,
  };
}

/** A secret that came from a file goes on as that file, which is read again at each authentication. */
function kafkaSaslOf(
  mechanism: NonNullable<Config['kafka']['sasl']['mechanism']>,
  sasl: Config['kafka']['sasl'],
  secretFiles: Config['secretFiles'],
): KafkaSaslOptions {
  const passwordFile = secretFiles['kafka.sasl.password'];
  const clientSecretFile = secretFiles['kafka.sasl.clientSecret'];
  switch (mechanism) {
    case 'plain':
    case 'scram-sha-256':
    case 'scram-sha-512':
      return {
        mechanism,
        username: sasl.username ?? '',
        ...(passwordFile === undefined ? { password: sasl.password ?? '' } : { passwordFile }),
      };
    case 'oauthbearer':
      return {
        mechanism,
        tokenEndpoint: sasl.tokenUrl ?? '',
        clientId: sasl.clientId ?? '',
        ...(clientSecretFile === undefined ? { clientSecret: sasl.clientSecret ?? '' } : { clientSecretFile }),
        ...(sasl.scope === null ? {} : { scope: sasl.scope }),
      };
    case 'aws-msk-iam':
      return { mechanism, region: sasl.awsRegion ?? '' };
  }
}

export function redisConnectionOf({ redis, secretFiles }: Config): RedisConnectionOptions {
  const { tls, username, password, commandTimeoutMs } = redis;
  const readPassword = redisPasswordReader(secretFiles, password !== null);
  const parsed = parseRedisUrl(redis.url ?? '');
  const files = {
    ...(tls.caFile === null ? {} : { caFile: tls.caFile }),
    ...(tls.certFile === null ? {} : { certFile: tls.certFile }),
    ...(tls.keyFile === null ? {} : { keyFile: tls.keyFile }),
  };
  return {
    ...parsed,
    ...(Object.keys(files).length === 0 ? {} : { tls: { ...(typeof parsed.tls === 'object' ? parsed.tls : {}), ...files } }),
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    ...(readPassword === null ? {} : { currentPassword: readPassword }),
    commandTimeoutMs,
  };
}

/** Null: the password came from no file. One in the URL counts where there is no other. */
function redisPasswordReader(secretFiles: Config['secretFiles'], hasOwn: boolean): (() => string | undefined) | null {
  const file = secretFiles[hasOwn ? 'redis.password' : 'redis.url'];
  if (file === undefined) return null;
  const read = (): string => readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  return hasOwn ? read : () => parseRedisUrl(read()).password;
}

export function windowOptionsOf({ window, redis, routes }: Config, topics: readonly RoutedTopic[]): WindowOptions {
  const byName = new Map(topics.map((topic) => [topic.topic, topic]));
  return {
    prefix: redis.prefix,
    ageMs: window.ageSeconds * 1_000,
    eventsPerChannelMax: window.eventsPerChannelMax,
    bucketCount: window.buckets,
    describeTopic: (name) => {
      const topic = byName.get(name);
      if (topic === undefined) throw new RangeError(`the topic ${name} is not routed`);
      const ttlsMs = routes.filter((route) => route.topic === name).flatMap(({ latest }) => (latest === null ? [] : [latest.ttlMs]));
      const { fingerprint, generation } = topic;
      return { fingerprint, generation, ...(ttlsMs.length === 0 ? {} : { latestTtlMs: Math.max(...ttlsMs) }) };
    },
  };
}

/** The group of indexers. Those of different routes form different groups: in a rolling change both windows are written. */
export function indexerGroupOf({ group }: Config, topics: readonly RoutedTopic[]): string {
  return `${group}-indexer-${clusterTag(topics.map(({ topic, fingerprint }) => `${topic} ${fingerprint}`).join('\n'))}`;
}

/** Bytes after which gathered frames are written: large enough for one system call to carry much, small enough to hold for a slow reader. */
const chunkBytesMax = 64 * 1_024;
/** How far producers' clocks may be behind, for positions by time. */
const timeSlackMs = 10_000;

export function hubOptionsOf({ stream, replay }: Config): HubOptions {
  return {
    keepAliveMs: stream.keepAliveMs,
    maxAgeMs: stream.maxAgeSeconds * 1_000,
    retryMs: stream.retryMs,
    stallMs: stream.stallSeconds * 1_000,
    pageEventsMax: replay.pageEventsMax,
    chunkBytesMax,
    timeSlackMs,
  };
}

export function streamLimitsOf({ stream, replay, auth }: Config): StreamsParts['limits'] {
  return {
    channelsMax: stream.channelsMax,
    rewindMax: stream.rewindMax,
    pollWaitMsMax: stream.pollWaitSecondsMax * 1_000,
    filterValuesMax: 64,
    credentialParameters: [...(auth.ticketSecret === null ? [] : ['ticket']), ...(auth.queryToken ? ['access_token'] : [])],
    eventsMax: stream.pollEventsMax,
    bytesMax: replay.pageBytesMax * 4,
    positionBytesMax: stream.positionBytesMax,
  };
}

export function httpOptionsOf({ host, port, basePath, cors, limits, http, tls, log, stream }: Config): HttpOptions {
  const { certFile, keyFile } = tls;
  return {
    ...defaultHttpOptions,
    host,
    port,
    basePath,
    cors: { ...cors, origins: cors.origins.includes('*') ? '*' : cors.origins },
    ...http,
    tls: certFile === null || keyFile === null ? null : { certFile, keyFile },
    log,
    pollWaitSecondsMax: stream.pollWaitSecondsMax,
    urlBytesMax: limits.urlBytesMax,
    headerBytesMax: limits.headerBytesMax,
    bodyBytesMax: limits.bodyBytesMax,
    streamsMax: limits.connectionsMax,
  };
}

export function identityOptionsOf({
  identity,
  auth,
  cors,
}: Config): Omit<AuthenticatorParts, 'tickets' | 'isRevoked' | 'environment' | 'logger' | 'metrics'> {
  return {
    issuers: identity.issuers,
    open: identity.open,
    credentials: { cookieName: auth.cookies ? auth.cookieName : null, queryToken: auth.queryToken },
    allowedOrigins: cors.origins.filter((origin) => origin !== '*'),
    keyTimes: keyTimesOf(auth),
    verifyLimits: {
      cachedMax: auth.tokensRememberedMax,
      refusedMs: defaultVerifyLimits.refusedMs,
      runningMax: auth.verificationsMax,
      waitingMax: auth.verificationsWaitingMax,
    },
  };
}

/** Null: tokens do not come in cookies. */
export function sessionOf({ auth, cors }: Config): Pick<SessionContext, 'cookie' | 'isAllowedOrigin'> | null {
  if (!auth.cookies) return null;
  const { cookieName: name, cookieSameSite: sameSite, cookiePartitioned: isPartitioned } = auth;
  return { cookie: { name, sameSite, isPartitioned }, isAllowedOrigin: compileOrigins(cors.origins) };
}

/** What is said of this node's surface; null: nothing. */
export function documentsOf(config: Config): DocumentMakers | null {
  const { http, auth, identity, routes, streams, publish } = config;
  if (!http.documents) return null;
  const surface: Surface = {
    version: programVersion(),
    routes,
    streams,
    http: httpOptionsOf(config),
    limits: streamLimitsOf(config),
    publish,
    credentials: { ...identityOptionsOf(config).credentials, hasTickets: auth.ticketSecret !== null },
    anonymous: { read: identity.open.read.length > 0, publish: identity.open.publish.length > 0 },
  };
  return {
    openapi: (served) => JSON.stringify(describeHttp(served, surface)),
    asyncapi: (served) => JSON.stringify(describeChannels(served, surface)),
  };
}

/** The version in the package's manifest. */
export function programVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { readonly version: string };
  return manifest.version;
}

function keyTimesOf(auth: Config['auth']): KeyTimes {
  return {
    filePollMs: auth.keyFilePollSeconds * 1_000,
    overlapMs: auth.keyOverlapSeconds * 1_000,
    jwksRefreshMs: auth.jwksRefreshSeconds * 1_000,
    coolDownMs: auth.jwksCoolDownSeconds * 1_000,
    jwksTimeoutMs: auth.jwksTimeoutMs,
    jwksBytesMax: auth.jwksBytesMax,
    staleMsMax: auth.jwksStaleSecondsMax * 1_000,
  };
}

/** Null: there are no tickets. */
export function ticketOptionsOf({
  auth,
  secretFiles,
  streams,
}: Config): Omit<TicketsParts, 'book' | 'environment' | 'logger' | 'metrics'> | null {
  const { ticketSecret } = auth;
  if (ticketSecret === null) return null;
  const file = secretFiles['auth.ticketSecret'];
  const claims = streams.flatMap(({ channels }) => channels.flatMap((template) => valuesOf(template)));
  return {
    secret:
      file === undefined
        ? { kind: 'secret', text: ticketSecret, encoding: 'utf8' }
        : { kind: 'secret-files', paths: [file], encoding: 'utf8' },
    keyTimes: keyTimesOf(auth),
    usableMs: auth.ticketSeconds * 1_000,
    keptClaims: [...new Set(claims.flatMap((value) => (value.kind === 'claim' ? [value.name] : [])))],
  };
}

/** The longest that any token accepted here may live. */
export function tokenLifetimeMsOf({ identity, auth }: Config): number {
  return (
    Math.max(
      ...identity.issuers.map(({ lifetimeSecondsMax }) => lifetimeSecondsMax),
      identity.issuers.length > 0 ? 0 : auth.tokenLifetimeSecondsMax,
    ) * 1_000
  );
}

/** Null: there is nobody to ask. */
export function permissionHookOptionsOf({ auth: { permissionHook } }: Config): PermissionHookOptions | null {
  const { url, timeoutMs, allowSeconds, denySeconds, rememberedMax, concurrentMax, queuedMax, failuresMax } = permissionHook;
  if (url === null) return null;
  const lives = { allowMs: allowSeconds * 1_000, denyMs: denySeconds * 1_000 };
  return { url, timeoutMs, ...lives, rememberedMax, concurrentMax, queuedMax, failuresMax };
}

/** Null: no traces. Standard header lists (OTEL_EXPORTER_OTLP_HEADERS) have percent-encoded values. */
export function tracingOptionsOf({ tracing, nodeId }: Config): OtlpOptions | null {
  const { endpoint, headers, serviceName, sampleRatio, spansPerSecondMax } = tracing;
  if (endpoint === null) return null;
  const pairs = (headers ?? '').split(',').map((pair) => pair.trim().split(/ *=(.*)/s));
  const named = pairs.flatMap(([name = '', value = '']) => (name === '' ? [] : [[name, decodePercent(value.trim())] as const]));
  return {
    url: `${endpoint.replace(/\/+$/, '')}/v1/traces`,
    headers: Object.fromEntries(named),
    serviceName,
    instanceId: nodeId,
    sampleRatio,
    spansPerSecondMax,
  };
}

function decodePercent(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

export function controlOptionsOf(config: Config): ControlOptions {
  const { topic, readBackRecordsMax } = config.control;
  return { topic, readBackRecordsMax, tokenLifetimeMs: tokenLifetimeMsOf(config) };
}

export function limitOptionsOf({ limits }: Config): LimitOptions {
  return {
    userStreamsMax: limits.connectionsPerUserMax,
    tenantStreamsMax: limits.connectionsPerTenantMax,
    addressStreamsMax: limits.connectionsPerAddressMax,
    overLimit: limits.overLimit,
    overlapMs: limits.overlapSeconds * 1_000,
    userConnects: rateOf(limits.connectsPerMinutePerUser, limits.connectBurstPerUser),
    tenantConnects: rateOf(limits.connectsPerMinutePerTenant, limits.connectBurstPerTenant),
    addressConnects: rateOf(limits.connectsPerMinutePerAddress, limits.connectBurstPerAddress),
    userPublishes: rateOf(limits.publishesPerMinutePerUser, limits.publishBurstPerUser),
    tenantPublishes: rateOf(limits.publishesPerMinutePerTenant, limits.publishBurstPerTenant),
    trustedProxies: parseTrustedProxies(limits.trustedProxies),
    addressPrefixIpv6: limits.addressPrefixIpv6,
  };
}

const rateOf = (perMinute: number, burst: number): Rate | null => (perMinute === 0 ? null : { perMinute, burst });

export function replayBudgetsOf({ limits }: Config): ReplayBudgetOptions {
  const orNull = (amount: number): number | null => (amount === 0 ? null : amount);
  const bytes = (kilobytes: number): number | null => orNull(kilobytes * 1_024);
  return {
    userRecordsPerMinute: orNull(limits.replayRecordsPerMinutePerUser),
    userBytesPerMinute: bytes(limits.replayKilobytesPerMinutePerUser),
    tenantRecordsPerMinute: orNull(limits.replayRecordsPerMinutePerTenant),
    tenantBytesPerMinute: bytes(limits.replayKilobytesPerMinutePerTenant),
  };
}
