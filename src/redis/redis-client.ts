import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import ioredis from 'ioredis';
import type { Cluster, Redis, RedisOptions } from 'ioredis';
import type { RedisConnectionOptions, RedisTlsFiles } from './redis-connection-options.js';

export type RedisClient = Redis | Cluster;

const reconnectDelayMinMs = 50;
/** Redirections that one command of a Cluster may take; a slot that moves needs two. */
const redirectionsMax = 5;

/**
 * Makes an ioredis client that fails fast: no offline queue, nothing resent after a lost connection, every command bounded in time. It starts
 * to connect at once and never gives up. The caller must listen to its `error` events.
 */
export function createRedisClient(options: RedisConnectionOptions, random: () => number): RedisClient {
  const tls = options.tls === undefined ? undefined : readTls(options.tls);
  const passwordNow = rememberingPassword(options);
  let renewPassword = (): void => undefined;
  const retry = (times: number): number => {
    renewPassword();
    if (options.tls !== undefined && tls !== undefined) renewTls(tls, options.tls);
    const delayMs = Math.min(options.reconnectDelayMaxMs ?? 2_000, reconnectDelayMinMs * 2 ** Math.min(times - 1, 20));
    return Math.ceil(delayMs * (0.5 + random() / 2));
  };
  const common = commonOptions(options, tls);
  if (options.kind === 'cluster') {
    // A Cluster makes a client for each node it dials, from this object.
    if (options.currentPassword !== undefined) Object.defineProperty(common, 'password', { get: passwordNow, enumerable: true });
    return createCluster(options, common, retry);
  }
  const [first] = options.nodes;
  if (first === undefined) throw new RangeError('Redis needs at least one host');
  const where: RedisOptions =
    options.kind === 'single'
      ? { host: first.host, port: first.port }
      : { sentinels: [...options.nodes], name: options.masterName ?? '', ...sentinelOptions(options, tls, retry) };
  // A demoted master answers READONLY: the new one is found by dialling again.
  const reconnectOnError = (error: Error): boolean => error.message.startsWith('READONLY');
  const password = passwordNow();
  const login = password === undefined ? {} : { password };
  const client = new ioredis.Redis({ ...common, ...login, ...where, enableOfflineQueue: false, retryStrategy: retry, reconnectOnError });
  // ioredis reads its options anew at each connect.
  if (options.currentPassword !== undefined) renewPassword = () => void Object.assign(client.options, { password: passwordNow() });
  return client;
}

/** The password for the next attempt to connect; a file that is being replaced leaves what was read before. */
function rememberingPassword({ password, currentPassword }: RedisConnectionOptions): () => string | undefined {
  let last = password;
  return () => {
    try {
      last = currentPassword?.() ?? last;
    } catch {
      return last;
    }
    return last;
  };
}

function commonOptions(options: RedisConnectionOptions, tls: ConnectionOptions | undefined): RedisOptions {
  const commandTimeout = options.commandTimeoutMs ?? 2_000;
  return {
    db: options.database ?? 0,
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.password === undefined ? {} : { password: options.password }),
    ...(tls === undefined ? {} : { tls }),
    connectionName: options.connectionName ?? 'selvage',
    connectTimeout: options.connectTimeoutMs ?? 3_000,
    commandTimeout,
    // A half-open connection is told by silence: two commands' worth of it.
    socketTimeout: 2 * commandTimeout,
    keepAlive: 10_000,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
  };
}

function createCluster(options: RedisConnectionOptions, redisOptions: RedisOptions, retry: (times: number) => number): Cluster {
  return new ioredis.Cluster([...options.nodes], {
    redisOptions,
    enableOfflineQueue: false,
    clusterRetryStrategy: retry,
    maxRedirections: redirectionsMax,
    slotsRefreshTimeout: options.connectTimeoutMs ?? 3_000,
    // Names of certificates are host names: dial what the Cluster announces.
    ...(options.tls === undefined ? {} : { dnsLookup: (address, callback) => callback(null, address) }),
  });
}

function sentinelOptions(
  options: RedisConnectionOptions,
  tls: ConnectionOptions | undefined,
  retry: (times: number) => number,
): RedisOptions {
  return {
    ...(options.sentinelUsername === undefined ? {} : { sentinelUsername: options.sentinelUsername }),
    ...(options.sentinelPassword === undefined ? {} : { sentinelPassword: options.sentinelPassword }),
    ...(tls === undefined ? {} : { enableTLSForSentinelMode: true, sentinelTLS: tls }),
    sentinelRetryStrategy: retry,
    sentinelCommandTimeout: options.commandTimeoutMs ?? 2_000,
  };
}

function readTls(files: RedisTlsFiles): ConnectionOptions {
  const tls: ConnectionOptions = {};
  if (files.caFile !== undefined) tls.ca = readFileSync(files.caFile);
  if (files.certFile !== undefined) tls.cert = readFileSync(files.certFile);
  if (files.keyFile !== undefined) tls.key = readFileSync(files.keyFile);
  if (files.serverName !== undefined) tls.servername = files.serverName;
  return tls;
}

/** In place, as ioredis keeps the object; a file that is being replaced leaves what was read before. */
function renewTls(tls: ConnectionOptions, files: RedisTlsFiles): void {
  try {
    Object.assign(tls, readTls(files));
  } catch {
    return;
  }
}
