import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { kafkaLibsPath, provideCommand } from '../../platform/provisioned.js';
import { repositoryPath } from '../../platform/run-folder.js';

export type Codec = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
export const codecs: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

export interface ForeignRecord {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ForeignSend {
  readonly brokers: string;
  readonly topic: string;
  /** Absent: the client's own default. */
  readonly codec?: Codec;
  readonly transaction?: 'commit' | 'abort';
}

export type ForeignProducer = (send: ForeignSend, records: readonly ForeignRecord[]) => Promise<void>;

const runMs = 60_000;

/** Without Go there is no franz-go: its tests are skipped by name, and the Java client stands in elsewhere. */
export const hasGo = spawnSync('go', ['version'], { stdio: 'ignore' }).status === 0;

/** Builds what is not built yet, and finds what is (`scripts/provision-producers.mjs`). */
function builtPaths(name: 'franz' | 'java'): { readonly franz: string; readonly java: string } {
  const script = join(repositoryPath, 'scripts', 'provision-producers.mjs');
  const paths = execFileSync(process.execPath, [script, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  return JSON.parse(paths) as { franz: string; java: string };
}

/** Writes with kcat (librdkafka: keys by crc32). One value of headers for all records; no transactions. */
export function openKcat(): ForeignProducer {
  provideCommand('kcat');
  return async ({ brokers, topic, codec }, records) => {
    const headers = Object.entries(records[0]?.headers ?? {}).flatMap(([name, value]) => ['-H', `${name}=${value}`]);
    const compression = codec === undefined ? [] : ['-z', codec];
    // With -Z what is empty is null.
    const lines = records.map(({ key, value }) => `${key ?? ''}\t${value ?? ''}\n`);
    await run('kcat', ['-P', '-b', brokers, '-t', topic, '-K', '\t', '-Z', ...compression, ...headers], lines.join(''));
  };
}

/** Writes with franz-go (keys by murmur2, snappy by default). */
export function openFranz(): ForeignProducer {
  const { franz } = builtPaths('franz');
  return async ({ brokers, topic, codec = '', transaction = '' }, records) => {
    const lines = records.map((record) => `${JSON.stringify(record)}\n`);
    await run(franz, ['-brokers', brokers, '-topic', topic, '-codec', codec, '-transaction', transaction], lines.join(''));
  };
}

/** Writes with Kafka's own Java client (keys by murmur2). */
export function openJava(): ForeignProducer {
  const { java } = builtPaths('java');
  const classPath = [java, join(kafkaLibsPath(), '*')].join(delimiter);
  const flags = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error'];
  return async ({ brokers, topic, codec = 'default', transaction = 'none' }, records) => {
    const lines = records.map(({ key, value, headers = {} }) => {
      const pairs = Object.entries(headers).map(([name, header]) => `${base64(name)}:${base64(header)}`);
      return `${[base64(key), base64(value), ...pairs].join('\t')}\n`;
    });
    await run('java', [...flags, '-cp', classPath, 'JavaProducer', brokers, topic, codec, transaction], lines.join(''));
  };
}

const base64 = (text: string | null): string => (text === null ? '-' : Buffer.from(text).toString('base64'));

function run(file: string, args: readonly string[], input: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['pipe', 'ignore', 'pipe'], timeout: runMs });
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
    child.stdin.on('error', () => undefined); // it ended before it read: its code tells
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${file} ended with ${String(code)}: ${complaint}`));
    });
    child.stdin.end(input);
  });
}
