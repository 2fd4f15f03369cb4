import type { Command } from 'commander';
import { collectPair, wholeNumber } from '../parse-options.js';
import type { PublishOptions } from '../publish/publish-options.js';
import { addRemoteOptions } from '../remote.js';
import type { RunCommand } from '../command-context.js';

export function definePublish(program: Command, run: RunCommand): void {
  const command = program
    .command('publish')
    .summary('publish events over HTTP')
    .description('Publishes through a node: done when all in-sync replicas have it. Prints the position behind each event.')
    .argument('[channel]', 'channel; with --lines it may be left out, and each line is a whole event')
    .argument('[data]', 'the data, as it is to stand in the record; `-` or nothing: standard input');
  addRemoteOptions(command)
    .option('-t, --type <type>', 'type of the event')
    .option('-f, --file <file>', 'read the data from a file')
    .option('--user <user>', 'publish to the channel of this user (user.{user}.{channel} unless configured)')
    .option('--broadcast', 'publish to the channel for all, instead of a channel')
    .option('--key <key>', 'key of the record, where the route leaves it open')
    .option('-a, --attribute <name=value>', 'attribute of the event (may be given again)', collectPair)
    .option('--idempotency-key <key>', 'makes a repetition safe; with --lines each batch gets it with its number')
    .option('-l, --lines', 'each line of the input is one event (NDJSON): {"channel","type","data"}, or with a channel given its data')
    .option('--batch <count>', 'with --lines: events of one request', wholeNumber(1, 1_000), 100)
    .option('--json', 'print the results as JSON, one a line')
    .addHelpText(
      'after',
      `
Examples:
  selvage publish task.t1 '{"progress":40}' --type progress
  echo hello | selvage publish demo
  selvage publish news '{"title":"hi"}' --user alice
  selvage publish orders -f order.json --idempotency-key order-17
  selvage publish --lines < events.ndjson            {"channel":"task.t1","type":"progress","data":{"progress":40}}
  tail -F app.log | selvage publish logs --lines     a line is the data

The data is put into the record byte for byte. Prints: position, partition, offset.
With --lines a batch is asked again when the node says that nothing of it is in the log, 5 times at most.

Exit codes: 0 all of it is in the log, 1 some of it is not, or that is not known (each is told), 2 command line.`,
    )
    .action(async (channel: string | undefined, data: string | undefined, options: PublishOptions) => {
      const { publishEvents } = await import('../publish/publish-events.js');
      await run((context) => publishEvents(channel, data, options, context));
    });
}
