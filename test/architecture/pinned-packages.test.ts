import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { repositoryPath } from '../platform/run-folder.js';

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

test('the binary of uWebSockets.js is the one that was looked at', () => {
  // Its package is republished by a third party: whoever updates it compares the new binary with the upstream release first.
  const binary = readFileSync(join(repositoryPath, 'node_modules', 'uWebSockets.js', 'uws_linux_x64_115.node'));
  const hash = createHash('sha256').update(binary).digest('hex');
  expect(hash).toBe('f4fa5d7b697529b45ac8aa3d57385d9af51bc1d2b26aa9f5b68ca4361542e665');
});

test('every dependency is pinned to one version', () => {
  const manifest = JSON.parse(readFileSync(join(repositoryPath, 'package.json'), 'utf8')) as Manifest;
  const versions = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
  expect(versions.filter(([, version]) => !/^(npm:[^@]+@)?\d+\.\d+\.\d+$/.test(version))).toEqual([]);
});

test('the lock file names no registry', () => {
  expect(readFileSync(join(repositoryPath, 'package-lock.json'), 'utf8')).not.toContain('"resolved"');
});
