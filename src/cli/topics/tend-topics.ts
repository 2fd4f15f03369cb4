import type { Config } from '../../config/config.js';
import type { KafkaSurvey, SurveyedTopic } from '../../log/kafka/kafka-survey.js';
import type { CommandContext } from '../command-context.js';
import { CommandError } from '../command-context.js';
import { escapeJson, escapeText } from '../escape-text.js';
import { exitCodes } from '../exit-codes.js';
import { readConfig } from '../read-config.js';
import { formatTable } from '../table.js';
import { withKafka } from '../with-kafka.js';
import { judgeTopic } from './judge-topic.js';
import { neededTopics } from './needed-topics.js';
import type { NeededTopic } from './needed-topics.js';

export interface TopicsOptions {
  readonly create?: true;
  readonly dryRun?: true;
  readonly partitions: number;
  readonly replication?: number;
  /** Seconds. */
  readonly retention: number;
  /** Seconds. */
  readonly wait?: number;
  readonly config?: string;
  readonly json?: true;
}

type State = 'there' | 'created' | 'missing' | 'would be created' | 'may not be created';

interface Tended {
  readonly needed: NeededTopic;
  readonly state: State;
  readonly found: SurveyedTopic | null;
  readonly replication: number;
}

const pauseMs = 2_000;
const replicationWanted = 3;

/** Lists the topics, creates them when it is asked to; the exit code. */
export async function tendTopics(names: readonly string[], options: TopicsOptions, { env, terminal }: CommandContext): Promise<number> {
  const config = readConfig(env, options.config);
  if (options.retention <= config.window.ageSeconds) {
    throw new CommandError(`--retention must be longer than window.ageSeconds (${config.window.ageSeconds} s)`, exitCodes.unusable);
  }
  const tended = await withKafka(config, async (survey) => {
    const brokerCount = await countBrokers(survey, options.wait ?? 0);
    const replication = options.replication ?? Math.min(replicationWanted, brokerCount);
    const shape = { partitions: options.partitions, replication, retentionMs: options.retention * 1_000 };
    const needed = choose(neededTopics(config, shape), names);
    const results: Tended[] = [];
    for (const one of needed) results.push(await tend(survey, one, replication, options));
    return results;
  });
  if (options.json) await terminal.out.line(escapeJson(JSON.stringify(tended.map((one) => asFields(one, config)))));
  else await writeTable(tended, config, terminal);
  return tended.every(({ state }) => state === 'there' || state === 'created' || state === 'would be created')
    ? exitCodes.ok
    : exitCodes.failure;
}

/** Waits until Kafka answers, for so many seconds. */
async function countBrokers(survey: KafkaSurvey, waitSeconds: number): Promise<number> {
  const untilMs = performance.now() + waitSeconds * 1_000;
  for (;;) {
    try {
      return (await survey.brokers()).length;
    } catch (error) {
      if (performance.now() + pauseMs > untilMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

function choose(needed: readonly NeededTopic[], names: readonly string[]): readonly NeededTopic[] {
  const unknown = names.filter((name) => !needed.some(({ topic }) => topic === name));
  if (unknown.length > 0) {
    const known = needed.map(({ topic }) => topic).join(', ');
    throw new CommandError(`the configuration does not need ${unknown.join(', ')}; it needs ${known}`, exitCodes.unusable);
  }
  return names.length === 0 ? needed : needed.filter(({ topic }) => names.includes(topic));
}

async function tend(survey: KafkaSurvey, needed: NeededTopic, replication: number, options: TopicsOptions): Promise<Tended> {
  const found = await survey.topic(needed.topic);
  if (found !== null) return { needed, state: 'there', found, replication: found.partitions[0]?.replicas.length ?? 0 };
  if (!options.create) return { needed, state: 'missing', found, replication };
  if (options.dryRun) return { needed, state: 'would be created', found, replication };
  const wanted = { topic: needed.topic, partitionCount: needed.partitionCount, replicationFactor: replication, settings: needed.settings };
  const outcome = await survey.createTopic(wanted);
  const state = outcome === 'forbidden' ? 'may not be created' : outcome === 'exists' ? 'there' : 'created';
  return { needed, state, found: null, replication };
}

function remarksOn({ needed, found }: Tended, config: Config): readonly string[] {
  return found === null ? [] : judgeTopic(needed, found, config).map(({ what, mend }) => (mend === null ? what : `${what}: ${mend}`));
}

function asFields(one: Tended, config: Config): Readonly<Record<string, unknown>> {
  const { needed, found, state, replication } = one;
  return {
    topic: needed.topic,
    use: needed.use,
    state,
    partitions: found?.partitions.length ?? needed.partitionCount,
    replication,
    settings: found === null ? needed.settings : settingsShown(needed, found),
    remarks: remarksOn(one, config),
  };
}

/** Those of an existing topic that we would set. */
function settingsShown({ settings }: NeededTopic, { settings: found }: SurveyedTopic): Readonly<Record<string, string>> | null {
  if (found === null) return null;
  const names = new Set(['cleanup.policy', 'retention.ms', ...Object.keys(settings)]);
  return Object.fromEntries([...names].flatMap((name) => (found.has(name) ? [[name, found.get(name) ?? '']] : [])));
}

async function writeTable(tended: readonly Tended[], config: Config, { out, err }: CommandContext['terminal']): Promise<void> {
  const rows = tended.map(({ needed, found, state, replication }) => {
    const settings = (found === null ? needed.settings : settingsShown(needed, found)) ?? {};
    const isThere = found !== null || state === 'created' || state === 'would be created';
    return [
      escapeText(needed.topic),
      needed.use,
      state,
      isThere ? (found?.partitions.length ?? needed.partitionCount) : '-',
      isThere ? replication : '-',
      isThere ? (settings['cleanup.policy'] ?? '?') : '-',
      isThere ? retentionText(settings['retention.ms'], settings['cleanup.policy']) : '-',
    ];
  });
  for (const line of formatTable(['TOPIC', 'FOR', 'STATE', 'PARTITIONS', 'REPLICAS', 'CLEANUP', 'RETENTION'], rows)) await out.line(line);
  for (const one of tended) {
    for (const remark of remarksOn(one, config))
      await err.line(`${err.paint.yellow('remark')}: ${escapeText(one.needed.topic)} ${escapeText(remark)}`);
  }
  const missing = tended.filter(({ state }) => state === 'missing');
  if (missing.length > 0) await err.line('what is missing is created by: selvage topics --create');
}

function retentionText(ms: string | undefined, policy: string | undefined): string {
  if (policy === 'compact') return '-';
  if (ms === undefined) return '?';
  const value = Number(ms);
  if (value < 0) return 'for ever';
  return value % 86_400_000 === 0 ? `${value / 86_400_000} d` : value % 3_600_000 === 0 ? `${value / 3_600_000} h` : `${value / 1_000} s`;
}
