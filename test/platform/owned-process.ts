import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { markChild } from './run-folder.js';

export interface ProcessOptions {
  readonly file: string;
  readonly args: readonly string[];
  /** From `makeRunFolder`; the log is `<name>.log` in it. */
  readonly folder: string;
  readonly name: string;
  /** The whole environment of the child; default: ours. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

const setprivPath = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path));

/**
 * A child process that cannot outlive the test runner: it has a group of its own that is killed when the runner exits, the kernel kills it when the runner is
 * killed (`setpriv --pdeathsig`, where there is one), and the mark in its folder lets the next run sweep it. Output goes to a file.
 */
export class OwnedProcess {
  readonly name: string;
  readonly logPath: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #hasEnded = false;

  constructor(options: ProcessOptions) {
    this.name = options.name;
    this.logPath = join(options.folder, `${options.name}.log`);
    const log = openSync(this.logPath, 'a');
    const guard = setprivPath ? [setprivPath, '--pdeathsig', 'KILL', '--'] : [];
    const [file = options.file, ...args] = [...guard, options.file, ...options.args];
    this.#child = spawn(file, args, {
      cwd: options.cwd ?? options.folder,
      env: options.env ?? process.env,
      stdio: ['ignore', log, log],
      detached: true,
    });
    closeSync(log);
    const killAtExit = (): void => {
      this.kill();
    };
    process.once('exit', killAtExit);
    this.#ended = new Promise((resolve) => {
      const end = (code: number | null): void => {
        this.#hasEnded = true;
        process.off('exit', killAtExit);
        resolve(code);
      };
      this.#child.once('exit', end);
      this.#child.once('error', () => {
        end(null); // could not be started: the wait for readiness tells
      });
    });
    if (this.#child.pid !== undefined) markChild(options.folder, this.#child.pid);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get isRunning(): boolean {
    return !this.#hasEnded;
  }

  /** Settles when the process has ended: its exit code, or null after a signal. */
  get ended(): Promise<number | null> {
    return this.#ended;
  }

  /** Sends a signal to the whole group; does nothing when it has ended. */
  signal(name: NodeJS.Signals): void {
    if (this.#hasEnded || this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, name);
    } catch {
      // ended between the look and the signal
    }
  }

  kill(): void {
    this.signal('SIGKILL');
  }

  /** SIGTERM, and SIGKILL when that has not ended it within `graceMs`. Returns whether it ended by itself. */
  async stop(graceMs: number): Promise<boolean> {
    this.signal('SIGTERM');
    let isForced = false;
    const timer = setTimeout(() => {
      isForced = true;
      this.kill();
    }, graceMs);
    await this.#ended;
    clearTimeout(timer);
    return !isForced;
  }

  /** The end of the log, for messages of failures. */
  logTail(lines = 40): string {
    try {
      return readFileSync(this.logPath, 'utf8').split('\n').slice(-lines).join('\n');
    } catch {
      return '(no log)';
    }
  }
}
