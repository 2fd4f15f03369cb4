import type { Command } from 'commander';
import type { LagOptions } from '../lag/tell-lag.js';
import { collect, wholeNumber } from '../parse-options.js';
import type { RunCommand } from '../command-context.js';

export function defineLag(program: Command, run: RunCommand): void {
  program
    .command('lag')
    .summary('tell how far indexers, window and nodes are')
    .description(
      'For every partition of the routed topics: what the log has, how far indexers are, and from where on the window vouches. Asks Kafka and Redis, no node.',
    )
    .option('--node <url>', 'admin port of a node, http://10.0.0.7:9090: how far its tail is (may be given again)', collect)
    .option('--max-lag <records>', 'end with 1 when more records than this are not indexed, or a node is further behind', wholeNumber(0))
    .option('-c, --config <file>', 'configuration file; goes before SELVAGE_CONFIG')
    .option('--json', 'print {partitions: [], window, indexers, nodes: []}')
    .addHelpText(
      'after',
      `
Examples:
  selvage lag --config selvage.yaml
  selvage lag --node http://10.0.0.7:9090 --node http://10.0.0.8:9090
  selvage lag --max-lag 1000 || echo the indexers are behind

Columns: LOW and END of the log; HIGH, the last offset that is in the window; LAG, records that are not indexed yet; FLOOR, the offset above
which the window vouches; COVERS, whether that reaches back over window.ageSeconds (after a start it does only when that time has passed).
Lag does not delay live events: it makes readers that come back read Kafka.

Exit codes: 0 done, 1 Kafka or a node does not answer or --max-lag was passed, 2 the command line or the configuration cannot be used.`,
    )
    .action(async (options: LagOptions) => {
      const { tellLag } = await import('../lag/tell-lag.js');
      await run((context) => tellLag(options, context));
    });
}
