/** `npm run loadtest -- lean …`: the lean generator against a target, with a producer beside it. README.md here has the flags. */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureBuilt } from '../../scripts/build.mjs';
import { formatTable, load, round } from '../bench/figures.mjs';
import { startTarget } from '../target/targets.mjs';
import { provideGenerator } from './build.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const text = { type: 'string' };
const yes = { type: 'boolean' };

const flags = {
  target: { type: 'string', default: 'one' },
  ...{ streams: text, channels: text, rate: text, seconds: text, ramp: text, 'settle-seconds': text },
  ...{ 'drop-seconds': text, 'churn-seconds': text, 'interval-seconds': text, 'no-reconnect': yes, busy: yes },
  ...{ tokens: text, 'publish-token': text, prefix: text, 'no-producer': yes, histogram: text, log: text, json: yes, program: text },
};

const defaults = { streams: 1_000, channels: 100, rate: 1_000, seconds: 20, ramp: 2_000, 'settle-seconds': 2, 'interval-seconds': 1 };

/** Runs it and prints a table; 0 when every stream is open at the end and had everything once, 1 otherwise. */
export async function runLean(args) {
  const { values } = parseArgs({ args, options: flags });
  const numbers = Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, wholeNumber(name, values[name], value)]));
  const isOurs = !values.target.startsWith('http');
  if (isOurs && values.program === undefined && !(await ensureBuilt())) throw new Error('the program could not be built (see above)');
  const generator = await provideGenerator();
  const target = await startTarget(values.target, { program: values.program });
  const children = [];
  try {
    const url = target.plainUrl ?? target.baseUrls[0];
    const [, address] = /^http:\/\/([^/]+)$/.exec(url) ?? [];
    if (address === undefined) throw new Error(`--target ${url}: the generator speaks plain HTTP, to host:port`);
    const prefix = values.prefix ?? `lean-${process.pid}-`;
    if (!values['no-producer']) children.push(await startProducer(target, numbers, prefix, values['publish-token']));
    const readers = track(children, start(generator, [...generatorFlags(values, numbers, prefix), address]));
    await readers.next();
    process.stderr.write(`lean: ${numbers.streams} streams are open\n`);
    const result = await readers.next();
    const producer = values['no-producer'] ? null : await children[0].ask('report');
    process.stdout.write(values.json ? `${JSON.stringify({ ...result, producer })}\n` : `${describe(result, producer)}\n`);
    return isExact(result) ? 0 : 1;
  } finally {
    for (const child of children) child.kill();
    await target.close();
  }
}

function wholeNumber(name, given, otherwise) {
  const value = given === undefined ? otherwise : Number(given);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name}: ${given} is not a whole number of 1 or more`);
  return value;
}

function generatorFlags(values, numbers, prefix) {
  const pairs = { c: numbers.streams, m: numbers.channels, d: numbers.seconds, r: numbers.ramp, w: numbers['settle-seconds'] };
  const given = { t: values.tokens, H: values.histogram, L: values.log, D: values['drop-seconds'], x: values['churn-seconds'] };
  const all = { ...pairs, ...given, i: numbers['interval-seconds'], u: `/v1/events?channel=${prefix}%d` };
  const args = Object.entries(all).flatMap(([flag, value]) => (value === undefined ? [] : [`-${flag}`, String(value)]));
  const isReturning = !values['no-reconnect'] && values['churn-seconds'] === undefined;
  return [...args, ...(isReturning ? ['-e'] : []), ...(values.busy ? ['-b'] : [])];
}

/** Kafka's own producer where there is a Kafka of ours, else HTTP. */
async function startProducer({ brokers, topic, publishUrl }, { rate, channels }, prefix, token) {
  const kafka = { file: join(here, '..', 'bench', 'steady-producer.mjs'), options: { brokers, topic, rate, channels, prefix } };
  const http = { file: join(here, 'http-producer.mjs'), options: { url: publishUrl, rate, channels, prefix, token } };
  const { file, options } = brokers === undefined ? http : kafka;
  const producer = start(process.execPath, [file, JSON.stringify(options)]);
  await producer.next();
  return producer;
}

function track(children, child) {
  children.push(child);
  return child;
}

/** A child that says one JSON object a line. */
function start(file, args) {
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${file} has ended before it said what it should`);
    return JSON.parse(value);
  };
  child.stdin.on('error', () => undefined);
  return { next, kill: () => child.kill('SIGKILL'), ask: (line) => (child.stdin.write(`${line}\n`), next()) };
}

/** Once each, all of it, and everybody there at the end; what a gap told of is not lost unseen, but a load test without faults has none. */
const isExact = (result) => result.lost + result.repeated + result.gaps + result.overflow === 0 && result.open === result.streams;

const ms = (us) => round(us / 1_000, 2);

function describe(result, producer) {
  const rows = [
    ['streams open at the end', `${result.open} of ${result.streams}`],
    [
      'streams opened, refused, dropped by us, ended',
      `${result.opened}, ${result.refused}, ${result.dropped}, ${result.ended - result.dropped}`,
    ],
    ['returns that were answered', result.resumes],
    ['events', `${result.events} in ${result.seconds} s: ${round(result.eventsPerSecond, 0)} a second`],
    ['lost, repeated, gaps told', `${result.lost}, ${result.repeated}, ${result.gaps}`],
    ['latency p50 / p90 / p99 / p99.9 / max, ms', [result.p50, result.p90, result.p99, result.p999, result.max].map(ms).join(' / ')],
    ['bytes a second', round(result.bytes / result.seconds, 0)],
    ...(producer === null ? [] : [['published, behind its rate', `${producer.records}, ${producer.behind}`]]),
    ['load average of this machine', round(load(), 1)],
  ];
  return formatTable(['what', 'figure'], rows);
}
