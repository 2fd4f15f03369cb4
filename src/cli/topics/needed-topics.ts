import { tokenLifetimeMsOf } from '../../compose-options.js';
import type { Config } from '../../config/config.js';

/** What a topic is for. */
export type TopicUse = 'routes' | 'control' | 'dead letters';

/** A topic that the configuration needs, and how it is best made. */
export interface NeededTopic {
  readonly topic: string;
  readonly use: TopicUse;
  /** The fabric writes to it (HTTP publishes, commands, dead letters): nobody else is there to make it. */
  readonly isOwn: boolean;
  readonly partitionCount: number;
  readonly settings: Readonly<Record<string, string>>;
}

export interface TopicShape {
  readonly partitions: number;
  readonly replication: number;
  readonly retentionMs: number;
}

const dayMs = 86_400_000;
const deadLetterRetentionMs = 14 * dayMs;
const controlRetentionMsMin = 7 * dayMs;
/** Kafka's own bound of a batch of records, when nothing else is said. */
const messageBytesDefault = 1_048_588;
/** What a record's key, headers and batch add to its value. */
const recordOverheadBytes = 65_536;

/** In the order of the routes, then what the fabric needs for itself. */
export function neededTopics(config: Config, shape: TopicShape): readonly NeededTopic[] {
  const common = {
    'min.insync.replicas': shape.replication >= 3 ? '2' : '1',
    'unclean.leader.election.enable': 'false',
  };
  const { eventBytesMax } = config.limits;
  const large = eventBytesMax > messageBytesDefault ? { 'max.message.bytes': String(eventBytesMax + recordOverheadBytes) } : {};
  const routed = [...new Set(config.routes.map(({ topic }) => topic))].map((topic): NeededTopic => {
    const routes = config.routes.filter((route) => route.topic === topic);
    const isState = routes.some(({ compactedMeans }) => compactedMeans === 'current-state');
    const kept = isState ? { 'cleanup.policy': 'compact' } : { 'cleanup.policy': 'delete', 'retention.ms': String(shape.retentionMs) };
    return {
      topic,
      use: 'routes',
      isOwn: routes.some(({ publish }) => publish),
      partitionCount: shape.partitions,
      settings: { ...kept, ...common, ...large },
    };
  });
  const forgetful = (topic: string, use: TopicUse, retentionMs: number): NeededTopic => ({
    topic,
    use,
    isOwn: true,
    partitionCount: 1,
    settings: { 'cleanup.policy': 'delete', 'retention.ms': String(retentionMs), ...common },
  });
  // A day more than tokens live: clocks of senders may be behind, and segments go as a whole.
  const controlMs = Math.max(controlRetentionMsMin, tokenLifetimeMsOf(config) + dayMs);
  const control = forgetful(config.control.topic, 'control', controlMs);
  return [...routed, control, forgetful(config.kafka.deadLetterTopic, 'dead letters', deadLetterRetentionMs)];
}
