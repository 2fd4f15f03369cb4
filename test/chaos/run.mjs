/**
 * `npm run chaos -- [--minutes 10] [--seed N] [--faults name,name]`: the long form of the chaos test. Half of the minutes with one broker, half with three. The seed is
 * printed; the same seed gives the same faults in the same order. `--faults` takes only faults whose names hold one of the words.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensureBuilt } from '../../scripts/build.mjs';
import { ensureInstalled, root } from '../../scripts/install.mjs';
import { provision } from '../../scripts/provision.mjs';

const given = new Map([
  ['--minutes', '10'],
  ['--seed', String(Math.floor(Math.random() * 1_000_000))],
]);
const args = process.argv.slice(2);
for (let i = 0; i < args.length; i += 2) {
  const [flag, value] = [args[i], args[i + 1]];
  if (!['--minutes', '--seed', '--faults'].includes(flag) || value === undefined) {
    process.stderr.write('usage: npm run chaos -- [--minutes 10] [--seed N] [--faults name,name]\n');
    process.exit(2);
  }
  given.set(flag, value);
}
if (!(Number(given.get('--minutes')) > 0) || !Number.isInteger(Number(given.get('--seed')))) {
  process.stderr.write('--minutes must be a number above 0, --seed a whole number\n');
  process.exit(2);
}

if (!(await ensureInstalled()) || !(await ensureBuilt())) process.exit(1);
for (const problem of await provision(['kafka', 'redis', 'kcat'])) {
  process.stderr.write(`${problem}\n`);
  process.exit(1);
}
const env = { ...process.env, CHAOS_MINUTES: given.get('--minutes'), SEED: given.get('--seed') };
if (given.has('--faults')) env.CHAOS_FAULTS = given.get('--faults');
const line = [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', '--project', 'chaos', '--disable-console-intercept'];
const vitest = spawn(process.execPath, line, { cwd: root, stdio: 'inherit', env });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => vitest.kill(signal));
vitest.once('close', (code) => (process.exitCode = code ?? 1));
