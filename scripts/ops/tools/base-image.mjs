import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installCommands } from '../../apt.mjs';
import { root } from '../../install.mjs';
import { buildOnce, hashOf } from './build-once.mjs';

/**
 * The root of a file system like that of the image which `deploy/Dockerfile` begins with, where no image can be pulled: Debian by debootstrap, Node's own
 * binary and npm from their packages, the user `node`. What it cannot show is a fault of the image itself. Needs root.
 */
export async function provideBaseImage() {
  const [, version, suite] = /NODE_IMAGE=node:([\d.]+)-([a-z]+)-slim/.exec(readFileSync(join(root, 'deploy', 'Dockerfile'), 'utf8')) ?? [];
  if (suite === undefined) throw new Error('deploy/Dockerfile: NODE_IMAGE is not node:<version>-<suite>-slim');
  const [problem] = await installCommands([
    { command: 'debootstrap', aptPackage: 'debootstrap', hint: 'it makes the base of the image for tests' },
  ]);
  if (problem) throw new Error(problem);
  return buildOnce({
    name: `base-image-${suite}-node-${version}`,
    hash: hashOf({ texts: [version, suite, script] }),
    script,
    env: { SUITE: suite, NODE_PACKAGE: `node-linux-${process.arch}@${version}`, MIRROR: mirror(), NPM: npmPath() },
  });
}

const script = `
debootstrap --variant=minbase "$SUITE" "$OUT" "$MIRROR" >&2
cd "$(mktemp -d)"
npm pack --silent "$NODE_PACKAGE" >/dev/null
tar xzf ./*.tgz
cp -a package/bin package/include package/share "$OUT/usr/local/"
rm -r "$PWD"
mkdir -p "$OUT/usr/local/lib/node_modules"
cp -a "$NPM" "$OUT/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$OUT/usr/local/bin/npm"
ln -s ../lib/node_modules/npm/bin/npx-cli.js "$OUT/usr/local/bin/npx"
chroot "$OUT" useradd --uid 1000 --user-group --create-home --shell /bin/bash node
rm -rf "$OUT"/var/cache/apt/* "$OUT"/var/lib/apt/lists/*
`;

/** Where this machine has its own Debian packages from. */
const mirror = () => line('apt-get', ['indextargets', '--format', '$(SITE)', 'Created-By: Packages', 'Label: Debian']);
const npmPath = () => join(line('npm', ['root', '--global']), 'npm');

function line(file, args) {
  return (spawnSync(file, args, { encoding: 'utf8' }).stdout ?? '').split('\n')[0].trim();
}
