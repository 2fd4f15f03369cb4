/** Compiles `src` into `dist` and copies what the compiler leaves (Lua scripts, PROTOCOL.md, pages). `node scripts/build.mjs` builds always. */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureInstalled, root } from './install.mjs';
import { run } from './run.mjs';

const sourcePath = join(root, 'src');
const distPath = join(root, 'dist');
const stampPath = join(distPath, '.built');

/** Builds unless `dist` is newer than every source; returns whether `dist` is whole now. */
export async function ensureBuilt() {
  return isFresh() || build();
}

/** Builds; what was built from sources that are gone is removed. Returns whether it succeeded. */
export async function build() {
  const startMs = Date.now();
  rmSync(stampPath, { force: true });
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { code } = await run(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { cwd: root, isShown: true });
  if (code !== 0) return false;
  for (const file of filesIn(sourcePath).filter(isAsset)) {
    const target = join(distPath, relative(sourcePath, file));
    mkdirSync(dirname(target), { recursive: true });
    cpSync(file, target);
  }
  for (const file of filesIn(distPath)) if (!hasSource(file)) rmSync(file);
  writeFileSync(stampPath, `${new Date(startMs).toISOString()}\n`);
  return true;
}

function isFresh() {
  if (!existsSync(stampPath)) return false;
  const builtMs = statSync(stampPath).mtimeMs;
  const folders = [
    sourcePath,
    ...readdirSync(sourcePath, { recursive: true, withFileTypes: true }).map((entry) => join(entry.parentPath, entry.name)),
  ];
  const settings = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'].map((name) => join(root, name));
  return [...folders, ...settings].every((path) => statSync(path).mtimeMs < builtMs);
}

function isAsset(file) {
  return !['.ts', '.tsx', '.md'].includes(extname(file)) || basename(file) === 'PROTOCOL.md';
}

function hasSource(built) {
  const stem = join(sourcePath, relative(distPath, built));
  const compiled = stem.replace(/(\.d\.ts|\.js)(\.map)?$/, '');
  return existsSync(stem) || existsSync(`${compiled}.ts`) || existsSync(`${compiled}.tsx`);
}

function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = (await ensureInstalled()) && (await build()) ? 0 : 1;
}
