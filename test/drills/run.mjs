/**
 * `npm run drills [-- word …]`: every fault that the shipped alerts are about, in a running deployment, watched by a real Prometheus and Alertmanager; only drills whose
 * names hold one of the words. `npm run drills -- upgrade [--minutes 5] [--previous <ref or folder>]`: the previous build and this one mixed under load.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensureBuilt } from '../../scripts/build.mjs';
import { ensureInstalled, root } from '../../scripts/install.mjs';
import { provision } from '../../scripts/provision.mjs';

const usage = 'usage: npm run drills -- [word …]\n       npm run drills -- upgrade [--minutes 5] [--previous <ref or folder>] [--seed N]\n';
const words = [];
const flags = new Map();
const args = process.argv.slice(2);
for (let i = 0; i < args.length; i++) {
  if (!args[i].startsWith('--')) words.push(args[i]);
  else if (['--minutes', '--previous', '--seed'].includes(args[i]) && args[i + 1] !== undefined) flags.set(args[i], args[++i]);
  else fail(usage, 2);
}
const isUpgrade = words[0] === 'upgrade';
if (isUpgrade ? words.length > 1 : flags.size > 0) fail(usage, 2);
if (flags.has('--minutes') && !(Number(flags.get('--minutes')) > 0)) fail('--minutes must be a number above 0\n', 2);

if (!(await ensureInstalled()) || !(await ensureBuilt())) process.exit(1);
for (const problem of await provision(['kafka', 'redis', 'kcat'])) fail(`${problem}\n`, 1);
const env = { ...process.env };
for (const [flag, name] of [
  ['--minutes', 'UPGRADE_MINUTES'],
  ['--previous', 'UPGRADE_PREVIOUS'],
  ['--seed', 'SEED'],
]) {
  if (flags.has(flag)) env[name] = flags.get(flag);
}
if (!isUpgrade && words.length > 0) env.DRILLS = words.join(',');
const file = isUpgrade ? 'test/drills/upgrade' : 'test/drills/drills.test.ts';
const line = [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', file, '--project', 'drills', '--disable-console-intercept'];
const vitest = spawn(process.execPath, line, { cwd: root, stdio: 'inherit', env });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => vitest.kill(signal));
vitest.once('close', (code) => (process.exitCode = code ?? 1));

function fail(text, code) {
  process.stderr.write(text);
  process.exit(code);
}
