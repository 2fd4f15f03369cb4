/**
 * `npm test`: installs, provides real servers, builds, runs every check and every test, and ends with one line `N passed, N failed, N skipped`.
 *
 *   npm test -- --only unit            one project, or several (`--only unit,simulation`); `--only checks` for the checks alone
 *   npm test -- test/unit/x.test.ts    files; every other argument goes to vitest as it is (-t, --project, ...)
 *
 * KAFKA_BROKERS and REDIS_URL name running servers to use instead of our own; tests that kill or stop servers are then skipped by name.
 */
import { join } from 'node:path';
import { hasCommand } from './apt.mjs';
import { ensureBuilt } from './build.mjs';
import { runChecks } from './checks.mjs';
import { ensureInstalled, root } from './install.mjs';
import { withoutGo } from './ops/go-tests.mjs';
import { aptTools } from './ops/tools/apt-tools.mjs';
import { provision } from './provision.mjs';
import { provisionProducers } from './provision-producers.mjs';
import { runIdle } from './run-idle.mjs';
import { runVitest, runVitestIdle } from './run-vitest.mjs';
import { Tally } from './tally.mjs';

/** Projects without real servers. */
const serverless = ['unit', 'simulation'];
/** They compute and look at no clock: in a whole run they have what is left over while the others wait for servers. */
const patient = ['simulation'];
/** What else a whole run has; the drills take minutes each, and `npm run check:ops` has them. */
const others = ['unit', 'integration', 'conformance', 'client', 'fuzz', 'chaos', 'ops'];
/** What `--only` takes. */
const known = ['checks', ...others, ...patient, 'drills'];
/** What tests of `ops` need that has to be built, 2.5 minutes of one core where nothing is there; a whole run builds it in what is left over, too. */
const builtTools = ['HelmUnittest', 'HelmTemplate', 'Kubeconform', 'KubernetesSchemas'];

const tally = new Tally();
await runAll(planOf(process.argv.slice(2)));
tally.finish();

/** What the arguments ask for; no arguments ask for everything. */
function planOf(args) {
  const projects = [];
  const rest = [];
  for (let i = 0; i < args.length; i++) {
    const [flag, value] = args[i].split('=', 2);
    if (flag === '--only' || flag === '--project') projects.push(...(value ?? args[++i] ?? '').split(','));
    else rest.push(args[i]);
  }
  const unknown = projects.filter((name) => !known.includes(name));
  const tests = projects.filter((name) => name !== 'checks');
  const paths = rest.filter((arg) => arg.startsWith('test/'));
  const named = tests.length > 0 ? tests : paths.map((path) => path.split('/')[1]);
  return {
    unknown,
    withChecks: args.length === 0 || projects.includes('checks'),
    withTests: args.length === 0 || tests.length > 0 || rest.length > 0,
    needsServers: named.length === 0 || named.some((name) => !serverless.includes(name)),
    needsProducers: named.length === 0 || named.includes('integration'),
    needsOpsTools: named.length === 0 || named.includes('ops'),
    isWhole: args.length === 0,
    vitestArgs: [...(tests.length > 0 || named.includes('drills') ? tests : [...others, ...patient]).flatMap(project), ...rest],
  };
}

function project(name) {
  return ['--project', name];
}

async function runAll(plan) {
  if (plan.unknown.length > 0) return tally.fail(`--only ${plan.unknown.join(',')}: the projects are ${known.join(', ')}`);
  // Servers are fetched while the checks run: the ones wait for the network, the others for this machine.
  const servers = plan.withTests && plan.needsServers ? provideServers(plan) : Promise.resolve([]);
  if (!(await ensureInstalled())) return tally.fail('npm ci (see above)');
  if (plan.withTests && plan.needsServers && !(await ensureBuilt())) tally.fail('the build of dist (see above)');
  const leftOver = plan.isWhole ? runLeftOver() : Promise.resolve(undefined);
  if (plan.withChecks) tally.add(await runChecks());
  for (const problem of await servers) tally.fail(problem);
  if (plan.withTests && plan.needsOpsTools) for (const file of withoutGo()) tally.skip(`ops ${file} (there is no go on the PATH)`);
  if (plan.withTests) tally.add(await runVitest(plan.isWhole ? others.flatMap(project) : plan.vitestArgs));
  const counts = await leftOver;
  if (counts) tally.add(counts);
}

/** A tool that could not be built is told by the tests that need it. */
async function runLeftOver() {
  if (hasCommand('go')) await runIdle(process.execPath, [join(root, 'scripts', 'ops', 'tools', 'tools.mjs'), ...builtTools]);
  return runVitestIdle(patient.flatMap(project));
}

async function provideServers(plan) {
  const problems = await provision([...serversNeeded(), 'kcat', 'chromium', ...(plan.needsOpsTools ? Object.keys(aptTools) : [])]);
  return plan.needsProducers ? [...problems, ...(await provisionProducers(producersNeeded()))] : problems;
}

function serversNeeded() {
  return [...(process.env.KAFKA_BROKERS ? [] : ['kafka']), ...(process.env.REDIS_URL ? [] : ['redis'])];
}

/** Without Go the tests of franz-go are skipped by name. */
function producersNeeded() {
  return hasCommand('go') ? ['franz', 'java'] : ['java'];
}
