import { tokenLifetimeMsOf } from '../../compose-options.js';
import type { Config } from '../../config/config.js';
import type { SurveyedTopic } from '../../log/kafka/kafka-survey.js';
import type { NeededTopic } from './needed-topics.js';

/** Something about a topic that is not as it should be. `what` and `mend` follow the topic's name, without a full stop. */
export interface TopicRemark {
  readonly level: 'warn' | 'fail';
  readonly what: string;
  /** Null: nothing is to be done. */
  readonly mend: string | null;
}

/** A reader that comes back after an hour finds what it missed; less is a choice that should be one. */
const retentionMsWise = 3_600_000;

/** What is wrong with a topic as it is, for what it is needed. */
export function judgeTopic(needed: NeededTopic, found: SurveyedTopic, config: Config): readonly TopicRemark[] {
  return [...judgeReplicas(needed, found), ...(found.settings === null ? [unreadable] : judgeSettings(needed, found.settings, config))];
}

const unreadable: TopicRemark = {
  level: 'warn',
  what: 'does not show its settings',
  mend: 'grant DescribeConfigs; until then edges take it for compacted, and what lies below the window is told as a gap',
};

function judgeReplicas({ topic, use, partitionCount }: NeededTopic, { partitions, settings }: SurveyedTopic): readonly TopicRemark[] {
  const remarks: TopicRemark[] = [];
  const leaderless = partitions.filter(({ leader }) => leader < 0);
  const behind = partitions.filter(({ replicas, inSync }) => inSync.length < replicas.length);
  const least = Math.min(...partitions.map(({ replicas }) => replicas.length));
  const inSyncMin = Number(settings?.get('min.insync.replicas') ?? 1);
  const short = partitions.filter(({ inSync }) => inSync.length < inSyncMin);
  const list = (some: typeof partitions): string => some.map(({ partition }) => partition).join(', ');
  if (leaderless.length > 0) {
    remarks.push({ level: 'fail', what: `has no leader for partition ${list(leaderless)}`, mend: 'bring back the brokers that hold it' });
  } else if (short.length > 0) {
    remarks.push({
      level: 'fail',
      what: `has too few replicas in sync for partition ${list(short)} (min.insync.replicas ${inSyncMin})`,
      mend: 'publishing fails until the brokers are back',
    });
  } else if (behind.length > 0) {
    remarks.push({
      level: 'warn',
      what: `has replicas that are behind for partition ${list(behind)}`,
      mend: 'see whether a broker is down or slow',
    });
  }
  if (least < 2)
    remarks.push({
      level: 'warn',
      what: 'has one replica',
      mend: 'a lost broker loses events; 3 replicas and min.insync.replicas=2 do not',
    });
  else if (inSyncMin < 2) {
    const mend = `kafka-configs --alter --topic ${topic} --add-config min.insync.replicas=2`;
    remarks.push({ level: 'warn', what: `acknowledges events that one of ${least} replicas has (min.insync.replicas 1)`, mend });
  } else if (inSyncMin >= least) {
    remarks.push({
      level: 'warn',
      what: `takes nothing while one broker restarts (min.insync.replicas ${inSyncMin} of ${least})`,
      mend: 'lower it by one, or add a replica',
    });
  }
  if (use !== 'routes' && partitions.length > partitionCount) {
    if (use === 'control') remarks.push({ level: 'warn', what: `has ${partitions.length} partitions; only the first is used`, mend: null });
  }
  return remarks;
}

function judgeSettings(
  { topic, use, settings: wanted }: NeededTopic,
  settings: ReadonlyMap<string, string>,
  config: Config,
): readonly TopicRemark[] {
  const remarks: TopicRemark[] = [];
  const alter = (setting: string): string => `kafka-configs --alter --topic ${topic} --add-config ${setting}`;
  const policy = settings.get('cleanup.policy') ?? 'delete';
  const retentionMs = Number(settings.get('retention.ms') ?? -1);
  if (policy.includes('compact') && wanted['cleanup.policy'] === 'delete') {
    const isFatal = use !== 'routes';
    remarks.push({
      level: isFatal ? 'fail' : 'warn',
      what: `is compacted (cleanup.policy ${policy})`,
      mend: isFatal
        ? alter('cleanup.policy=delete')
        : 'the log proves nothing below its tail, and who comes back later than the window is told a gap; set cleanup.policy=delete, or compacted: current-state in the route',
    });
  }
  if (policy.includes('delete') && retentionMs >= 0) remarks.push(...judgeRetention(use, retentionMs, config, alter));
  if (use === 'routes' && Number(settings.get('retention.bytes') ?? -1) >= 0) {
    remarks.push({
      level: 'warn',
      what: `is also cut by size (retention.bytes ${settings.get('retention.bytes') ?? ''} a partition)`,
      mend: 'see that this lasts longer than window.ageSeconds at the highest rate',
    });
  }
  if (settings.get('unclean.leader.election.enable') === 'true') {
    remarks.push({ level: 'warn', what: 'may elect a leader that lacks events', mend: alter('unclean.leader.election.enable=false') });
  }
  const messageBytesMax = Number(settings.get('max.message.bytes') ?? Number.POSITIVE_INFINITY);
  // At the default of both, only values within a few bytes of 1 MiB are concerned.
  if (use === 'routes' && messageBytesMax < config.limits.eventBytesMax) {
    remarks.push({
      level: 'warn',
      what: `takes records of at most ${messageBytesMax} bytes, and limits.eventBytesMax is ${config.limits.eventBytesMax}`,
      mend: 'raise max.message.bytes, or lower the limit',
    });
  }
  return remarks;
}

function judgeRetention(
  use: NeededTopic['use'],
  retentionMs: number,
  config: Config,
  alter: (setting: string) => string,
): readonly TopicRemark[] {
  const windowMs = config.window.ageSeconds * 1_000;
  const tokenMs = tokenLifetimeMsOf(config);
  const seconds = (ms: number): string => `${ms / 1_000} s`;
  if (use === 'control' && retentionMs < tokenMs) {
    const what = `forgets after ${seconds(retentionMs)}, and tokens may live ${seconds(tokenMs)}: revocations are lost before their tokens`;
    return [{ level: 'fail', what, mend: alter(`retention.ms=${tokenMs + 86_400_000}`) }];
  }
  if (use === 'routes' && retentionMs < windowMs) {
    const what = `forgets after ${seconds(retentionMs)}, before the window does (window.ageSeconds ${config.window.ageSeconds})`;
    return [{ level: 'fail', what, mend: alter(`retention.ms=${Math.max(7 * 86_400_000, windowMs * 2)}`) }];
  }
  if (use === 'routes' && retentionMs < retentionMsWise) {
    const what = `forgets after ${seconds(retentionMs)}: whoever stays away longer is told a gap`;
    return [{ level: 'warn', what, mend: alter('retention.ms=604800000') }];
  }
  return [];
}
