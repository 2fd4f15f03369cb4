import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { repositoryPath } from '../../platform/run-folder.js';

const run = promisify(execFile);

/**
 * The build before this one: the last without identity, limits, named streams and the control topic. To be moved to the last release whenever there is one.
 */
const pinnedRef = '12141659cf18e3d06383a02e26ce3d74c34dc6cc';

export interface PreviousBuild {
  /** `dist/main.js`. */
  readonly mainPath: string;
  readonly name: string;
  /** Whether it knows options of identity. */
  readonly hasIdentity: boolean;
}

/**
 * The previous build, from a folder with its `dist`, or built once from a commit of this repository's history into `.cache/previous/<commit>`, with the packages
 * installed here. A sentence when it cannot be had.
 */
export async function providePrevious(given: string | undefined): Promise<PreviousBuild | string> {
  if (given !== undefined && existsSync(given)) {
    const mainPath = join(resolve(given), 'dist', 'main.js');
    return existsSync(mainPath) ? describe(resolve(given), given) : `${given} has no dist/main.js: build it first`;
  }
  const ref = given ?? pinnedRef;
  const commit = await git('rev-parse', '--verify', '--quiet', `${ref}^{commit}`).catch(() => '');
  if (commit === '') return `the history here does not have ${ref} (a shallow clone?); name another build with --previous`;
  const path = join(repositoryPath, '.cache', 'previous', commit);
  if (!existsSync(join(path, 'dist', 'main.js'))) await build(commit, path);
  return describe(path, commit.slice(0, 7));
}

function describe(path: string, name: string): PreviousBuild {
  return { mainPath: join(path, 'dist', 'main.js'), name, hasIdentity: existsSync(join(path, 'dist', 'config', 'auth-options.js')) };
}

async function build(commit: string, path: string): Promise<void> {
  const folder = join(repositoryPath, '.cache', 'previous');
  mkdirSync(folder, { recursive: true });
  // Built beside and renamed at the end: a build cut short must never look complete.
  const partial = mkdtempSync(join(folder, 'partial-'));
  try {
    const archive = join(partial, 'archive.tar');
    await git('archive', '--format=tar', '-o', archive, commit);
    await run('tar', ['-xf', archive, '-C', partial]);
    rmSync(archive);
    symlinkSync(join(repositoryPath, 'node_modules'), join(partial, 'node_modules'));
    const itsOwn = `import('./scripts/build.mjs').then(async ({ build }) => process.exit((await build()) ? 0 : 1))`;
    await run(process.execPath, ['-e', itsOwn], { cwd: partial });
    if (!statSync(join(partial, 'dist', 'main.js')).isFile()) throw new Error('the build left no dist/main.js');
    if (!existsSync(path)) renameSync(partial, path);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

async function git(...args: readonly string[]): Promise<string> {
  const { stdout } = await run('git', args, { cwd: repositoryPath });
  return stdout.trim();
}
