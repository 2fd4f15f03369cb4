/** 6. CPU of a node for each client that comes back: without admission, with tokens, with tokens and leases in Redis; beside a bare program that answers the head of a stream. */
import ioredis from 'ioredis';
import { formatTable, inTurn, load, median, round, tell } from './figures.mjs';
import { cpuShare, sleep } from './own-process.mjs';
import { secret, writeTokens } from './tokens.mjs';
import { startBareHead, startProducer, startReaders, startRedis, startSelvage } from './programs.mjs';

const partitionCount = 12;
const channels = 100;
const streamsAUser = 5;
/** Few enough for a Redis that shares its core with a client that never sleeps. */
const connectsPerSecond = 2_500;
/** While nothing but events passes, Redis should hear no more than when nothing passes: the node's heartbeat, its looks at the eviction policy. The time is two heartbeats, whenever one begins to look. */
const delivering = { streams: 1_000, rate: 100, seconds: 10 };

/** More than readers and producer take to begin. */
const startSeconds = 24;

export async function benchAdmission({ kafka, program, rounds, streams }) {
  const topic = await kafka.createTopic(partitionCount);
  const redis = await startRedis();
  const client = new ioredis.Redis(redis.url);
  const tokens = writeTokens(streams / streamsAUser);
  const start = (env) => startSelvage({ program, brokers: kafka.brokers, topic, env });
  const closed = { SELVAGE_AUTH_ANONYMOUS_READ: '', SELVAGE_JWT_SECRET: secret, LOG_LEVEL: 'error' };
  const unlimited = { SELVAGE_MAX_CONNECTIONS_PER_USER: '0', SELVAGE_LIMITS_CONNECTS_PER_MINUTE_PER_USER: '0' };
  const limited = { REDIS_URL: redis.url, SELVAGE_MAX_CONNECTIONS_PER_USER: String(2 * streamsAUser) };
  const commands = [];
  try {
    const results = await inTurn(rounds, {
      bare: () => measure(startBareHead, { streams, tokens }),
      open: () => measure(() => start(unlimited), { streams }),
      token: () => measure(() => start({ ...closed, ...unlimited }), { streams, tokens }),
      lease: () => measure(() => start({ ...closed, ...limited }), { streams, tokens, redis: client, commands }),
    });
    const costs = (name) => results[name].map(({ us }) => us);
    const admission = costs('lease').map((us, i) => us - costs('open')[i]);
    const row = (title, name) => [
      title,
      streams,
      round(median(costs(name))),
      round(median(costs(name).map((us, i) => us / costs('bare')[i])), 2),
      round(median(results[name].map(({ seconds }) => seconds)), 1),
    ];
    const table = formatTable(
      ['server', 'streams', 'us a reconnect', 'of the bare one', 'seconds'],
      [
        row('bare uWebSockets.js, a head', 'bare'),
        row('ours, anonymous, no limits', 'open'),
        row('ours, token, no limits', 'token'),
        row('ours, token, leases in Redis', 'lease'),
      ],
    );
    const ratio = median(admission.map((us, i) => us / costs('bare')[i]));
    const ofOpen = median(admission.map((us, i) => us / costs('open')[i]));
    const said = `Admission (token and lease): ${round(median(admission))} us, ${round(ratio, 2)} of the bare program's TCP and HTTP, ${round(ofOpen, 2)} of an anonymous reconnect.`;
    return `${table}\n\n${said} Load ${round(load())}.\n\n${commands.join('\n')}\n\n${await countWhileDelivering(kafka, topic, start({ ...closed, ...limited }), tokens, client)}`;
  } finally {
    client.disconnect();
    await redis.close();
  }
}

/** Opens all streams (so that tokens are known), then has all of them come back at once. */
async function measure(start, { streams, tokens, redis = null, commands = [] }) {
  const server = await start();
  try {
    await sleep(2_000);
    const idle = await cpuShare(server.pid, 2);
    const options = { port: server.port, channels, streams, pid: server.pid, rate: connectsPerSecond, warmSeconds: 3, reconnects: true };
    const readers = await startReaders({ ...options, ...(tokens === undefined ? {} : { tokens }) });
    const before = redis === null ? null : await countCommands(redis);
    const result = await readers.result();
    const after = redis === null ? null : await countCommands(redis);
    if (result.opened !== 2 * streams || result.refused > 0 || result.ended > 0)
      throw new Error(`not all came back: ${JSON.stringify(result)}`);
    if (after !== null)
      commands.push(
        `Redis, ${streams} reconnects: ${describe(before, after, streams)}.${isShared(before, after, streams) ? '' : ' NOT VALID: Redis was too slow, and the node decided alone.'}`,
      );
    const us = ((result.cpuSeconds - idle * result.seconds) * 1e6) / streams;
    tell([round(us), `idle ${round(idle * 100, 1)} %`, `${result.seconds} s`, `load ${round(load(), 1)}`]);
    return { us, seconds: result.seconds };
  } finally {
    await server.close();
  }
}

/** Commands that reached Redis while nothing but events passed. */
async function countWhileDelivering(kafka, topic, starting, tokens, redis) {
  const node = await starting;
  const { streams, rate, seconds } = delivering;
  let producer = null;
  try {
    const readers = await startReaders({ port: node.port, channels, streams, tokens, warmSeconds: 3, seconds: 2 * seconds + startSeconds });
    await sleep(4_000);
    const idle = await countCommands(redis);
    await sleep(seconds * 1_000);
    producer = await startProducer({ brokers: kafka.brokers, topic, rate, channels });
    const before = await countCommands(redis);
    await sleep(seconds * 1_000);
    const after = await countCommands(redis);
    const { events } = await readers.result();
    const total = (counts) => [...counts.values()].reduce((sum, count) => sum + count, 0);
    return `Redis, ${seconds} s without events: ${total(before) - total(idle)} commands; ${seconds} s with ${rate} records/s to ${streams} streams: ${total(after) - total(before)} commands (${events} events delivered in all).`;
  } finally {
    await producer?.close();
    await node.close();
  }
}

/** Calls of each command, without those inside scripts and our own. */
async function countCommands(redis) {
  const text = await redis.info('commandstats');
  const counts = [...text.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)].map(([, name, calls]) => [name, Number(calls)]);
  return new Map(counts.filter(([name]) => name !== 'info'));
}

/** Every connect asked Redis once; where it did not answer in time, the node decided alone and told it later, which is other work. */
function isShared(before, after, streams) {
  const calls = (name) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  return Math.abs(calls('evalsha') / streams - 1) < 0.03;
}

const describe = (before, after, streams) =>
  [...after]
    .map(([name, calls]) => [name, calls - (before.get(name) ?? 0)])
    .filter(([, calls]) => calls > streams / 100)
    .map(([name, calls]) => `${round(calls / streams, 2)} ${name}`)
    .join(', ');
