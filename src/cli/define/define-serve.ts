import type { Command } from 'commander';

export function defineServe(program: Command): void {
  program
    .command('serve')
    .summary('run a node (what happens without a command)')
    .description(
      'Runs a node: edge, indexer or both (SELVAGE_ROLES), until SIGTERM or SIGINT. Without KAFKA_BROKERS everything is in its memory.',
    )
    .option('-c, --config <file>', 'configuration file; goes before SELVAGE_CONFIG')
    .addHelpText(
      'after',
      `
Examples:
  selvage                                        try it: everything in memory, http://127.0.0.1:8080
  KAFKA_BROKERS=kafka-1:9092 REDIS_URL=redis://redis:6379 selvage serve --config selvage.yaml
  SELVAGE_ROLES=indexer selvage serve            an indexer alone

Exit codes: 0 stopped as asked, 1 could not start, 2 the configuration cannot be used.`,
    )
    .action(async ({ config }: { readonly config?: string }) => {
      const { serve } = await import('../serve.js');
      await serve(config);
    });
}
