import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The top of the repository. */
export const repositoryPath = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const runPath = join(repositoryPath, '.cache', 'run');

interface Mark {
  readonly pid: number;
  /** Ticks since boot at which the process started: tells it from a later one with the same number. */
  readonly startTicks: string;
}

/** A folder of its own for one server: data, log and a mark of the process that owns it. Removed by `removeRunFolder`, or by the sweep of a later run. */
export function makeRunFolder(prefix: string): string {
  mkdirSync(runPath, { recursive: true });
  const folder = mkdtempSync(join(runPath, `${prefix}-`));
  writeMark(folder, 'owner', process.pid);
  return folder;
}

export function removeRunFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

/** Notes a child of this folder, so that a later run can end it if its owner is gone. */
export function markChild(folder: string, pid: number): void {
  writeMark(folder, `child-${String(pid)}`, pid);
}

/** Ends what runs that died by force have left: children are killed and folders removed where the owner no longer lives. Those of living runs are left alone. */
export function sweepRunFolders(): void {
  mkdirSync(runPath, { recursive: true });
  for (const name of readdirSync(runPath)) {
    const folder = join(runPath, name);
    const owner = readMark(join(folder, 'owner.mark'));
    if (owner && isSameProcess(owner)) continue;
    for (const file of readdirSync(folder)) {
      const child = file.startsWith('child-') ? readMark(join(folder, file)) : undefined;
      if (child && isSameProcess(child)) process.kill(child.pid, 'SIGKILL');
    }
    removeRunFolder(folder);
  }
}

function writeMark(folder: string, name: string, pid: number): void {
  writeFileSync(join(folder, `${name}.mark`), JSON.stringify({ pid, startTicks: startTicks(pid) ?? '' } satisfies Mark));
}

function readMark(path: string): Mark | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Mark;
  } catch {
    return undefined;
  }
}

function isSameProcess(mark: Mark): boolean {
  const ticks = startTicks(mark.pid);
  return ticks !== undefined && ticks === mark.startTicks;
}

/** Field 22 of /proc/<pid>/stat (proc(5)); undefined when there is no such process. */
function startTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
