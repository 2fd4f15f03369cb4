import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { prometheusFolder } from './rule-files.js';

const run = promisify(execFile);

/** What the tool prints when it is content, started beside the rules; throws with what it prints when it is not. */
export async function runTool(path: string, ...args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await run(path, args, { cwd: prometheusFolder }).catch((error: unknown) => {
    const { stdout: out = '', stderr: err = '' } = error as { readonly stdout?: string; readonly stderr?: string };
    throw new Error(`${args.join(' ')}\n${out}${err}`, { cause: error });
  });
  return stdout + stderr;
}
