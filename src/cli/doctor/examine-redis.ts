import type { Config } from '../../config/config.js';
import { parseRedisUrl } from '../../redis/redis-connection-options.js';
import type { RedisConnection } from '../../redis/redis-connection.js';
import { readFileSync } from 'node:fs';
import { withRedis } from '../with-redis.js';
import { readPeerCertificate } from './dial.js';
import { examineCertificate } from './examine-certificates.js';
import { fail, ok, warn } from './finding.js';
import type { Finding } from './finding.js';

/** Streams, and ZADD GT. */
const versionMin: readonly [number, number] = [6, 2];
const fullWarnShare = 0.8;
const fullFailShare = 0.95;
const pingMsWarn = 20;
const pings = 5;
const skewMsWarn = 2_000;
const skewMsFail = 30_000;

/** Redis as the window and the limits need it. */
export async function examineRedis(config: Config): Promise<readonly Finding[]> {
  if (config.redis.url === null) {
    return [warn('no Redis is configured: there is no window, and each node holds limits alone', 'set REDIS_URL; with one node it may do')];
  }
  const certificates = await examineRedisCertificates(config);
  const findings = await withRedis(config, async (redis, why) => {
    if (redis === null) return [fail(`Redis does not answer: ${why}`, mendOf(why))];
    const infos = (await redis.onEachMaster('INFO')).map((info) => readInfo(String(info)));
    return [
      ok(`Redis answers${infos.length > 1 ? `, a Cluster of ${infos.length} masters` : ''}`),
      ...infos.flatMap((info) => examineInfo(info, infos.length > 1)),
      await examinePing(redis, config),
      await examineClock(redis),
      ...(await examineStreams(redis)),
    ];
  });
  return [...findings, ...certificates];
}

function mendOf(why: string): string {
  if (/WRONGPASS|NOAUTH|NOPERM|AUTH/.test(why)) return 'see user and password of redis.url, redis.username and redis.password';
  if (/certificate|SSL|TLS/i.test(why)) return 'see redis.tls.caFile, and whether the port speaks TLS (rediss://)';
  return 'see redis.url and the network between; meanwhile readers that come back read Kafka, and each node holds limits alone';
}

type Info = ReadonlyMap<string, string>;

const readInfo = (text: string): Info =>
  new Map([...text.matchAll(/^([a-z0-9_]+):(.*?)\r?$/gm)].map(([, name = '', value = '']) => [name, value]));

function examineInfo(info: Info, isCluster: boolean): readonly Finding[] {
  const who = isCluster ? `port ${info.get('tcp_port') ?? '?'}: ` : '';
  const found = [examineVersion(info), examineEviction(info), examineMemory(info), ...examinePersistence(info)];
  return found.map((finding) => ({ ...finding, what: who + finding.what }));
}

function examineVersion(info: Info): Finding {
  const version = info.get('redis_version') ?? '0';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [wantedMajor, wantedMinor] = versionMin;
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return ok(`version ${version}`);
  return fail(`version ${version} is too old`, `use ${versionMin.join('.')} or later`);
}

function examineEviction(info: Info): Finding {
  const policy = info.get('maxmemory_policy') ?? 'unknown';
  const evicted = Number(info.get('evicted_keys') ?? 0);
  if (policy !== 'noeviction') {
    return fail(
      `maxmemory-policy is ${policy}: the window is not used, as an evicted stream cannot be told from an empty one`,
      'CONFIG SET maxmemory-policy noeviction, and in its configuration file',
    );
  }
  if (evicted > 0) return warn(`maxmemory-policy is noeviction; ${evicted} keys were evicted since its start, before that was set`, null);
  return ok('maxmemory-policy is noeviction');
}

