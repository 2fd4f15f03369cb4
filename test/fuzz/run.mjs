/** `npm run fuzz -- [--minutes 10] [--seed N] [--case N]`: the long form of the fuzz test. The seed is printed; a case is the same under the same seed on every machine. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensureBuilt } from '../../scripts/build.mjs';
import { ensureInstalled, root } from '../../scripts/install.mjs';

const names = { '--minutes': 'FUZZ_MINUTES', '--seed': 'SEED', '--case': 'FUZZ_CASE' };
const env = { ...process.env, FUZZ_MINUTES: '10' };
const args = process.argv.slice(2);
for (let i = 0; i < args.length; i += 2) {
  const name = names[args[i]];
  if (name === undefined || !(Number(args[i + 1]) >= 0)) {
    process.stderr.write('usage: npm run fuzz -- [--minutes 10] [--seed N] [--case N]\n');
    process.exit(2);
  }
  env[name] = args[i + 1];
}
if (!(await ensureInstalled()) || !(await ensureBuilt())) process.exit(1);
const line = [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', '--project', 'fuzz', '--disable-console-intercept'];
const vitest = spawn(process.execPath, line, { cwd: root, stdio: 'inherit', env });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => vitest.kill(signal));
vitest.once('close', (code) => (process.exitCode = code ?? 1));
