import type { Config } from '../../config/config.js';
import type { KafkaSurvey } from '../../log/kafka/kafka-survey.js';
import { judgeTopic } from '../topics/judge-topic.js';
import { neededTopics } from '../topics/needed-topics.js';
import type { NeededTopic } from '../topics/needed-topics.js';
import { withKafka } from '../with-kafka.js';
import { fail, ok, warn } from './finding.js';
import type { Finding } from './finding.js';

/** Only what topics should be like matters here: sizes are judged as they are found. */
const shape = { partitions: 12, replication: 3, retentionMs: 7 * 86_400_000 };
/** Clocks of producers may be ahead by so much before it is worth a word. */
const aheadMs = 60_000;

/** The topics that the configuration needs: there, and such that readers can come back. */
export function examineTopics(config: Config): Promise<readonly Finding[]> {
  return withKafka(config, async (survey) => {
    const findings: Finding[] = [];
    for (const needed of neededTopics(config, shape)) findings.push(...(await examineTopic(needed, survey, config)));
    return findings;
  });
}

async function examineTopic(needed: NeededTopic, survey: KafkaSurvey, config: Config): Promise<readonly Finding[]> {
  const { topic, use } = needed;
  const found = await survey.topic(topic);
  if (found === null) return [missing(needed)];
  const remarks = judgeTopic(needed, found, config).map(({ level, what, mend }): Finding => ({ level, what: `${topic} ${what}`, mend }));
  const future = use === 'routes' ? await examineTimes(topic, survey) : [];
  if (remarks.some(({ level }) => level === 'fail')) return [...remarks, ...future];
  const { partitions } = found;
  const replicas = Math.min(...partitions.map((one) => one.replicas.length));
  const size = `${partitions.length} ${partitions.length === 1 ? 'partition' : 'partitions'}, ${replicas} ${replicas === 1 ? 'replica' : 'replicas'}`;
  return [ok(`${topic} (${use}) is there: ${size}`), ...remarks, ...future];
}

function missing({ topic, use, isOwn }: NeededTopic): Finding {
  if (!isOwn)
    return fail(
      `${topic} (${use}) does not exist, or this user may not see it`,
      'see its name in the route; its producer makes it, or: selvage topics --create',
    );
  return warn(
    `${topic} (${use}) does not exist yet: nodes make it when they may, as the brokers' defaults say`,
    'selvage topics --create makes it with settings that fit',
  );
}

/** Kafka does not tell the time. Records from the future do: their producers' clocks are ahead, or ours is behind. */
async function examineTimes(topic: string, survey: KafkaSurvey): Promise<readonly Finding[]> {
  const [offsets, future] = await Promise.all([survey.offsets(topic), survey.offsetsAtTime(topic, Date.now() + aheadMs)]);
  const ahead = (offsets ?? []).filter(({ partition, end }) => (future.get(partition) ?? end) < end);
  if (ahead.length === 0) return [];
  const what = `${topic} has records that are more than ${aheadMs / 1_000} s in the future (partition ${ahead.map(({ partition }) => partition).join(', ')})`;
  return [warn(what, "set the clocks of producers, and this machine's; since= and retention go by these times")];
}
