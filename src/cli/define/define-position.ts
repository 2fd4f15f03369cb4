import type { Command } from 'commander';
import type { PositionOptions } from '../position/explain-position.js';
import type { RunCommand } from '../command-context.js';

export function definePosition(program: Command, run: RunCommand): void {
  program
    .command('position')
    .summary('tell what a position says')
    .description('Decodes a position (the `id` of an event, `Last-Event-ID`): which topic, which partitions, up to which offset.')
    .argument('<id>', 'the position')
    .option('-c, --config <file>', 'names the topics by the routes of this file (or of SELVAGE_CONFIG)')
    .option('--live', 'asks Kafka, as configured: whether it is this cluster, and whether the log still has what comes behind the position')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      `
Examples:
  selvage position 1ne7i.9olqb-4-0-2
  selvage position 1ne7i.9olqb-4-0-2 --config selvage.yaml
  KAFKA_BROKERS=kafka-1:9092 selvage position "$ID" --config selvage.yaml --live

A topic stands in a position as a hash of its name and generation: without its route it cannot be named.

Exit codes: 0 it is a position, 1 it is none (or, with --live, it cannot be served whole), 2 the configuration cannot be used.`,
    )
    .action(async (id: string, options: PositionOptions) => {
      const { explainPosition } = await import('../position/explain-position.js');
      await run((context) => explainPosition(id, options, context));
    });
}
