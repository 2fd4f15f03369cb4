/**
 * Puts the real servers and tools that the tests need on this machine: Kafka from Maven jars into `.cache/`, Redis, kcat and chromium from apt.
 * Needs nothing but Node. What is already there is left alone, so a second run costs milliseconds.
 *
 *   node scripts/provision.mjs [kafka] [redis] [kcat] [chromium]      (all four when none is named)
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installCommands } from './apt.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const pomPath = join(root, 'scripts', 'kafka-pom.xml');
const mavenMs = 600_000;

/** The folder of the broker's jars; the version in its name is the one that `scripts/kafka-pom.xml` pins. */
export function kafkaLibsPath() {
  const version = /<artifactId>kafka_2\.13<\/artifactId>\s*<version>([^<]+)</.exec(readFileSync(pomPath, 'utf8'))?.[1];
  return join(root, '.cache', `kafka-${version}`);
}

/** Makes sure of each named thing; returns one sentence for each that could not be had (none when all is well). */
export function provision(names = ['kafka', 'redis', 'kcat', 'chromium']) {
  const missing = [];
  for (const name of names) {
    const problem = steps[name] ? steps[name]() : `unknown thing to provide: ${name}`;
    if (problem) missing.push(problem);
  }
  return missing;
}

const steps = {
  kafka: provideKafka,
  javac: () => provideCommand('javac', 'default-jdk-headless', 'it builds the Java producer of the tests'),
  redis: () => provideCommand('redis-server', 'redis-server', 'or give REDIS_URL'),
  kcat: () => provideCommand('kcat', 'kcat', 'an independent Kafka producer of the tests'),
  chromium: () => provideCommand('chromium', 'chromium', 'the browser of the client tests'),
};

function provideKafka() {
  const java = provideCommand('java', 'default-jdk-headless', 'or give KAFKA_BROKERS');
  if (java) return java;
  const libs = kafkaLibsPath();
  if (existsSync(libs)) return undefined;
  const maven = provideCommand('mvn', 'maven', 'it fetches the Kafka broker; or give KAFKA_BROKERS');
  if (maven) return maven;
  say(`fetching the Kafka broker into ${libs}`);
  mkdirSync(join(root, '.cache'), { recursive: true });
  // Copied beside and renamed at the end: a download cut short must never look complete.
  const partial = mkdtempSync(join(root, '.cache', 'kafka-partial-'));
  const goals = ['dependency:copy-dependencies', `-DoutputDirectory=${partial}`, '-DincludeScope=runtime'];
  const copied = spawnSync('mvn', ['-q', '-B', '-f', pomPath, ...goals], { stdio: ['ignore', 'inherit', 'inherit'], timeout: mavenMs });
  if (copied.status !== 0) {
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

function provideCommand(command, aptPackage, hint) {
  return installCommands([{ command, aptPackage, hint }])[0];
}

function say(text) {
  process.stderr.write(`provision: ${text}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const missing = provision(process.argv.length > 2 ? process.argv.slice(2) : undefined);
  for (const problem of missing) say(problem);
  process.exitCode = missing.length === 0 ? 0 : 1;
}
