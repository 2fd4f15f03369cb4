import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { repositoryPath } from './run-folder.js';

/** The folder of the Kafka broker's jars, fetched now if no run has done so yet. */
export function kafkaLibsPath(): string {
  const pom = readFileSync(join(repositoryPath, 'scripts', 'kafka-pom.xml'), 'utf8');
  const version = /<artifactId>kafka_2\.13<\/artifactId>\s*<version>([^<]+)</.exec(pom)?.[1] ?? 'unknown';
  const path = join(repositoryPath, '.cache', `kafka-${version}`);
  if (!existsSync(path)) provide('kafka');
  return path;
}

/** Makes sure that a command is on the PATH, installing it when it is missing; throws with the words of `scripts/provision.mjs` when it cannot. */
export function provideCommand(command: 'redis-server' | 'kcat' | 'chromium'): void {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  if (!folders.some((folder) => folder !== '' && existsSync(join(folder, command))))
    provide(command === 'redis-server' ? 'redis' : command);
}

function provide(name: string): void {
  execFileSync(process.execPath, [join(repositoryPath, 'scripts', 'provision.mjs'), name], { stdio: ['ignore', 'inherit', 'inherit'] });
}
