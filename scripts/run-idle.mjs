import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { root } from './install.mjs';

const saidCharactersMax = 1_000_000;
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Runs a command in what the machine has left over while tests wait for servers. It has the idle scheduling class, and a session whose share of the processor is
 * the smallest there is (sched(7): where sessions share it evenly, a low priority within one is worth nothing against another). What it says is kept.
 *
 * @param {string} file
 * @param {readonly string[]} args
 * @param {Record<string, string>} [env] beside ours
 * @returns {Promise<{ code: number, said: string }>} -1 when it could not be started or was killed
 */
export function runIdle(file, args, env = {}) {
  const guards = [...ifThere('setpriv', '--pdeathsig', 'KILL', '--'), ...ifThere('chrt', '--idle', '0'), ...ifThere('nice', '-n', '19')];
  const lowered = 'echo 19 2>/dev/null > /proc/self/autogroup || true; exec "$@"';
  const child = spawn('/bin/sh', ['-c', lowered, 'sh', ...guards, file, ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  // The kernel ends the command with us (setpriv); what the command started must end, too.
  const kill = () => child.pid !== undefined && endGroup(child.pid);
  const killFor = (signal) => {
    kill();
    // Nobody else means to outlive it: it is as if nobody had listened.
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  };
  process.once('exit', kill);
  for (const signal of signals) process.once(signal, killFor);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => (said = (said + text).slice(-saidCharactersMax)));
  }
  return new Promise((resolve) => {
    const end = (code, text) => {
      process.off('exit', kill);
      for (const signal of signals) process.off(signal, killFor);
      resolve({ code, said: text });
    };
    child.once('error', (error) => end(-1, error.message));
    child.once('close', (code) => end(code ?? -1, said));
  });
}

function endGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ended already
  }
}

function ifThere(command, ...args) {
  const path = ['/usr/bin', '/bin'].map((folder) => `${folder}/${command}`).find((candidate) => existsSync(candidate));
  return path ? [path, ...args] : [];
}
