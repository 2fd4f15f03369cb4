/** Things that are built or fetched once into `.cache/ops/` and found there ever after, by any number of processes at the same time. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../install.mjs';
import { run } from '../../run.mjs';

/** Where operators' tools are. `SELVAGE_OPS_CACHE` names another place, for instance one that several work trees share. */
export const opsCachePath = process.env.SELVAGE_OPS_CACHE ?? join(root, '.cache', 'ops');

const buildMs = 1_200_000;
const saidCharactersMax = 2_000;

/**
 * Makes `.cache/ops/<name>-<hash of its sources>` unless it is there, and returns its path. Processes that want the same thing wait for the first
 * one (flock(1), which the kernel lets go when its holder dies). It is built beside and renamed at the end: what was cut short never looks complete.
 *
 * @param {object} thing
 * @param {string} thing.name for people, and the first part of the file's name
 * @param {string} thing.hash of all that it is made from: see `hashOf`
 * @param {string} thing.script for `sh -eu`, which puts the thing, file or folder, at "$OUT"
 * @param {string} [thing.cwd] default: the top of the repository
 * @param {Record<string, string>} [thing.env] beside our own
 * @param {number} [thing.buildMs] default: 20 minutes, without the wait for another that builds it
 * @returns {Promise<string>} rejects with what the build said last
 */
export async function buildOnce(thing) {
  const path = join(opsCachePath, `${thing.name}-${thing.hash}`);
  if (existsSync(path)) return path;
  mkdirSync(opsCachePath, { recursive: true });
  const partial = `${path}.partial-${process.pid}`;
  const limitSeconds = Math.ceil((thing.buildMs ?? buildMs) / 1_000);
  // Judged again under the lock: another process may have made it meanwhile.
  const guarded =
    '[ -e "$FINAL" ] || { rm -rf "$OUT"; timeout --foreground "$LIMIT" sh -eu -c "$SCRIPT" || { rm -rf "$OUT"; exit 1; }; mv "$OUT" "$FINAL"; }';
  const env = { ...process.env, ...thing.env, FINAL: path, OUT: partial, SCRIPT: thing.script, LIMIT: String(limitSeconds) };
  process.stderr.write(`provision: making ${thing.name}\n`);
  const { code, said } = await run('flock', [`${path}.lock`, 'sh', '-c', guarded], { cwd: thing.cwd ?? root, env });
  if (code === 0 && existsSync(path)) return path;
  throw new Error(`${thing.name}: could not be made in ${limitSeconds} s: ${said.slice(-saidCharactersMax)}`);
}

/** A short hash of texts, and of the contents of files and folders, by which a thing made from them is named. */
export function hashOf({ texts = [], paths = [] }) {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(`${text}\0`);
  for (const path of paths.flatMap(filesAt)) hash.update(`${path.slice(root.length)}\0`).update(readFileSync(path));
  return hash.digest('hex').slice(0, 12);
}

function filesAt(path) {
  try {
    const inside = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return inside.map((entry) => join(entry.parentPath, entry.name)).sort();
  } catch (error) {
    if (error.code === 'ENOTDIR') return [path];
    throw error;
  }
}
