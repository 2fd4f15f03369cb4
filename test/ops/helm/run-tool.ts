import { execFile } from 'node:child_process';

const outputBytesMax = 64 * 1_024 * 1_024;

export interface ToolResult {
  /** 0 when it is content; -1 when it could not be started or was killed. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ToolOptions {
  /** Given to it as its standard input. */
  readonly input?: string;
  /** Beside ours. */
  readonly env?: Readonly<Record<string, string>>;
  /** Then it is killed; default 120 000. */
  readonly timeoutMs?: number;
}

/** Runs a command-line tool to its end. */
export function runTool(file: string, args: readonly string[], options: ToolOptions = {}): Promise<ToolResult> {
  const settings = { maxBuffer: outputBytesMax, env: { ...process.env, ...options.env }, timeout: options.timeoutMs ?? 120_000 };
  return new Promise((resolve) => {
    const child = execFile(file, args, settings, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, stdout, stderr: code === -1 && stderr === '' ? (error?.message ?? '') : stderr });
    });
    child.stdin?.on('error', () => undefined); // it may end before it has read all
    child.stdin?.end(options.input ?? '');
  });
}
