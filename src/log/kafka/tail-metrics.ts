import type { Metrics } from '../../telemetry/metrics.js';

/** The numbers that the Kafka log reports by itself. */
export type TailMetrics = Pick<
  Metrics,
  'recordsRead' | 'partitionLag' | 'fetchAge' | 'tailHole' | 'tailRestarted' | 'topicReset' | 'fetchPace'
>;
