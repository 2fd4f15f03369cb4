import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './install.mjs';

/**
 * Runs vitest once over the projects and files that the arguments name, its own report on the terminal; its counts come through a file
 * (`count-reporter.mjs`). That vitest failed without a failed test counts as one failure, and is said.
 *
 * @param {readonly string[]} args of `vitest run`
 * @param {Record<string, string>} [env] beside ours
 * @returns {Promise<{ passed: number, failed: number, skipped: number }>}
 */
export async function runVitest(args, env = {}) {
  const countsPath = join(root, '.cache', `test-counts-${process.pid}.json`);
  mkdirSync(join(root, '.cache'), { recursive: true });
  const reporters = ['--reporter', 'default', '--reporter', join(root, 'scripts', 'count-reporter.mjs')];
  const line = [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', '--allowOnly=false', ...reporters, ...args];
  const [file, ...guarded] = [...deathGuard(), process.execPath, ...line];
  const vitest = spawn(file, guarded, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env, SELVAGE_TEST_COUNTS: countsPath },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => vitest.kill(signal));
  const code = await new Promise((resolve) => vitest.once('error', () => resolve(-1)).once('close', (status) => resolve(status ?? -1)));
  const counts = takeCounts(countsPath);
  // It may fail without a failed test: no file found, a set-up that threw, a crash.
  if (code !== 0 && counts.failed === 0) {
    process.stdout.write(`FAILED: vitest ended with ${code} (see above)\n`);
    counts.failed++;
  }
  return counts;
}

/** On Linux the kernel ends vitest, and so its workers and their servers, when this process is killed. */
function deathGuard() {
  const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path));
  return setpriv ? [setpriv, '--pdeathsig', 'KILL', '--'] : [];
}

function takeCounts(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  } finally {
    rmSync(path, { force: true });
  }
}
