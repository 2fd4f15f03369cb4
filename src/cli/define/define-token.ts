import type { Command } from 'commander';
import { collect, collectPair, durationSeconds } from '../parse-options.js';
import type { RunCommand } from '../command-context.js';
import type { TokenOptions } from '../token/mint-token.js';

export function defineToken(program: Command, run: RunCommand): void {
  program
    .command('token')
    .summary('mint a token for development')
    .description(
      'Signs a token with the secret of the configuration (SELVAGE_JWT_SECRET, its _FILE, or an issuer with a secret), for trying things out.',
    )
    .option('--sub <subject>', 'who it is', 'me')
    .option('--read <pattern>', 'channels that may be read: `*` is one segment, `**` the rest (commas; may be given again)', collect)
    .option('--publish <pattern>', 'channels that may be published to (likewise)', collect)
    .option('--ttl <time>', 'how long it lives: 90s, 15m, 8h', durationSeconds, 3_600)
    .option('--tenant <tenant>', 'with whom budgets are shared')
    .option('--claim <name=value>', 'another claim; a value that is JSON is one (may be given again)', collectPair)
    .option('--issuer <name>', 'which issuer of the configuration signs; default: the first with a secret')
    .option('--secret-file <file>', 'sign with the secret in this file instead')
    .option('-c, --config <file>', 'configuration file; goes before SELVAGE_CONFIG')
    .addHelpText(
      'after',
      `
Examples:
  export SELVAGE_JWT_SECRET=$(openssl rand -hex 32)
  SELVAGE_TOKEN=$(selvage token --sub alice --read 'user.alice.**,news.*' --ttl 8h) selvage tail news.today
  selvage token --read '**' --publish '**'                 may do everything, for an hour
  selvage token --claim roles='["admin"]' --claim aud=other

The token goes to standard output, what it says to standard error when that is a terminal.
Who can run this has the secret: in production tokens come from your identity provider.

Exit codes: 0 done, 1 there is no secret to sign with, 2 the command line or the configuration cannot be used.`,
    )
    .action(async (options: TokenOptions) => {
      const { mintToken } = await import('../token/mint-token.js');
      await run((context) => mintToken(options, context));
    });
}
