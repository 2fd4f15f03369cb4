/**
 * `npm test`: installs, provides real servers, builds, runs every check and every test, and ends with one line `N passed, N failed, N skipped`.
 *
 *   npm test -- --only unit            one project (may be given several times); `--only checks` for the checks alone
 *   npm test -- test/unit/x.test.ts    files; every other argument goes to vitest as it is (-t, --project, ...)
 *
 * KAFKA_BROKERS and REDIS_URL name running servers to use instead of our own; tests that kill or stop servers are then skipped by name.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { hasCommand } from './apt.mjs';
import { ensureBuilt } from './build.mjs';
import { runChecks } from './checks.mjs';
import { ensureInstalled, root } from './install.mjs';
import { provision } from './provision.mjs';
import { provisionProducers } from './provision-producers.mjs';

/** Projects without real servers. */
const serverless = ['unit', 'architecture', 'simulation'];
const countsPath = join(root, '.cache', `test-counts-${process.pid}.json`);
const total = { passed: 0, failed: 0, skipped: 0 };

await runAll(planOf(process.argv.slice(2)));
const hasRun = total.passed + total.failed > 0;
process.exitCode = total.failed === 0 && hasRun ? 0 : 1;
process.stdout.write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);

/** What the arguments ask for; no arguments ask for everything. */
function planOf(args) {
  const projects = [];
  const rest = [];
  for (let i = 0; i < args.length; i++) {
    const [flag, value] = args[i].split('=', 2);
    if (flag === '--only' || flag === '--project') projects.push(value ?? args[++i]);
    else rest.push(args[i]);
  }
  const tests = projects.filter((name) => name !== 'checks');
  const paths = rest.filter((arg) => arg.startsWith('test/'));
  const named = tests.length > 0 ? tests : paths.map((path) => path.split('/')[1]);
  return {
    withChecks: args.length === 0 || projects.includes('checks'),
    withTests: args.length === 0 || tests.length > 0 || rest.length > 0,
    needsServers: named.length === 0 || named.some((name) => !serverless.includes(name)),
    needsProducers: named.length === 0 || named.includes('integration'),
    // The drills take minutes each: `npm run check:ops` has them.
    vitestArgs: [...(named.length === 0 ? ['!drills'] : tests).flatMap((name) => ['--project', name]), ...rest],
  };
}

async function runAll(plan) {
  if (!ensureInstalled()) return fail('npm ci (see above)');
  if (plan.withTests && plan.needsServers) {
    for (const problem of provision(thingsNeeded())) fail(problem);
    if (plan.needsProducers) for (const problem of provisionProducers(producersNeeded())) fail(problem);
    if (!ensureBuilt()) fail('the build of dist (see above)');
  }
  if (plan.withChecks) add(await runChecks());
  if (plan.withTests) add(await runVitest(plan.vitestArgs));
}

function thingsNeeded() {
  const kafka = process.env.KAFKA_BROKERS ? [] : ['kafka'];
  const redis = process.env.REDIS_URL ? [] : ['redis'];
  return [...kafka, ...redis, 'kcat', 'chromium'];
}

/** Without Go the tests of franz-go are skipped by name. */
function producersNeeded() {
  return hasCommand('go') ? ['franz', 'java'] : ['java'];
}

/** Runs vitest once over all projects, its own report on the terminal; its counts come through a file (`count-reporter.mjs`). */
async function runVitest(args) {
  mkdirSync(join(root, '.cache'), { recursive: true });
  const reporters = ['--reporter', 'default', '--reporter', join(root, 'scripts', 'count-reporter.mjs')];
  const line = [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', '--allowOnly=false', ...reporters, ...args];
  const env = { ...process.env, SELVAGE_TEST_COUNTS: countsPath };
  const [file, ...guarded] = [...deathGuard(), process.execPath, ...line];
  const vitest = spawn(file, guarded, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, () => vitest.kill(signal));
  const code = await new Promise((resolve) => vitest.once('error', () => resolve(-1)).once('close', (status) => resolve(status ?? -1)));
  const counts = readCounts();
  // It may fail without a failed test: no file found, a set-up that threw, a crash.
  if (code !== 0 && counts.failed === 0) fail(`vitest ended with ${code} (see above)`);
  return counts;
}

/** On Linux the kernel ends vitest, and so its workers and their servers, when this process is killed. */
function deathGuard() {
  const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path));
  return setpriv ? [setpriv, '--pdeathsig', 'KILL', '--'] : [];
}

function readCounts() {
  try {
    return JSON.parse(readFileSync(countsPath, 'utf8'));
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  } finally {
    rmSync(countsPath, { force: true });
  }
}

function add(counts) {
  for (const state of Object.keys(total)) total[state] += counts[state];
}

function fail(what) {
  process.stdout.write(`FAILED: ${what}\n`);
  total.failed++;
}
