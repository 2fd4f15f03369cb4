/**
 * Builds the foreign Kafka producers of the tests into `.cache/`, once for each state of their sources: franz-go by Go (modules through the Go proxy) and the Java
 * client by `javac` (its jars are the broker's). What is already built is left alone.
 *
 *   node scripts/provision-producers.mjs [franz] [java]      (both when none is named)
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasCommand } from './apt.mjs';
import { root } from './install.mjs';
import { kafkaLibsPath, provision } from './provision.mjs';
import { run } from './run.mjs';

const buildMs = 600_000;
const goPath = join(root, 'test', 'producers-go');
const javaPath = join(root, 'test', 'producers-java');

/** The franz-go program, whether or not it is built yet. */
export const franzProducerPath = () => join(root, '.cache', `franz-producer-${hashOf(goPath)}`);

/** The folder of the compiled Java program, whether or not it is there yet. */
export const javaProducerPath = () => join(root, '.cache', `java-producer-${hashOf(javaPath)}`);

/** Makes sure of each named producer; returns one sentence for each that could not be had. */
export async function provisionProducers(names = ['franz', 'java']) {
  const problems = await Promise.all(names.map((name) => builders[name]()));
  return problems.filter((problem) => problem !== undefined);
}

const builders = { franz: buildFranz, java: buildJava };

async function buildFranz() {
  const path = franzProducerPath();
  if (existsSync(path)) return undefined;
  if (!hasCommand('go')) return 'the franz-go producer: there is no go on the PATH to build it';
  return build(path, 'go', (partial) => ['build', '-trimpath', '-o', partial, '.'], goPath);
}

async function buildJava() {
  const path = javaProducerPath();
  if (existsSync(path)) return undefined;
  const [problem] = await provision(['kafka', 'javac']);
  if (problem) return problem;
  const classPath = join(kafkaLibsPath(), '*');
  return build(path, 'javac', (partial) => ['-cp', classPath, '-d', partial, 'JavaProducer.java'], javaPath);
}

/** Built beside and renamed at the end: a build cut short must never look complete, and another run may have finished first. */
async function build(path, command, argsOf, cwd) {
  mkdirSync(join(root, '.cache'), { recursive: true });
  const partial = `${path}.partial-${process.pid}`;
  process.stderr.write(`provision: building ${path}\n`);
  const { code } = await run(command, argsOf(partial), { cwd, isShown: true, timeoutMs: buildMs });
  if (code === 0 && !existsSync(path)) renameSync(partial, path);
  rmSync(partial, { recursive: true, force: true });
  return existsSync(path) ? undefined : `${path}: ${command} could not build it (see above)`;
}

/** Of all sources in the folder: a changed one is another program. */
function hashOf(folder) {
  const hash = createHash('sha256');
  for (const name of readdirSync(folder).sort()) hash.update(`${name}\0`).update(readFileSync(join(folder, name)));
  return hash.digest('hex').slice(0, 12);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const missing = await provisionProducers(process.argv.length > 2 ? process.argv.slice(2) : undefined);
  for (const problem of missing) process.stderr.write(`provision: ${problem}\n`);
  // What else is printed goes to stderr, so that a caller can take the paths from here.
  process.stdout.write(`${JSON.stringify({ franz: franzProducerPath(), java: javaProducerPath() })}\n`);
  process.exitCode = missing.length === 0 ? 0 : 1;
}
