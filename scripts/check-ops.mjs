/**
 * `npm run check:ops`: everything that operators are given, tried by the real tools: the chart by Helm 3 and 4 and a Kubernetes API server, rules by promtool,
 * proxies, load tests and drills as processes. What is missing is installed or built once (into `.cache/ops/`, 20 minutes on two cores where nothing is there).
 * Ends with one line `N passed, N failed, N skipped`.
 *
 *   npm run check:ops -- test/ops/helm     files or folders; every argument goes to vitest as it is
 */
import { ensureBuilt } from './build.mjs';
import { ensureInstalled } from './install.mjs';
import { provideTools } from './ops/tools/tools.mjs';
import { provision } from './provision.mjs';
import { runVitest } from './run-vitest.mjs';
import { Tally } from './tally.mjs';

const tally = new Tally();
await checkAll(process.argv.slice(2));
tally.finish();

async function checkAll(args) {
  if (!(await ensureInstalled())) return tally.fail('npm ci (see above)');
  for (const problem of await provision()) tally.fail(problem);
  if (!(await ensureBuilt())) tally.fail('the build of dist (see above)');
  // With arguments each test provides what it needs itself.
  const { problems } = args.length === 0 ? await provideTools() : { problems: [] };
  for (const problem of problems) tally.fail(problem);
  tally.add(await runVitest(['--project', 'ops', '--project', 'drills', ...args], { SELVAGE_OPS_LONG: '1' }));
}
