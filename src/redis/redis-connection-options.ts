/** One Redis (or Sentinel, or Cluster node) to dial. */
export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

/** Paths of PEM files. Read anew at every attempt to connect, so that renewed certificates need no restart. */
export interface RedisTlsFiles {
  /** Authorities to trust instead of the system's. */
  readonly caFile?: string;
  /** Client certificate and its key: both or neither. */
  readonly certFile?: string;
  readonly keyFile?: string;
  /** Name to check in the server's certificate; default: the host dialled. */
  readonly serverName?: string;
}

/** Where Redis is, and how to get in. `parseRedisUrl` makes one from a URL. */
export interface RedisConnectionOptions {
  /** `sentinel`: `nodes` are Sentinels that know `masterName`. `cluster`: `nodes` are any of the Cluster's. */
  readonly kind: 'single' | 'sentinel' | 'cluster';
  readonly nodes: readonly RedisNode[];
  /** Only, and always, with `sentinel`. */
  readonly masterName?: string;
  /** Default 0; a Cluster has only 0. */
  readonly database?: number;
  /** ACL user; absent: the default user. */
  readonly username?: string;
  readonly password?: string;
  /** The password as it is now, asked at every attempt to connect, so that a rotated one needs no restart; goes before `password`. What it throws leaves the one before. */
  readonly currentPassword?: () => string | undefined;
  /** Of the Sentinels themselves; absent: they ask for none. */
  readonly sentinelUsername?: string;
  readonly sentinelPassword?: string;
  /** Absent: no TLS. Sentinels are dialled the same way. */
  readonly tls?: RedisTlsFiles;
  /** Shown in `CLIENT LIST`. Default `selvage`. */
  readonly connectionName?: string;
  /** A command without a reply fails after this; it may still have taken effect. Milliseconds, default 2000. */
  readonly commandTimeoutMs?: number;
  /** Default 3000. */
  readonly connectTimeoutMs?: number;
  /** Attempts to reconnect come 50 ms apart at first, doubling up to this, with jitter. Default 2000. */
  readonly reconnectDelayMaxMs?: number;
}

const forms = 'redis://, rediss://, redis+sentinel://h1:p,h2:p/master or redis+cluster://h1:p,h2:p';
const shape = /^(rediss?)(?:\+(sentinel|cluster))?:\/\/(?:([^@/?#]*)@)?([^@/?#]+)(?:\/([^?#]*))?$/;

/**
 * Reads `redis://[user:password@]host[:port][/database]`, `rediss://…` (TLS), `redis+sentinel://[user:password@]h1:p,h2:p/master[/database]`,
 * `redis+cluster://[user:password@]h1:p,h2:p`; the last two also as `rediss+…`. Credentials are percent-decoded. Ports default to 6379, of
 * Sentinels to 26379. Throws a RangeError that never quotes the URL, as it may hold a password.
 */
export function parseRedisUrl(url: string): RedisConnectionOptions {
  const match = shape.exec(url);
  if (match === null) throw new RangeError(`the Redis URL must look like ${forms}`);
  const [, scheme, topology, login, hosts = '', path = ''] = match;
  const kind = topology === 'sentinel' || topology === 'cluster' ? topology : 'single';
  const nodes = hosts.split(',').map((host) => parseNode(host, kind === 'sentinel' ? 26_379 : 6_379));
  if (kind === 'single' && nodes.length > 1)
    throw new RangeError('a redis:// URL names one host; several need redis+sentinel:// or redis+cluster://');
  return { kind, nodes, ...parseLogin(login), ...parsePath(kind, path), ...(scheme === 'rediss' ? { tls: {} } : {}) };
}

function parseNode(text: string, defaultPort: number): RedisNode {
  const match = /^(\[[0-9A-Fa-f:.]+\]|[^:\s[\]]+)(?::(\d{1,5}))?$/.exec(text);
  const port = match?.[2] === undefined ? defaultPort : Number(match[2]);
  if (match === null || port < 1 || port > 65_535)
    throw new RangeError(`the Redis URL has a host that cannot be read; it must look like ${forms}`);
  return { host: (match[1] ?? '').replace(/^\[|\]$/g, ''), port };
}

function parseLogin(login: string | undefined): Pick<RedisConnectionOptions, 'username' | 'password'> {
  if (login === undefined || login === '') return {};
  const colon = login.indexOf(':');
  try {
    const username = decodeURIComponent(colon < 0 ? login : login.slice(0, colon));
    const password = colon < 0 ? '' : decodeURIComponent(login.slice(colon + 1));
    return { ...(username === '' ? {} : { username }), ...(password === '' ? {} : { password }) };
  } catch {
    throw new RangeError('the Redis URL has a user or password with a malformed percent-escape');
  }
}

function parsePath(kind: RedisConnectionOptions['kind'], path: string): Pick<RedisConnectionOptions, 'masterName' | 'database'> {
  const parts = path === '' ? [] : path.split('/');
  const masterName = kind === 'sentinel' ? decodeURIComponent(parts.shift() ?? '') : undefined;
  if (masterName === '') throw new RangeError('a redis+sentinel:// URL ends with the name of the master');
  const database = parts.length === 0 || parts[0] === '' ? 0 : Number(parts[0]);
  const fits = Number.isInteger(database) && database >= 0 && parts.length < 2 && (kind !== 'cluster' || database === 0);
  if (!fits) throw new RangeError('the Redis URL has a database that cannot be used (a Cluster has only 0)');
  return { ...(masterName === undefined ? {} : { masterName }), ...(database === 0 ? {} : { database }) };
}
