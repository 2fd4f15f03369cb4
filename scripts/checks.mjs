/** The checks that need no server; each counts as one test. `node scripts/checks.mjs [name ...]` runs all or the named ones. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './install.mjs';
import { run } from './run.mjs';

const atOnce = 2;

const checks = {
  format: ['prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '--cache', '--cache-location', '.cache/prettier', '.'],
  lint: ['eslint/bin/eslint.js', '--max-warnings', '0', '.'],
  types: ['typescript/bin/tsc', '--noEmit', '-p', '.'],
  rooms: ['dependency-cruiser/bin/dependency-cruise.mjs', '--output-type', 'err-long', 'src'],
  unused: ['knip/bin/knip.js', '--no-progress'],
  package: ['publint/src/cli.js', '--strict'],
};

/** Runs the checks, a few at a time, and prints the output of those that fail; returns the counts. */
export async function runChecks(names = Object.keys(checks)) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const waiting = [...names];
  const work = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const startMs = performance.now();
      const { isOk, output } = await runCheck(checks[name]);
      const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
      process.stdout.write(`${isOk ? 'passed' : 'FAILED'}: check ${name} (${seconds} s)\n${isOk ? '' : `${output.trim()}\n`}`);
      counts[isOk ? 'passed' : 'failed']++;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return counts;
}

async function runCheck(command) {
  if (!command) return { isOk: false, output: `there is no such check; there are: ${Object.keys(checks).join(', ')}` };
  const [script, ...args] = command;
  const { code, said } = await run(process.execPath, [join(root, 'node_modules', script), ...args], { cwd: root });
  return { isOk: code === 0, output: said };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { failed } = await runChecks(process.argv.length > 2 ? process.argv.slice(2) : undefined);
  process.exitCode = failed === 0 ? 0 : 1;
}
