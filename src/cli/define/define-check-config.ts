import type { Command } from 'commander';
import type { RunCommand } from '../command-context.js';

export function defineCheckConfig(program: Command, run: RunCommand): void {
  program
    .command('check-config')
    .summary('tell every problem of the configuration at once')
    .description(
      'Reads the configuration as a node would, and tells every problem with its path, and what works less well than one might think. Asks no server.',
    )
    .argument('[file]', 'configuration file; goes before SELVAGE_CONFIG')
    .option('-c, --config <file>', 'the same')
    .option('--show', 'print the configuration that results, without secrets, as JSON')
    .option('--json', 'print {ok, problems: [{path, message}], notices: []}')
    .addHelpText(
      'after',
      `
Examples:
  selvage check-config selvage.yaml
  SELVAGE_CONFIG=selvage.yaml selvage check-config --show | less
  selvage check-config --json selvage.yaml | jq '.problems[].path'

Exit codes: 0 it can be used (notices may be told), 2 it cannot.`,
    )
    .action(async (file: string | undefined, options: { readonly config?: string; readonly show?: true; readonly json?: true }) => {
      const { checkConfiguration } = await import('../check-config/check-configuration.js');
      await run((context) => checkConfiguration({ ...options, path: file ?? options.config }, context));
    });
}
