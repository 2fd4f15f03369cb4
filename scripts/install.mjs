/** Makes `node_modules` agree with `package-lock.json`, running `npm ci` only when it does not. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './run.mjs';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Installs when needed; returns whether it is installed now. */
export async function ensureInstalled() {
  if (isInstalled()) return true;
  process.stderr.write('installing dependencies (npm ci)\n');
  // The compiler is a development dependency, and npm's own words must not be mistaken for ours.
  const { code } = await run('npm', ['ci', '--include=dev'], { cwd: root, isShown: true });
  return code === 0;
}

/** npm leaves a lock of what it really installed; it must say the same as ours, but for optional packages of other platforms. */
function isInstalled() {
  try {
    const wanted = packagesOf('package-lock.json');
    const found = packagesOf('node_modules/.package-lock.json');
    const isSame = (path) => found[path]?.version === wanted[path].version && found[path]?.integrity === wanted[path].integrity;
    return (
      Object.keys(wanted).every((path) => isSame(path) || (!found[path] && (wanted[path].optional || wanted[path].devOptional))) &&
      Object.keys(found).every((path) => wanted[path])
    );
  } catch {
    return false; // nothing installed yet, or cut short
  }
}

function packagesOf(lockFile) {
  const packages = JSON.parse(readFileSync(join(root, lockFile), 'utf8')).packages;
  delete packages['']; // the project itself: only in ours
  return packages;
}
