import { spawn } from 'node:child_process';

const saidCharactersMax = 100_000;

/**
 * Runs a command to its end without holding up this process, so that several can be waited for at once.
 *
 * @param {string} file
 * @param {readonly string[]} args
 * @param {object} [options]
 * @param {string} [options.cwd]
 * @param {Record<string, string | undefined>} [options.env] the whole environment; default: ours
 * @param {number} [options.timeoutMs] then it is killed; default: never
 * @param {boolean} [options.isShown] what it says goes to our stderr as it comes, instead of being kept
 * @returns {Promise<{ code: number, said: string }>} -1 when it could not be started or was killed; the last 100,000 characters of both its outputs
 */
export function run(file, args, options = {}) {
  const output = options.isShown ? 2 : 'pipe';
  const child = spawn(file, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: options.env ?? process.env,
    stdio: ['ignore', output, output],
    timeout: options.timeoutMs ?? 0,
    killSignal: 'SIGKILL',
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text) => (said = (said + text).slice(-saidCharactersMax)));
  }
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: -1, said: error.message }));
    child.once('close', (code) => resolve({ code: code ?? -1, said: said.trim() }));
  });
}
