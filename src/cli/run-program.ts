import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { ConfigError } from '../config/config-error.js';
import type { CommandContext, RunCommand } from './command-context.js';
import { CommandError, reasonOf } from './command-context.js';
import { defineCheckConfig } from './define/define-check-config.js';
import { defineDoctor } from './define/define-doctor.js';
import { defineLag } from './define/define-lag.js';
import { definePosition } from './define/define-position.js';
import { definePublish } from './define/define-publish.js';
import { defineServe } from './define/define-serve.js';
import { defineTail } from './define/define-tail.js';
import { defineToken } from './define/define-token.js';
import { defineTopics } from './define/define-topics.js';
import { escapeText } from './escape-text.js';
import { exitCodes } from './exit-codes.js';
import { openTerminal } from './terminal.js';

const definitions = [
  defineServe,
  defineCheckConfig,
  defineTail,
  definePublish,
  definePosition,
  defineToken,
  defineLag,
  defineDoctor,
  defineTopics,
];

/** Reads the command line, runs the command, and ends the process with its exit code; `serve` goes on. */
export async function runProgram(args: readonly string[]): Promise<void> {
  const program = createProgram(async (command) => endProcess(await attempt(command, program)));
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version are errors to the library, with code 0.
    process.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.unusable;
  }
}

/** Every command with its options and help; what they do is loaded when they run. */
export function createProgram(run: RunCommand): Command {
  const program = new Command('selvage')
    .description('Carries Kafka records to browsers and services as Server-Sent Events. Without a command it serves.')
    .version(programVersion(), '-V, --version', 'tell the version')
    .option('--no-color', 'no colours; they are also off when NO_COLOR is set and where the output is no terminal')
    .helpCommand('help [command]', 'tell of a command')
    .showHelpAfterError('(selvage --help, or selvage <command> --help, says more)')
    .exitOverride();
  for (const define of definitions) define(program, run);
  for (const command of program.commands) command.exitOverride().showHelpAfterError(`(selvage ${command.name()} --help says more)`);
  return program.addHelpText(
    'after',
    `
Configuration comes from the environment and from the file that SELVAGE_CONFIG or --config names; every command reads it as a node does.
tail and publish talk to a node or a balancer instead: SELVAGE_URL, SELVAGE_TOKEN and SELVAGE_TOKEN_FILE stand for --url, --token and --token-file.
Exit codes: 0 done, 1 it failed, 2 the command line or the configuration cannot be used; more in the help of each command.`,
  );
}

async function attempt(command: (context: CommandContext) => Promise<number>, program: Command): Promise<number> {
  const { color } = program.opts<{ readonly color: boolean }>();
  const terminal = openTerminal(process.stdout, process.stderr, process.env, color);
  const { paint } = terminal.err;
  // Whoever reads us may have had enough: `selvage tail … | head -3`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? exitCodes.ok : exitCodes.failure));
  try {
    return await command({ env: process.env, terminal, stdin: process.stdin.isTTY ? null : process.stdin, listenForInterrupt });
  } catch (error) {
    if (error instanceof ConfigError) {
      await terminal.err.line('The configuration cannot be used:');
      for (const { path, message } of error.problems) await terminal.err.line(`  ${escapeText(path)}: ${escapeText(message)}`);
      return exitCodes.unusable;
    }
    await terminal.err.line(`${paint.red('error:')} ${escapeText(reasonOf(error))}`);
    return error instanceof CommandError ? error.exitCode : exitCodes.failure;
  }
}

function listenForInterrupt(): AbortSignal {
  const interrupt = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (interrupt.signal.aborted) process.exit(exitCodes.interrupted);
      interrupt.abort();
    });
  }
  return interrupt.signal;
}

/** Idle connections would keep the process for seconds; what was written goes first. */
async function endProcess(exitCode: number): Promise<never> {
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
  process.exit(exitCode);
}

function programVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string };
  return manifest.version;
}
