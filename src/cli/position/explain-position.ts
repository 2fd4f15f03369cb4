import { configFileEnv } from '../../config/option-entries.js';
import { decodePosition, positionBytesMax, topicTag } from '../../protocol/position.js';
import type { Position, TopicPosition } from '../../protocol/position.js';
import type { RoutedTopic } from '../../routing/router.js';
import type { CommandContext } from '../command-context.js';
import { escapeJson, escapeText } from '../escape-text.js';
import { exitCodes } from '../exit-codes.js';
import { readConfig } from '../read-config.js';
import { routedTopicsOf } from '../routed-topics.js';
import { compareWithLog } from './compare-with-log.js';
import type { LogComparison, PartitionComparison } from './compare-with-log.js';

export interface PositionOptions {
  readonly config?: string;
  readonly live?: true;
  readonly json?: true;
}

/** Tells what a position says, in words or as JSON; the exit code. */
export async function explainPosition(id: string, options: PositionOptions, { env, terminal }: CommandContext): Promise<number> {
  const { out, err } = terminal;
  const position = decodePosition(id);
  if (position === null) {
    const why = whyNot(id);
    if (options.json) await out.line(escapeJson(JSON.stringify({ ok: false, problem: why })));
    else
      await err.line(
        `${err.paint.red('error:')} this is not a position: ${escapeText(why)}. A reader that sends it is told the gap unknown-position.`,
      );
    return exitCodes.failure;
  }
  const config = options.config !== undefined || options.live || env[configFileEnv] ? readConfig(env, options.config) : null;
  const routed = config === null ? null : new Map(routedTopicsOf(config).map((topic) => [topicTag(topic.topic, topic.generation), topic]));
  const live = options.live && config !== null ? await compareWithLog(config, position, routed ?? new Map()) : null;
  if (options.json) await out.line(escapeJson(JSON.stringify({ ok: live?.isWhole ?? true, ...asFields(position, routed, live) })));
  else for (const line of inWords(position, routed, live)) await out.line(line);
  return live === null || live.isWhole ? exitCodes.ok : exitCodes.failure;
}

function whyNot(id: string): string {
  if (id.length > positionBytesMax) return `it has more than ${positionBytesMax} characters`;
  if (!/^[A-Za-z0-9._~-]+$/.test(id))
    return 'it holds characters that no position has (it may have been percent-encoded, or quoted as an ETag)';
  if (!id.startsWith('1')) return `its version is ${id.slice(0, 1)}, and this program reads version 1`;
  return 'it is cut off, or was changed: every position has one spelling';
}

type Routed = ReadonlyMap<string, RoutedTopic> | null;

function asFields(position: Position, routed: Routed, live: LogComparison | null): Readonly<Record<string, unknown>> {
  return {
    version: 1,
    cluster: position.clusterTag,
    ...(live === null ? {} : { thisCluster: live.isThisCluster, clusterId: live.clusterId }),
    ended: position.ended,
    topics: position.topics.map((one) => {
      const topic = routed?.get(one.tag);
      const names = topic === undefined ? {} : { topic: topic.topic, generation: topic.generation, fingerprint: topic.fingerprint };
      const head = { tag: one.tag, ...names, partitionCount: one.partitionCount };
      if (one.kind === 'time') return { ...head, time: new Date(one.timestampMs).toISOString() };
      const compared = live?.partitions.get(one.tag);
      const partitions = [...one.cursors].map(([partition, cursor]) => ({
        partition,
        had: cursor < 0 ? null : cursor,
        next: cursor + 1,
        ...compared?.get(partition),
      }));
      return { ...head, partitions };
    }),
    ...(live === null ? {} : { problems: live.problems }),
  };
}

function inWords(position: Position, routed: Routed, live: LogComparison | null): readonly string[] {
  const cluster =
    live === null
      ? ''
      : live.isThisCluster
        ? ` (this one: ${escapeText(live.clusterId)})`
        : ` (not this one: ${escapeText(live.clusterId)})`;
  const lines = [`Kafka cluster ${position.clusterTag}${cluster}`];
  if (position.topics.length === 0) lines.push('no topic: nothing was had of anything');
  for (const topic of position.topics) lines.push(...topicInWords(topic, routed, live?.partitions.get(topic.tag)));
  if (position.ended) lines.push('the terminal event was had: with `until`, a return is answered 204');
  if (live !== null) lines.push(...live.problems.map((problem) => `problem: ${problem}`));
  if (live?.isWhole) lines.push('the log has all that comes behind it');
  return lines;
}

function topicInWords(
  one: TopicPosition,
  routed: Routed,
  compared: ReadonlyMap<number, PartitionComparison> | undefined,
): readonly string[] {
  const name = nameOf(one.tag, routed);
  if (one.kind === 'time') {
    return [
      `${name}, ${countOf(one.partitionCount)}`,
      `  by record time: everything before ${new Date(one.timestampMs).toISOString()} was had`,
    ];
  }
  if (one.partitionCount === 0) return [`${name}: the topic did not exist`];
  const which = one.cursors.size === one.partitionCount ? 'all of them' : `${one.cursors.size} of them`;
  const lines = [...one.cursors].map(([partition, cursor]) => {
    const had = cursor < 0 ? 'nothing was had; next is offset 0' : `offset ${cursor} was had; next is ${cursor + 1}`;
    const at = compared?.get(partition);
    const log = at === undefined ? '' : `  (the log has ${at.low} to ${at.end - 1}: ${Math.max(0, at.end - cursor - 1)} behind)`;
    return `  partition ${partition}: ${had}${log}`;
  });
  return [`${name}, ${countOf(one.partitionCount)}, ${which}:`, ...lines];
}

const countOf = (count: number): string => (count === 1 ? '1 partition' : `${count} partitions when it was written`);

function nameOf(tag: string, routed: Routed): string {
  if (routed === null) return `topic ${tag} (--config names it)`;
  const topic = routed.get(tag);
  if (topic === undefined)
    return `topic ${tag} (no route of this configuration has it: another topic, or another generation of one; it is ignored)`;
  const generation = topic.generation === '' ? '' : `, generation ${escapeText(topic.generation)}`;
  return `topic ${escapeText(topic.topic)} (${tag}${generation}, window fingerprint ${topic.fingerprint})`;
}
