import type { Config } from '../../config/config.js';
import type { RoutedTopic } from '../../routing/router.js';
import type { ReplayWindow } from '../../window/replay-window.js';
import { WindowError } from '../../window/replay-window.js';
import { surveyLag } from '../lag/survey-lag.js';
import { routedTopicsOf } from '../routed-topics.js';
import { withRedis } from '../with-redis.js';
import { withWindow } from '../with-window.js';
import { fail, ok, warn } from './finding.js';
import type { Finding } from './finding.js';

/** At 2,000 records a second, some seconds. */
const lagWarn = 10_000;

/** The window against the log, and what nodes have told each other of the topics. */
export async function examineWindow(config: Config): Promise<readonly Finding[]> {
  const survey = await surveyLag(config);
  const { window, indexers, partitions } = survey;
  if (window.problem !== null) return [fail(`the window cannot be used: ${window.problem}`, 'see what is said of Redis')];
  const findings: Finding[] = [];
  if (indexers.members === 0)
    findings.push(
      fail(
        `no indexer runs for these routes (group ${indexers.group})`,
        'start one (SELVAGE_ROLES=indexer, or both roles) with the same routes and limits.eventBytesMax; meanwhile readers that come back read Kafka',
      ),
    );
  else findings.push(ok(`${indexers.members} ${indexers.members === 1 ? 'indexer' : 'indexers'} in the group ${indexers.group}`));
  const worst = partitions.reduce<(typeof partitions)[number] | null>(
    (most, one) => ((one.lag ?? 0) > (most?.lag ?? 0) ? one : most),
    null,
  );
  const lag = worst?.lag ?? 0;
  const whole = partitions.filter(({ floor, coverShort }) => floor !== null && coverShort === 0).length;
  if (lag > lagWarn && worst !== null)
    findings.push(
      warn(`${lag} records of ${worst.topic}/${worst.partition} are not indexed yet`, 'see selvage lag; more indexers, or a faster Redis'),
    );
  else findings.push(ok(`indexed up to ${lag} records before the end`));
  findings.push(
    ok(
      `the window vouches for all of window.ageSeconds in ${whole} of ${partitions.length} partitions`,
      whole < partitions.length ? 'after a start it needs that time; see selvage lag' : null,
    ),
  );
  const counts = new Map<string, number>();
  for (const { topic } of partitions) counts.set(topic, (counts.get(topic) ?? 0) + 1);
  return [...findings, ...(await examineHistory(config, counts))];
}

/** What is latched in the shared store: partition counts of the last minutes, and records in places where nobody looks for them. */
async function examineHistory(config: Config, counts: ReadonlyMap<string, number>): Promise<readonly Finding[]> {
  const topics = routedTopicsOf(config);
  return withRedis(config, async (redis) => {
    if (redis === null) return [];
    return withWindow(config, topics, redis, async (window) => {
      try {
        const breaches = await window.breaches();
        const strays = topics.filter(({ topic }) => breaches.has(topic)).map(strayFinding);
        const keyed = topics.filter((one) => one.keyed && counts.has(one.topic));
        const grown = await Promise.all(keyed.map(({ topic }) => examineCounts(topic, counts.get(topic) ?? 0, window)));
        return [...strays, ...grown.flat()];
      } catch (error) {
        if (error instanceof WindowError) return [];
        throw error;
      }
    });
  });
}

const strayFinding = ({ topic }: RoutedTopic): Finding =>
  warn(
    `${topic} holds records outside the partition that their key leads to: readers of its channels read all partitions, and positions are long`,
    'see whether every producer partitions as the route says (keyed: murmur2 for Java and kafkajs, crc32 for librdkafka); then set another generation, or keyed: false',
  );

async function examineCounts(topic: string, present: number, window: ReplayWindow): Promise<readonly Finding[]> {
  const marks = await window.shareCounts(topic, []);
  const seen = marks.filter(({ kind, count }) => kind === 'current' && count !== present);
  const greater = seen.filter(({ count }) => count > present).map(({ count }) => count);
  const minutes = (agoMs: number): string => `${Math.ceil(agoMs / 60_000)} min ago`;
  if (greater.length > 0) {
    return [
      fail(
        `${topic} has ${present} partitions, and had ${Math.max(...greater)} within 11 minutes: it was deleted and made again`,
        "readers are told; set another generation in the topic's routes, so that old positions are not taken for new ones",
      ),
    ];
  }
  const findings = seen.map(({ count, agoMs }) =>
    ok(
      `${topic} grew from ${count} to ${present} partitions ${minutes(agoMs)}: until 10 minutes have passed both homes of a channel are read`,
    ),
  );
  const isBlind = marks.some(({ kind }) => kind === 'blind');
  if (isBlind)
    findings.push(
      warn(
        `${topic} grew while an edge could not learn of it: records that come to old homes are told as strays`,
        'nothing: it passes in 11 minutes',
      ),
    );
  return findings.length > 0 ? findings : [ok(`${topic}: nodes agree on ${present} ${present === 1 ? 'partition' : 'partitions'}`)];
}
