import type { Terminal } from './terminal.js';

/** What a command is given of the process that it runs in. */
export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly terminal: Terminal;
  /** Standard input; null when it is a terminal, so that a command does not wait for somebody who does not know of it. */
  readonly stdin: AsyncIterable<Uint8Array> | null;
  /** Aborts at the first SIGINT or SIGTERM after this call; the second ends the process. */
  listenForInterrupt(): AbortSignal;
}

/** Runs a command that returns its exit code, with which the process ends. */
export type RunCommand = (command: (context: CommandContext) => Promise<number>) => Promise<void>;

/** A failure that is told in one sentence, without a stack. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}

/** The message of an error, with that of its cause where that says more (`fetch failed`). */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  // Several addresses of one name: each has failed for a reason of its own.
  const inner = cause instanceof AggregateError ? cause.errors.map((one) => reasonOf(one)).join('; ') : cause.message;
  return inner === '' || error.message.includes(inner)
    ? error.message
    : error.message === 'fetch failed'
      ? inner
      : `${error.message} (${inner})`;
}
