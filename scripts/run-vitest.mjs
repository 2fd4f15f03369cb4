import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './install.mjs';
import { runIdle } from './run-idle.mjs';

/**
 * Runs vitest once over the projects and files that the arguments name, its own report on the terminal; its counts come through a file
 * (`count-reporter.mjs`). That vitest failed without a failed test counts as one failure, and is said.
 *
 * @param {readonly string[]} args of `vitest run`
 * @param {Record<string, string>} [env] beside ours
 * @returns {Promise<{ passed: number, failed: number, skipped: number }>}
 */
export async function runVitest(args, env = {}) {
  const countsPath = countsPathOf('run');
  const [file, ...line] = [...deathGuard(), process.execPath, ...vitestLine(args)];
  const vitest = spawn(file, line, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env, SELVAGE_TEST_COUNTS: countsPath },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => vitest.kill(signal));
  const code = await new Promise((resolve) => vitest.once('error', () => resolve(-1)).once('close', (status) => resolve(status ?? -1)));
  return judge(code, takeCounts(countsPath));
}

/** The same in what the machine has left over (`runIdle`), its report printed at the end: for projects that wait for nobody and look at no clock. */
export async function runVitestIdle(args) {
  const countsPath = countsPathOf('idle');
  const { code, said } = await runIdle(process.execPath, vitestLine(args), { SELVAGE_TEST_COUNTS: countsPath });
  process.stdout.write(said);
  return judge(code, takeCounts(countsPath));
}

function countsPathOf(name) {
  mkdirSync(join(root, '.cache'), { recursive: true });
  return join(root, '.cache', `test-counts-${process.pid}-${name}.json`);
}

function vitestLine(args) {
  const reporters = ['--reporter', 'default', '--reporter', join(root, 'scripts', 'count-reporter.mjs')];
  return [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', '--allowOnly=false', ...reporters, ...args];
}

/** It may fail without a failed test: no file found, a set-up that threw, a crash. */
function judge(code, counts) {
  if (code === 0 || counts.failed > 0) return counts;
  process.stdout.write(`FAILED: vitest ended with ${code} (see above)\n`);
  return { ...counts, failed: 1 };
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
