/**
 * `npm test`: installs, provides real servers, builds, runs every check and every test, and ends with one line `N passed, N failed, N skipped`.
 *
 *   npm test -- --only unit            one project (may be given several times); `--only checks` for the checks alone
 *   npm test -- test/unit/x.test.ts    files; every other argument goes to vitest as it is (-t, --project, ...)
 *
 * KAFKA_BROKERS and REDIS_URL name running servers to use instead of our own; tests that kill or stop servers are then skipped by name.
 */
import { hasCommand } from './apt.mjs';
import { ensureBuilt } from './build.mjs';
import { runChecks } from './checks.mjs';
import { ensureInstalled } from './install.mjs';
import { aptTools } from './ops/tools/apt-tools.mjs';
import { provision } from './provision.mjs';
import { provisionProducers } from './provision-producers.mjs';
import { runVitest } from './run-vitest.mjs';
import { Tally } from './tally.mjs';

/** Projects without real servers. */
const serverless = ['unit', 'architecture', 'simulation'];

const tally = new Tally();
await runAll(planOf(process.argv.slice(2)));
tally.finish();

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
    needsOpsTools: named.length === 0 || named.includes('ops'),
    // The drills take minutes each: `npm run check:ops` has them.
    vitestArgs: [...(named.length === 0 ? ['!drills'] : tests).flatMap((name) => ['--project', name]), ...rest],
  };
}

async function runAll(plan) {
  // Servers are fetched while the checks run: the ones wait for the network, the others for this machine.
  const servers = plan.withTests && plan.needsServers ? provideServers(plan) : Promise.resolve([]);
  if (!(await ensureInstalled())) return tally.fail('npm ci (see above)');
  if (plan.withTests && plan.needsServers && !(await ensureBuilt())) tally.fail('the build of dist (see above)');
  if (plan.withChecks) tally.add(await runChecks());
  for (const problem of await servers) tally.fail(problem);
  if (plan.withTests) tally.add(await runVitest(plan.vitestArgs));
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
