import type { CommandContext } from '../command-context.js';
import { escapeJson, escapeText } from '../escape-text.js';
import { exitCodes } from '../exit-codes.js';
import { readConfig } from '../read-config.js';
import { formatTable } from '../table.js';
import { askNode } from './ask-node.js';
import type { NodeLag } from './ask-node.js';
import { surveyLag } from './survey-lag.js';
import type { LagSurvey, PartitionLag } from './survey-lag.js';

export interface LagOptions {
  readonly node?: readonly string[];
  readonly maxLag?: number;
  readonly config?: string;
  readonly json?: true;
}

/** Tells how far everything is; the exit code. */
export async function tellLag(options: LagOptions, { env, terminal }: CommandContext): Promise<number> {
  const config = readConfig(env, options.config);
  const nodes = await Promise.all((options.node ?? []).map(askNode));
  // An embedded node has no Kafka to ask; its admin port still tells.
  const survey = config.isEmbedded && nodes.length > 0 ? null : await surveyLag(config);
  if (options.json) await terminal.out.line(escapeJson(JSON.stringify({ ...(survey ?? { partitions: [] }), nodes })));
  else {
    if (survey !== null) await writeSurvey(survey, terminal);
    for (const node of nodes) await terminal.out.line(nodeInWords(node));
  }
  const isAnswered = nodes.every(({ error }) => error === null);
  return isAnswered && !isBehind(options.maxLag ?? Number.POSITIVE_INFINITY, survey, nodes) ? exitCodes.ok : exitCodes.failure;
}

function isBehind(max: number, survey: LagSurvey | null, nodes: readonly NodeLag[]): boolean {
  if (max === Number.POSITIVE_INFINITY) return false;
  const partitions = survey?.partitions ?? [];
  // What is not known may be anything.
  const isUnindexed = survey?.window.isConfigured === true && partitions.some(({ lag }) => lag === null || lag > max);
  return isUnindexed || nodes.some(({ tail }) => tail.some(({ lag }) => lag > max));
}

async function writeSurvey({ partitions, window, indexers, missing }: LagSurvey, { out, err }: CommandContext['terminal']): Promise<void> {
  const rows = partitions.map((one) => [
    escapeText(one.topic),
    one.partition,
    one.low,
    one.end,
    one.high ?? '-',
    one.lag ?? '-',
    one.floor ?? '-',
    coverText(one),
  ]);
  for (const line of formatTable(['TOPIC', 'PARTITION', 'LOW', 'END', 'HIGH', 'LAG', 'FLOOR', 'COVERS'], rows)) await out.line(line);
  const warn = (text: string): Promise<void> => err.line(`${err.paint.yellow('remark')}: ${escapeText(text)}`);
  for (const topic of missing) await warn(`the topic ${topic} does not exist`);
  if (!window.isConfigured) await warn('redis.url is not set: there is no window');
  else if (window.problem !== null) await warn(`the window cannot be read: ${window.problem}`);
  if (window.isConfigured) await out.line(`indexers: ${indexers.members} in the group ${escapeText(indexers.group)}`);
  if (window.isConfigured && indexers.members === 0) await warn('no indexer runs for these routes: readers that come back read Kafka');
}

const coverText = ({ floor, coverShort }: PartitionLag): string =>
  floor === null ? 'nothing' : coverShort === null || coverShort === 0 ? 'all' : `${coverShort} records short`;

function nodeInWords({ url, error, isReady, tail, fetchAgeSeconds }: NodeLag): string {
  if (error !== null) return `node ${escapeText(url)}: ${escapeText(error)}`;
  const worst = tail.reduce<NodeLag['tail'][number] | null>((most, one) => (most === null || one.lag > most.lag ? one : most), null);
  const ready = isReady === null ? 'readiness unknown' : isReady ? 'ready' : 'not ready';
  const far =
    worst === null
      ? 'follows nothing'
      : `tail at most ${worst.lag} behind (${escapeText(worst.topic)}/${worst.partition}), ${tail.length} partitions`;
  return `node ${escapeText(url)}: ${ready}, ${far}${fetchAgeSeconds === null ? '' : `, last fetch ${fetchAgeSeconds.toFixed(1)} s ago`}`;
}
