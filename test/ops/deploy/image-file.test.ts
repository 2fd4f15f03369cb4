import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { repositoryPath } from '../../platform/run-folder.js';
import { parseDockerfile, settingsOf } from './dockerfile.js';

const stages = parseDockerfile(readFileSync(join(repositoryPath, 'deploy/Dockerfile'), 'utf8'));
const ignored = readFileSync(join(repositoryPath, 'deploy/Dockerfile.dockerignore'), 'utf8')
  .split('\n')
  .filter((line) => !/^\s*(#|$)/.test(line));
const copied = stages
  .flatMap(({ instructions }) => instructions)
  .filter(({ name, text }) => name === 'COPY' && !text.startsWith('--from'))
  .flatMap(({ text }) => text.split(' ').slice(0, -1));

test('the base is pinned to an exact version of Node 24 on Debian 13, where the addon loads', () => {
  const bases = new Set(stages.map(({ from }) => from));
  expect([...bases]).toEqual([expect.stringMatching(/^node:24\.\d+\.\d+-trixie-slim$/), 'scratch']);
});

test('a container runs as a numbered user without rights, is asked for its health by node, and drains at SIGTERM', () => {
  const { user, entrypoint, healthcheck, stopSignal, labels, env } = settingsOf(stages.at(-1)!);
  expect(user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  expect(entrypoint).toEqual(['node', '/app/dist/main.js']);
  expect(healthcheck).toMatch(/CMD \["node", "\/app\/healthcheck\.mjs", "live"\]$/);
  expect(stopSignal).toBe('SIGTERM');
  expect(env['NODE_ENV']).toBe('production');
  for (const name of ['title', 'description', 'licenses', 'version', 'revision'])
    expect(labels).toContain(`org.opencontainers.image.${name}=`);
});

test('the build sees what it copies and nothing else', () => {
  expect(ignored[0]).toBe('*');
  const seen = ignored.slice(1).map((line) => line.replace(/^!/, ''));
  for (const path of copied) expect([path, seen.some((root) => path === root || path.startsWith(`${root}/`))]).toEqual([path, true]);
  for (const path of seen) expect([path, copied.some((one) => one === path || one.startsWith(`${path}/`))]).toEqual([path, true]);
  for (const path of seen) expect([path, existsSync(join(repositoryPath, path))]).toEqual([path, true]);
});

test('every script that the build imports is copied', () => {
  const scripts = copied.filter((path) => path.startsWith('scripts/'));
  for (const path of scripts) {
    const imports = [...readFileSync(join(repositoryPath, path), 'utf8').matchAll(/from '\.\/([\w-]+\.mjs)'/g)].map(
      (match) => `scripts/${match[1]!}`,
    );
    for (const needed of imports) expect([path, needed, scripts.includes(needed)]).toEqual([path, needed, true]);
  }
});
