import type { Config } from './config/config.js';
import type { HubOptions } from './hub/hub-options.js';
import type { HttpOptions } from './http/http-options.js';
import { defaultHttpOptions } from './http/http-options.js';
import type { KafkaConnectionOptions, KafkaSaslOptions, KafkaTlsOptions } from './log/kafka/kafka-connection.js';
import type { RedisConnectionOptions } from './redis/redis-connection-options.js';
import { parseRedisUrl } from './redis/redis-connection-options.js';
import type { RoutedTopic } from './routing/router.js';
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

export function redisConnectionOf({ redis }: Config): RedisConnectionOptions {
  const { tls, username, password, commandTimeoutMs } = redis;
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
    commandTimeoutMs,
  };
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

export function streamLimitsOf({ stream, replay }: Config): StreamsParts['limits'] {
  return {
    channelsMax: stream.channelsMax,
    rewindMax: stream.rewindMax,
    pollWaitMsMax: stream.pollWaitSecondsMax * 1_000,
    filterValuesMax: 64,
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
