import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryPath } from './run-folder.js';

/** The folder of the Kafka broker's jars, fetched now if no run has done so yet. */
export function kafkaLibsPath(): string {
  const pom = readFileSync(join(repositoryPath, 'scripts', 'kafka-pom.xml'), 'utf8');
  const version = /<artifactId>kafka_2\.13<\/artifactId>\s*<version>([^<]+)</.exec(pom)?.[1] ?? 'unknown';
  const path = join(repositoryPath, '.cache', `kafka-${version}`);
  if (!existsSync(path)) provide('kafka');
  return path;
}

/** Installs one of the things that `scripts/provision.mjs` knows, when it is missing; throws with its words when it cannot. */
export function provide(name: 'kafka' | 'redis' | 'kcat' | 'chromium'): void {
  execFileSync(process.execPath, [join(repositoryPath, 'scripts', 'provision.mjs'), name], { stdio: ['ignore', 'inherit', 'inherit'] });
}
