import { Option } from 'commander';
import type { Command } from 'commander';
import type { DoctorOptions } from '../doctor/doctor-options.js';
import { collectChoices, durationSeconds } from '../parse-options.js';
import type { RunCommand } from '../command-context.js';

const areas = ['process', 'certificates', 'identity', 'kafka', 'topics', 'redis', 'window', 'url'];

export function defineDoctor(program: Command, run: RunCommand): void {
  program
    .command('doctor')
    .summary('tell what is wrong, and how to mend it')
    .description(
      'Looks at everything that a node with this configuration needs: this machine, certificates, identity, Kafka, topics, Redis, the window, and with --url the way through proxies. Changes nothing, unless --publish is given.',
    )
    .option('-c, --config <file>', 'configuration file; goes before SELVAGE_CONFIG')
    .option('-u, --url <url>', 'public address: opens streams through whatever stands in front')
    .option('--channel <channel>', 'with --url: a channel that may be read', 'demo')
    .option('--token <token>', 'with --url: bearer token (SELVAGE_TOKEN)')
    .option('--token-file <file>', 'with --url: file with the bearer token (SELVAGE_TOKEN_FILE)')
    .option('--hold <time>', 'with --url: how long a stream is held; default: two keep-alives and 5 s', durationSeconds)
    .option('--publish', 'with --url: publishes an event of type selvage-doctor to the channel, and measures until it arrives')
    .addOption(
      new Option('--only <areas>', `look at these alone, with commas or given again: ${areas.join(', ')}`).argParser(collectChoices(areas)),
    )
    .option('--strict', 'end with 1 for warnings, too')
    .option('--json', 'print {ok, findings: [{area, level, what, mend}]}')
    .addHelpText(
      'after',
      `
Examples:
  selvage doctor --config selvage.yaml
  kubectl exec deploy/selvage-edge -- node dist/main.js doctor     limits and reachability as the node has them
  selvage doctor --url https://sse.example.com --channel task.t1 --hold 75s --only url
  selvage doctor --json | jq '.findings[] | select(.level != "ok")'

Run it where the node runs: limits of the process and names of brokers are those of the place. Whether the user may write to a topic cannot be
asked of Kafka without writing; what the user may not see is told.

Exit codes: 0 nothing fails (there may be warnings), 1 something fails, 2 the command line or the configuration cannot be used.`,
    )
    .action(async (options: DoctorOptions) => {
      const { runDoctor } = await import('../doctor/run-doctor.js');
      await run((context) => runDoctor(options, context));
    });
}
