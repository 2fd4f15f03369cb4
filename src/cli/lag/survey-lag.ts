import { indexerGroupOf } from '../../compose-options.js';
import type { Config } from '../../config/config.js';
import type { KafkaSurvey } from '../../log/kafka/kafka-survey.js';
import type { RoutedTopic } from '../../routing/router.js';
import { WindowError } from '../../window/replay-window.js';
import type { ReplayWindow, Vouched } from '../../window/replay-window.js';
import { routedTopicsOf } from '../routed-topics.js';
import { withKafka } from '../with-kafka.js';
import { withRedis } from '../with-redis.js';
import { withWindow } from '../with-window.js';

export interface PartitionLag {
  readonly topic: string;
  readonly partition: number;
  readonly low: number;
  readonly end: number;
  /** What the group of indexers has committed; null: nothing. */
  readonly committed: number | null;
  /** Last offset in the window; null: none, or not known. */
  readonly high: number | null;
  readonly floor: number | null;
  /** Records of the log that are not in the window yet; null: not known. */
  readonly lag: number | null;
  /** Records younger than the window's age for which it does not vouch; null: not known. */
  readonly coverShort: number | null;
}

export interface LagSurvey {
  readonly partitions: readonly PartitionLag[];
  /** Routed topics that do not exist. */
  readonly missing: readonly string[];
  readonly window: { readonly isConfigured: boolean; readonly problem: string | null };
  readonly indexers: { readonly group: string; readonly members: number };
}

/** Asks Kafka and Redis about every routed partition. */
export async function surveyLag(config: Config): Promise<LagSurvey> {
  const topics = routedTopicsOf(config);
  return withKafka(config, (survey) => {
    if (config.redis.url === null) return ask(config, topics, survey, null, null);
    return withRedis(config, (redis, why) => {
      if (redis === null) return ask(config, topics, survey, null, `Redis does not answer: ${why}`);
      return withWindow(config, topics, redis, (window) => ask(config, topics, survey, window, null));
    });
  });
}

async function ask(
  config: Config,
  routed: readonly RoutedTopic[],
  survey: KafkaSurvey,
  window: ReplayWindow | null,
  away: string | null,
): Promise<LagSurvey> {
  const topics = routed.map(({ topic }) => topic);
  const group = indexerGroupOf(config, routed);
  const agoMs = Date.now() - config.window.ageSeconds * 1_000;
  const found = await Promise.all(topics.map(async (topic) => ({ topic, offsets: await survey.offsets(topic) })));
  const there = found.flatMap(({ topic, offsets }) => (offsets === null ? [] : [topic]));
  const committed = there.length === 0 ? new Map<string, number | null>() : await survey.committed(group, there);
  let problem = away;
  const partitions: PartitionLag[] = [];
  for (const { topic, offsets } of found) {
    if (offsets === null) continue;
    const young = await survey.offsetsAtTime(topic, agoMs);
    for (const { partition, low, end } of offsets) {
      const vouched = window === null || problem !== null ? null : await readVouched(window, topic, partition, (why) => (problem = why));
      const known = window !== null && problem === null;
      const high = vouched?.high ?? null;
      const floor = vouched?.floor ?? null;
      const lag = !known ? null : high === null ? end - low : Math.max(0, end - 1 - high);
      const youngest = Math.max(low, young.get(partition) ?? low);
      const coverShort = !known || floor === null ? null : Math.max(0, floor + 1 - youngest);
      partitions.push({
        topic,
        partition,
        low,
        end,
        committed: committed.get(`${partition}/${topic}`) ?? null,
        high,
        floor,
        lag,
        coverShort,
      });
    }
  }
  return {
    partitions,
    missing: topics.filter((topic) => !there.includes(topic)),
    window: { isConfigured: config.redis.url !== null, problem },
    indexers: { group, members: await survey.memberCount(group) },
  };
}

async function readVouched(window: ReplayWindow, topic: string, partition: number, failed: (why: string) => void): Promise<Vouched | null> {
  try {
    return await window.vouched(topic, partition);
  } catch (error) {
    if (!(error instanceof WindowError)) throw error;
    failed(error.message);
    return null;
  }
}
