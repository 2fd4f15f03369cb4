/** Processes of the bench: pinned to a core, and gone when the bench is gone, however it ended. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/**
 * The server under test is on one core, client and producer on the other. Kafka is on both: beside a client that never sleeps alone, its own network work is put off for
 * seconds.
 */
export const serverCore = 0;
export const loadCore = 1;

const hasSetpriv = existsSync('/usr/bin/setpriv');
const ticksPerSecond = 100;

/** A child whose output is read line by line; lines that are JSON objects are its messages. */
export class OwnProcess {
  #child;
  #messages = [];
  #waiting = [];
  #isOver = false;
  #errors = '';

  constructor(core, file, args, env = {}) {
    const guard = hasSetpriv ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL', '--'] : [];
    const [first, ...rest] = [...guard, 'taskset', '-c', String(core), file, ...args];
    this.#child = spawn(first, rest, { env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stdin.on('error', () => undefined);
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#take(line));
    this.#child.stderr.on('data', (text) => (this.#errors = (this.#errors + text).slice(-4_000)));
    const kill = () => this.#child.kill('SIGKILL');
    process.once('exit', kill);
    this.ended = new Promise((resolve) => this.#child.once('close', (code) => resolve(code)));
    void this.ended.then(() => {
      this.#isOver = true;
      process.off('exit', kill);
      for (const waiter of this.#waiting.splice(0)) waiter.reject(new Error(`${file} ${args.join(' ')} ended\n${this.#errors}`));
    });
  }

  /** taskset and setpriv replace themselves, so this is the program's own id. */
  get pid() {
    return this.#child.pid;
  }

  /** The next message; rejects when the process ends first. */
  next() {
    const message = this.#messages.shift();
    if (message !== undefined) return Promise.resolve(message);
    if (this.#isOver) return Promise.reject(new Error(`the process has ended\n${this.#errors}`));
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Sends a line and waits for the answer. */
  ask(line) {
    this.#child.stdin.write(`${line}\n`);
    return this.next();
  }

  async kill(signal = 'SIGKILL') {
    this.#child.kill(signal);
    await this.ended;
  }

  #take(line) {
    if (!line.startsWith('{')) return;
    const message = JSON.parse(line);
    const waiter = this.#waiting.shift();
    if (waiter === undefined) this.#messages.push(message);
    else waiter.resolve(message);
  }
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** CPU seconds that the process has used, user and system, all threads (/proc/<pid>/stat, to 10 ms). */
export function cpuSeconds(pid) {
  const fields = statFields(pid);
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Resident bytes of the process. */
export function residentBytes(pid) {
  return Number(statFields(pid)[21]) * 4_096;
}

/** Share of a core that the process takes over the next `seconds`. */
export async function cpuShare(pid, seconds) {
  const startMs = performance.now();
  const before = cpuSeconds(pid);
  await sleep(seconds * 1_000);
  return ((cpuSeconds(pid) - before) * 1_000) / (performance.now() - startMs);
}

function statFields(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}
