/** Starts what is measured, and what it is measured with. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { provideGenerator } from '../generator/build.mjs';
import { loadCore, OwnProcess, serverCore, sleep } from './own-process.mjs';
import { findFreePort, root } from './platform.mjs';

const here = join(root, 'loadtest', 'bench');
export const cachePath = join(root, '.cache', 'bench');
const readyMsMax = 30_000;

/** The channel of a record is its key: `c0`, `c1`, … */
const routesOf = (topic) => ({ routes: [{ topic, channels: ['{key}'], type: 'progress', keyed: 'murmur2' }] });

/** A node of ours, an edge without Redis; `{process, pid, port, metric, close}` once it delivers. */
export async function startSelvage({ program, brokers, topic, env = {} }) {
  mkdirSync(cachePath, { recursive: true });
  const configPath = join(cachePath, `${topic}.json`);
  writeFileSync(configPath, JSON.stringify(routesOf(topic)));
  const [port, adminPort] = [await findFreePort(), await findFreePort()];
  const node = new OwnProcess(serverCore, process.execPath, [...nodeFlags(), program], {
    KAFKA_BROKERS: brokers,
    SELVAGE_CONFIG: configPath,
    SELVAGE_ROLES: 'edge',
    HOST: '127.0.0.1',
    PORT: String(port),
    ADMIN_PORT: String(adminPort),
    LOG_LEVEL: 'error',
    SELVAGE_AUTH_ANONYMOUS_READ: '**',
    ...env,
  });
  const adminUrl = `http://127.0.0.1:${adminPort}`;
  await untilReady(node, `${adminUrl}/healthz/ready`);
  return {
    pid: node.pid,
    port,
    /** The sum of a metric over its labels; `having` must be in its label text. */
    metric: async (name, having = '') => {
      const text = await (await fetch(`${adminUrl}/metrics`)).text();
      const lines = text
        .split('\n')
        .filter((line) => (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) && line.includes(having));
      return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
    },
    kill: () => node.kill('SIGKILL'),
    close: () => node.kill(process.env.SELVAGE_BENCH_NODE_FLAGS ? 'SIGTERM' : 'SIGKILL'),
  };
}

/**
 * How long programs run before they are counted: until so many records have come that V8 has compiled what each of them goes through. At 100 records a second
 * a program that has just started is interpreted for a quarter of a minute, and a record costs it two or three times what it does from then on.
 */
export const warmSecondsAt = (recordsPerSecond) => Math.min(20, Math.max(2, Math.round(2_000 / recordsPerSecond)));

/** For profiles: `SELVAGE_BENCH_NODE_FLAGS='--cpu-prof --cpu-prof-dir=…'`. */
const nodeFlags = () => (process.env.SELVAGE_BENCH_NODE_FLAGS ?? '').split(' ').filter((flag) => flag !== '');

async function untilReady(node, url) {
  const giveUpAtMs = Date.now() + readyMsMax;
  let hasEnded = false;
  void node.ended.then(() => (hasEnded = true));
  while (Date.now() < giveUpAtMs) {
    if (hasEnded) await node.next();
    const answer = await fetch(url, { signal: AbortSignal.timeout(1_000) }).catch(() => null);
    await answer?.text();
    if (answer?.ok) return;
    await sleep(100);
  }
  await node.kill();
  throw new Error(`${url} is not ready`);
}

/** `bare-fanout.mjs`; `{pid, port, close}`. */
export async function startBareFanout(options) {
  return startBare('bare-fanout.mjs', options);
}

/** `bare-consumer.mjs`; `{pid, ask, close}`. */
export async function startBareConsumer(options) {
  return startBare('bare-consumer.mjs', options);
}

/** `bare-head.mjs`; `{pid, port, close}`. */
export async function startBareHead() {
  return startBare('bare-head.mjs', {});
}

/** A Redis of our own; `{url, close}`. */
export async function startRedis() {
  const port = await findFreePort();
  const args = ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--appendonly', 'no'];
  const server = new OwnProcess(loadCore, 'redis-server', args);
  return { url: `redis://127.0.0.1:${port}`, close: () => server.kill('SIGTERM') };
}

async function startBare(file, options) {
  const node = new OwnProcess(serverCore, process.execPath, [join(here, file), JSON.stringify(options)]);
  const { port } = await node.next();
  return { pid: node.pid, port, ask: (line) => node.ask(line), close: () => node.kill() };
}

/** `steady-producer.mjs`; `{report, close}`. */
export async function startProducer(options) {
  const producer = new OwnProcess(loadCore, process.execPath, [join(here, 'steady-producer.mjs'), JSON.stringify(options)]);
  await producer.next();
  return { report: () => producer.ask('report'), close: () => producer.kill() };
}

/** The lean generator (../generator/sse-load.c); resolves when every stream is open. `{result, close}`. */
export async function startReaders({ port, channels, isBusy = true, reconnects = false, ...options }) {
  const flags = {
    streams: 'c',
    seconds: 'd',
    warmSeconds: 'w',
    pid: 'p',
    churnSeconds: 'x',
    second: '2',
    jitter: 'j',
    rate: 'r',
    tokens: 't',
  };
  const args = [...(isBusy ? ['-b'] : []), ...(reconnects ? ['-R'] : []), '-u', '/v1/events?channel=c%d', '-m', String(channels)];
  for (const [name, value] of Object.entries(options)) args.push(`-${flags[name]}`, String(value));
  const client = new OwnProcess(loadCore, await provideGenerator(), [...args, `127.0.0.1:${port}`]);
  // It never sleeps: what shares its core goes first.
  setPriority(client.pid, 1);
  await client.next();
  return { result: () => client.next(), close: () => client.kill() };
}
