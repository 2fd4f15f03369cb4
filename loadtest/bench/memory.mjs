/** 2. Resident bytes of an idle stream, and whether memory stays flat while streams come and go. */
import { formatTable, load, round, tell } from './figures.mjs';
import { residentBytes, sleep } from './own-process.mjs';
import { writeTokens, secret } from './tokens.mjs';
import { startBareFanout, startReaders, startRedis, startSelvage } from './programs.mjs';

const partitionCount = 4;
const [few, more] = [2_000, 10_000];
const churning = 2_000;
const streamsAUser = 5;

export async function benchMemory({ kafka, program, settleSeconds, churnMinutes, only }) {
  const isAsked = (i) => only === undefined || only.includes(i);
  const rows = [];
  const topic = await kafka.createTopic(partitionCount);
  const ours = () => startSelvage({ program, brokers: kafka.brokers, topic });
  const redis = await startRedis();
  const leased = () =>
    startSelvage({
      program,
      brokers: kafka.brokers,
      topic,
      env: {
        REDIS_URL: redis.url,
        SELVAGE_AUTH_ANONYMOUS_READ: '',
        SELVAGE_JWT_SECRET: secret,
        SELVAGE_MAX_CONNECTIONS_PER_USER: String(2 * streamsAUser),
      },
    });
  const tokens = writeTokens((few + more) / streamsAUser);
  const bare = () => startBareFanout({ brokers: kafka.brokers, topic, partitionCount, isTuned: true });
  for (const [name, start, options] of [
    ['ours, idle', ours, {}],
    ['ours, token and lease, idle', leased, { tokens }],
    ['bare, idle', bare, {}],
  ].filter((_, i) => isAsked(i))) {
    const { slope, before, after } = await measureSlope(start, settleSeconds, options);
    rows.push(
      tell([name, `${few} to ${few + more} streams`, `${round(slope, 0)} bytes a stream`, mebibytes(before, after), round(load(), 1)]),
    );
  }
  await redis.close();
  if (!isAsked(3)) return table(rows);
  const { opened, resident } = await churn(ours, churnMinutes);
  rows.push(
    tell([
      'ours, churn',
      `${churning} streams of 5 s`,
      `${opened} opened in ${churnMinutes} min`,
      mebibytes(...resident),
      round(load(), 1),
    ]),
  );
  return table(rows);
}

const table = (rows) => formatTable(['what', 'streams', 'figure', 'resident MiB', 'load'], rows);

async function measureSlope(start, settleSeconds, options) {
  const server = await start();
  const hold = (streams) => startReaders({ port: server.port, channels: 100, streams, seconds: 3_600, ...options });
  const readers = [];
  try {
    readers.push(await hold(few));
    await sleep(settleSeconds * 1_000);
    const before = residentBytes(server.pid);
    readers.push(await hold(more));
    await sleep(settleSeconds * 1_000);
    const after = residentBytes(server.pid);
    return { slope: (after - before) / more, before, after };
  } finally {
    for (const one of readers) await one.close();
    await server.close();
  }
}

/** Streams of 5 s, each opened anew when it ends; resident memory once a sixth of the time. */
async function churn(start, minutes) {
  const server = await start();
  try {
    const seconds = Math.round(minutes * 60);
    const readers = await startReaders({ port: server.port, channels: 100, streams: churning, seconds, churnSeconds: 5 });
    const resident = [];
    for (let i = 0; i < 6; i++) {
      await sleep((seconds * 1_000) / 6);
      resident.push(residentBytes(server.pid));
    }
    return { opened: (await readers.result()).opened, resident };
  } finally {
    await server.close();
  }
}

const mebibytes = (...values) => values.map((value) => round(value / 1_048_576, 0)).join(' → ');
