import type { Command } from 'commander';
import { durationSeconds, wholeNumber } from '../parse-options.js';
import type { RunCommand } from '../command-context.js';
import type { TopicsOptions } from '../topics/tend-topics.js';

export function defineTopics(program: Command, run: RunCommand): void {
  program
    .command('topics')
    .summary('list the topics that the configuration needs, and create them')
    .description(
      'Tells which topics the configuration needs and how they are; with --create makes those that are missing. Never changes one that exists.',
    )
    .argument('[topics...]', 'these alone; default: those of the routes, the control topic and that of dead letters')
    .option('--create', 'create what is missing')
    .option('--dry-run', 'with --create: tell what would be created')
    .option('--partitions <count>', 'partitions of a topic of routes', wholeNumber(1, 10_000), 12)
    .option('--replication <count>', 'replicas; default: 3, or as many as there are brokers', wholeNumber(1, 100))
    .option('--retention <time>', 'retention of a topic of routes', durationSeconds, 7 * 86_400)
    .option('--wait <time>', 'how long to wait for Kafka to answer', durationSeconds)
    .option('-c, --config <file>', 'configuration file; goes before SELVAGE_CONFIG')
    .option('--json', 'print a list of {topic, use, state, partitions, replication, settings, remarks}')
    .addHelpText(
      'after',
      `
Examples:
  KAFKA_BROKERS=kafka-1:9092 selvage topics --config selvage.yaml
  selvage topics --create --wait 2m                     what the chart's job runs
  selvage topics --create --partitions 48 shop.orders   one of them, by hand
  selvage topics --create --dry-run

Created are: topics of routes with cleanup.policy=delete (compact, where the route says compacted: current-state) and the retention given;
the control topic with one partition and a retention longer than any token lives; the dead-letter topic with one partition and 14 days. With 3
replicas min.insync.replicas is 2. Leaders are never elected uncleanly.

Exit codes: 0 all are there, 1 one is missing or may not be created, 2 the command line or the configuration cannot be used.`,
    )
    .action(async (topics: readonly string[], options: TopicsOptions) => {
      const { tendTopics } = await import('../topics/tend-topics.js');
      await run((context) => tendTopics(topics, options, context));
    });
}
