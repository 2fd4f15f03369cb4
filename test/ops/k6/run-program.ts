import { execFile } from 'node:child_process';
import { repositoryPath } from '../../platform/run-folder.js';

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const outputBytesMax = 50_000_000;

/** Runs a program from the top of the repository to its end; `code` is -1 when it was killed after `timeoutMs`. */
export function runProgram(
  file: string,
  args: readonly string[],
  timeoutMs = 60_000,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { cwd: repositoryPath, env, timeout: timeoutMs, killSignal: 'SIGKILL' as const, maxBuffer: outputBytesMax };
    execFile(file, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, stdout, stderr });
    });
  });
}

/** A script of the repository, by Node. */
export function runScript(path: string, args: readonly string[], timeoutMs?: number): Promise<Ended> {
  return runProgram(process.execPath, [path, ...args], timeoutMs);
}
