import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { repositoryPath } from '../../platform/run-folder.js';
import { waitFor } from '../../platform/wait-for.js';

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A command under way, as a shell would start it: `node dist/main.js …`, with nothing of our environment but PATH and HOME. */
export class RunningCommand {
  readonly #process: ChildProcess;
  readonly #ended: Promise<number | null>;
  out = '';
  err = '';

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}, input?: string) {
    const base = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' };
    this.#process = spawn(process.execPath, [join(repositoryPath, 'dist', 'main.js'), ...args], {
      env: { ...base, ...env },
      stdio: 'pipe',
    });
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => (this.out += text));
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.err += text));
    this.#ended = new Promise((resolve) => this.#process.once('close', (code) => resolve(code)));
    this.#process.stdin?.end(input);
    onTestFinished(() => void this.#process.kill('SIGKILL'));
  }

  get lines(): readonly string[] {
    return this.out.split('\n').filter((line) => line !== '');
  }

  /** The lines as JSON objects. */
  get objects(): readonly Readonly<Record<string, unknown>>[] {
    return this.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  async waitFor(isThere: (command: this) => boolean, what: string): Promise<void> {
    await waitFor(() => isThere(this), { what: `${what}; so far:\n${this.out}\n${this.err}`, timeoutMs: 30_000 });
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  async end(): Promise<Ran> {
    const code = await this.#ended;
    return { code, out: this.out, err: this.err };
  }
}

/** Runs a command to its end. */
export function runCli(args: readonly string[], env: Readonly<Record<string, string>> = {}, input = ''): Promise<Ran> {
  return new RunningCommand(args, env, input).end();
}
