/**
 * Puts the real servers and tools that the tests need on this machine: Kafka from Maven jars into `.cache/`, Redis, kcat and chromium from apt.
 * Needs nothing but Node. What is already there is left alone, so a second run costs milliseconds.
 *
 *   node scripts/provision.mjs [kafka] [redis] [kcat] [chromium]      (these four when none is named; also nginx, haproxy, prometheus, alertmanager)
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasCommand, installCommands } from './apt.mjs';
import { aptTools } from './ops/tools/apt-tools.mjs';
import { run } from './run.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const pomPath = join(root, 'scripts', 'kafka-pom.xml');
const mavenMs = 600_000;

/** The folder of the broker's jars; the version in its name is the one that `scripts/kafka-pom.xml` pins. */
export function kafkaLibsPath() {
  const version = /<artifactId>kafka_2\.13<\/artifactId>\s*<version>([^<]+)</.exec(readFileSync(pomPath, 'utf8'))?.[1];
  return join(root, '.cache', `kafka-${version}`);
}

/** What apt-get installs when it is missing. */
const commands = {
  java: { command: 'java', aptPackage: 'default-jdk-headless', hint: 'it runs the Kafka broker; or give KAFKA_BROKERS' },
  javac: { command: 'javac', aptPackage: 'default-jdk-headless', hint: 'it builds the Java producer of the tests' },
  maven: { command: 'mvn', aptPackage: 'maven', hint: 'it fetches the Kafka broker; or give KAFKA_BROKERS' },
  redis: { command: 'redis-server', aptPackage: 'redis-server', hint: 'or give REDIS_URL', services: ['redis-server'] },
  kcat: { command: 'kcat', aptPackage: 'kcat', hint: 'an independent Kafka producer of the tests' },
  chromium: { command: 'chromium', aptPackage: 'chromium', hint: 'the browser of the client tests' },
  ...aptTools,
};

/** Makes sure of each named thing, fetching the broker while apt-get installs the rest; returns one sentence for each that could not be had (none when all is well). */
export async function provision(names = ['kafka', 'redis', 'kcat', 'chromium']) {
  const unknown = names.filter((name) => name !== 'kafka' && !commands[name]);
  if (unknown.length > 0) return unknown.map((name) => `unknown thing to provide: ${name}`);
  const wantsKafka = names.includes('kafka');
  const isFetched = existsSync(kafkaLibsPath());
  const ofKafka = wantsKafka ? ['java', ...(isFetched ? [] : ['maven'])] : [];
  const installing = installCommands([...ofKafka, ...names.filter((name) => name !== 'kafka')].map((name) => commands[name]));
  if (ofKafka.some((name) => !hasCommand(commands[name].command))) await installing;
  const kafkaProblem = wantsKafka && !isFetched && hasCommand('mvn') ? await fetchKafka() : undefined;
  return [...(await installing), ...(kafkaProblem ? [kafkaProblem] : [])];
}

async function fetchKafka() {
  const libs = kafkaLibsPath();
  say(`fetching the Kafka broker into ${libs}`);
  mkdirSync(join(root, '.cache'), { recursive: true });
  // Copied beside and renamed at the end: a download cut short must never look complete.
  const partial = mkdtempSync(join(root, '.cache', 'kafka-partial-'));
  const goals = ['dependency:copy-dependencies', `-DoutputDirectory=${partial}`, '-DincludeScope=runtime'];
  const { code } = await run('mvn', ['-q', '-B', '-f', pomPath, ...goals], { isShown: true, timeoutMs: mavenMs });
  if (code !== 0) {
    rmSync(partial, { recursive: true, force: true });
    return 'Kafka: Maven could not fetch the broker (see above); give KAFKA_BROKERS to use a running one';
  }
  try {
    renameSync(partial, libs);
  } catch (error) {
    // Another run may have finished first; its copy is as good.
    rmSync(partial, { recursive: true, force: true });
    if (!existsSync(libs)) throw error;
  }
  return undefined;
}

function say(text) {
  process.stderr.write(`provision: ${text}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const missing = await provision(process.argv.length > 2 ? process.argv.slice(2) : undefined);
  for (const problem of missing) say(problem);
  process.exitCode = missing.length === 0 ? 0 : 1;
}
