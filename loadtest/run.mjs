/**
 * `npm run loadtest -- <scenario>`: starts what the scenario needs, runs it, and ends with k6's own code: 0, or 99 when a threshold was crossed.
 *
 *   npm run loadtest -- smoke                            an embedded node, seconds
 *   npm run loadtest -- steady --target two              two nodes behind nginx, with Kafka and Redis, all as processes here
 *   npm run loadtest -- reconnect-storm --target two --kill      one node is killed in the middle, and started again
 *   npm run loadtest -- steady --target https://events.example.com --env TOKEN=…
 *   npm run loadtest -- lean --streams 10000             the lean generator instead of k6: more streams on one machine (generator/README.md)
 *
 *   --target NAME|URL,…    embedded (default), one, two, cluster, or what runs already
 *   --streams N  --channels N  --rate N  --seconds N     instead of the scenario's own; rate is events a second over all channels
 *   --env NAME=VALUE       anything else that a scenario reads (k6/README.md); may be repeated
 *   --kill                 kills a node of `two` or `cluster` once the streams are open, and starts it again 5 s later
 *   --prometheus URL       k6 writes its metrics to that Prometheus (remote write)
 *   --summary FILE         the figures as JSON
 *   --program FILE         the node, instead of dist/main.js built now
 *   -- …                   everything behind it goes to k6 as it is
 */
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureBuilt } from '../scripts/build.mjs';
import { runK6 } from './k6/run-k6.mjs';
import { runLean } from './generator/run-lean.mjs';
import { startTarget } from './target/targets.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const scenarios = readdirSync(join(here, 'k6', 'scenarios')).map((file) => file.replace(/\.js$/, ''));
const text = { type: 'string' };

try {
  process.exitCode = await runAll(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`loadtest: ${error.message}\n`);
  process.exitCode = 1;
}

async function runAll(args) {
  const behind = args.indexOf('--');
  const own = behind < 0 ? args : args.slice(0, behind);
  const passedOn = behind < 0 ? [] : args.slice(behind + 1);
  const [scenario, ...flags] = own;
  if (scenario === 'lean') return runLean(flags);
  if (!scenarios.includes(scenario)) throw new Error(`${scenario ?? 'no scenario'}: there are ${[...scenarios, 'lean'].join(', ')}`);
  const { values } = parseArgs({
    args: flags,
    options: {
      ...{ target: { type: 'string', default: 'embedded' }, streams: text, channels: text, rate: text, seconds: text },
      ...{
        prometheus: text,
        summary: text,
        program: text,
        kill: { type: 'boolean' },
        env: { type: 'string', multiple: true, default: [] },
      },
    },
  });
  if (values.kill && !['two', 'cluster'].includes(values.target)) throw new Error('--kill needs --target two or cluster');
  const isOurs = !values.target.startsWith('http');
  if (isOurs && values.program === undefined && !(await ensureBuilt())) throw new Error('the program could not be built (see above)');
  const target = await startTarget(values.target, { program: values.program });
  try {
    const env = environmentOf(values, target);
    return await runK6({
      scenario,
      env,
      prometheus: values.prometheus,
      summary: values.summary,
      args: passedOn,
      during: killing(values, target),
    });
  } finally {
    await target.close();
  }
}

function environmentOf(values, target) {
  const given = { KILLS: values.kill ? '1' : undefined, CA_FILE: target.caPath };
  const present = Object.entries(given).filter(([, value]) => value !== undefined);
  const env = { BASE_URL: target.baseUrls.join(','), PUBLISH_URL: target.publishUrl, ...Object.fromEntries(present) };
  for (const name of ['streams', 'channels', 'rate', 'seconds']) if (values[name] !== undefined) env[name.toUpperCase()] = values[name];
  for (const one of values.env) {
    const at = one.indexOf('=');
    if (at < 1) throw new Error(`--env ${one}: NAME=VALUE is needed`);
    env[one.slice(0, at)] = one.slice(at + 1);
  }
  return env;
}

/** Kills the first node a while into the run, and starts it again; what is published goes to another. */
function killing({ kill }, { nodes }) {
  if (!kill) return undefined;
  return async (wait) => {
    await wait(25_000);
    process.stderr.write('loadtest: killing a node\n');
    await nodes[0].kill();
    await wait(5_000);
    await nodes[0].start();
    process.stderr.write('loadtest: it is back\n');
  };
}
