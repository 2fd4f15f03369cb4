import type { Command } from 'commander';
import { collect, collectPair, durationSeconds, wholeNumber } from '../parse-options.js';
import { addRemoteOptions } from '../remote.js';
import type { RunCommand } from '../command-context.js';
import type { TailOptions } from '../tail/tail-channels.js';

export function defineTail(program: Command, run: RunCommand): void {
  const command = program
    .command('tail')
    .summary('follow channels')
    .description(
      'Follows channels of a node or a cluster. Comes back by itself after a drop, behind the last event that it had; a gap is told where one is.',
    )
    .argument('[channels...]', 'channels, as they are written');
  addRemoteOptions(command)
    .option('--path <path>', 'address of a named stream, instead of channels: /api/v1/sse/tasks/t1/progress')
    .option('-t, --type <types>', 'only events of these types (commas; may be given again)', collect)
    .option('-a, --attribute <name=value>', 'only events with this attribute (may be given again)', collectPair)
    .option('--until <types>', 'end behind the first event of one of these types', collect)
    .option('--since <time>', 'begin in the past: 30s, 5m, 2h, 1d, 2026-01-31T12:00:00Z')
    .option('--rewind <count>', 'begin with the last events of each channel', wholeNumber(0))
    .option('--last-event-id <position>', 'begin behind this position (tail prints it when it is interrupted)')
    .option('-n, --count <count>', 'end after so many events', wholeNumber(1))
    .option('--json', 'a JSON object a line: kind is event, gap, position, open, drop or close; data as written in the record')
    .option('--positions', 'show the position of each event')
    .option('--fail-on-gap', 'end with 4 at a gap')
    .option('--silence <time>', 'come back when nothing came for so long', durationSeconds, 45)
    .addHelpText(
      'after',
      `
Examples:
  selvage tail task.t1 task.t2                       both, live
  selvage tail orders --since 15m --json | jq .data  the last 15 minutes, then live
  selvage tail task.t1 --until complete,error        ends with the task
  selvage tail orders --last-event-id 1ne7i.9olqb-4-0-2
  SELVAGE_URL=https://sse.example.com SELVAGE_TOKEN_FILE=token selvage tail user.alice.news
  selvage tail --path /api/v1/sse/tasks/t1/progress  a named stream

Events go to standard output, what happens to the connection to standard error (with --json all of it to standard output).
Control characters in events are shown as \\u001b, never sent to the terminal.

Exit codes: 0 a terminal event or --count ended it, 1 refused or not reachable, 2 command line, 3 the server said not to come back,
4 a gap with --fail-on-gap, 130 interrupted (the last position is printed).`,
    )
    .action(async (channels: readonly string[], options: TailOptions) => {
      const { tailChannels } = await import('../tail/tail-channels.js');
      await run((context) => tailChannels(channels, options, context));
    });
}
