import type { Metrics } from '../../telemetry/metrics.js';

/** The numbers that only the Kafka log can know; what the tail carries is counted by whoever listens to it. */
export type TailMetrics = Pick<Metrics, 'partitionLag' | 'fetchAge' | 'tailRestarted' | 'fetchAnswered' | 'fetchPace'>;