function examineMemory(info: Info): Finding {
  const used = Number(info.get('used_memory') ?? 0);
  const max = Number(info.get('maxmemory') ?? 0);
  const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 1_048_576)} MiB`;
  if (max === 0)
    return warn(
      `memory: ${mebibytes(used)} used, without a bound (maxmemory 0)`,
      'set maxmemory below what the machine has: the kernel would end it without a word',
    );
  const what = `memory: ${mebibytes(used)} of ${mebibytes(max)} used`;
  const mend =
    'more memory, a smaller window (window.ageSeconds, window.eventsPerChannelMax), or stream-node-max-bytes 1024; full, it takes no writes and the window ages out';
  if (used >= max * fullFailShare) return fail(what, mend);
  return used >= max * fullWarnShare ? warn(what, mend) : ok(what);
}

function examinePersistence(info: Info): readonly Finding[] {
  const findings: Finding[] = [];
  const mend = 'see its log and disk; by default it takes no writes after a failed save (stop-writes-on-bgsave-error)';
  if ((info.get('rdb_last_bgsave_status') ?? 'ok') !== 'ok') findings.push(fail('the last save to disk failed', mend));
  if ((info.get('aof_last_write_status') ?? 'ok') !== 'ok') findings.push(fail('the last write of the append-only file failed', mend));
  if (info.get('loading') === '1') findings.push(warn('it is loading its data', 'wait'));
  const isKept = info.get('aof_enabled') === '1';
  findings.push(
    isKept
      ? ok(
          'it keeps an append-only file',
          'it may be off: all that is lost can be read from Kafka again, but for idempotency keys and who holds which place',
        )
      : ok('it keeps no append-only file: after a restart the window is empty, and fills again within window.ageSeconds'),
  );
  if (info.get('role') === 'slave')
    findings.push(fail('it is a replica: nothing can be written', 'name the master, or use redis+sentinel://'));
  return findings;
}

async function examinePing(redis: RedisConnection, { redis: { commandTimeoutMs } }: Config): Promise<Finding> {
  const times: number[] = [];
  for (let i = 0; i < pings; i++) {
    const startedMs = performance.now();
    // With a key, so that a Cluster knows where to send it.
    await redis.command('EXISTS', 'selvage-doctor');
    times.push(performance.now() - startedMs);
  }
  const median = times.sort((a, b) => a - b)[Math.floor(pings / 2)] ?? 0;
  const what = `a command takes ${median.toFixed(1)} ms (median of ${pings}; redis.commandTimeoutMs ${commandTimeoutMs})`;
  return median > pingMsWarn ? warn(what, 'bring it nearer: each connect and each page of a replay asks it') : ok(what);
}

/** Redis's own clock decides when floors and leases lapse; tokens go by ours. */
async function examineClock(redis: RedisConnection): Promise<Finding> {
  const beforeMs = Date.now();
  const [reply] = (await redis.onEachMaster('TIME')) as readonly (readonly string[])[];
  const afterMs = Date.now();
  const redisMs = Number(reply?.[0]) * 1_000 + Number(reply?.[1]) / 1_000;
  // Ours was somewhere between the two.
  const skewMs = redisMs < beforeMs ? redisMs - beforeMs : redisMs > afterMs ? redisMs - afterMs : 0;
  const what = `its clock is ${Math.abs(Math.round(skewMs))} ms ${skewMs < 0 ? 'behind' : 'ahead of'} this machine's`;
  const mend = 'set both by NTP: since=, tokens and leases go by them';
  if (Math.abs(skewMs) >= skewMsFail) return fail(what, mend);
  return Math.abs(skewMs) >= skewMsWarn ? warn(what, mend) : ok(what);
}

/** Managed ones hide their settings. */
async function examineStreams(redis: RedisConnection): Promise<readonly Finding[]> {
  try {
    const [reply] = (await redis.onEachMaster('CONFIG', 'GET', 'stream-node-max-bytes')) as readonly (readonly string[])[];
    const bytes = Number(reply?.[1] ?? Number.NaN);
    if (!Number.isFinite(bytes)) return [];
    const what = `stream-node-max-bytes is ${bytes}`;
    return [bytes > 1_024 || bytes === 0 ? ok(what, '1024 brings a channel with one event from 4.4 KB to 1.35 KB') : ok(what)];
  } catch {
    return [];
  }
}

async function examineRedisCertificates({ redis }: Config): Promise<readonly Finding[]> {
  const { nodes, tls } = parseRedisUrl(redis.url ?? '');
  if (tls === undefined) return [];
  const ca = redis.tls.caFile === null ? {} : { ca: readFileSync(redis.tls.caFile, 'utf8') };
  return Promise.all(
    nodes.map(async ({ host, port }) => {
      const peer = await readPeerCertificate(host, port, ca);
      const who = `${host}:${port}`;
      if (typeof peer === 'string') return fail(`${who} does not speak TLS: ${peer}`, 'use redis:// or the TLS port');
      if (peer.problem !== null)
        return fail(`${who}: its certificate is not believed: ${peer.problem}`, 'see redis.tls.caFile, and the names in the certificate');
      return examineCertificate(who, peer.certificate);
    }),
  );
}
