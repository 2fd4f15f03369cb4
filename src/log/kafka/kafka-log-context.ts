import type { Kafka } from 'kafkajs';
import type { Environment } from '../../std/clock.js';
import type { Logger } from '../../telemetry/logger.js';
import type { KafkaAdmin } from './kafka-admin.js';
import type { TailMetrics } from './tail-metrics.js';

/** What the parts of one Kafka log share. */
export interface KafkaLogContext {
  /** A client of its own for each part: kafkajs keeps what a group committed in its client for ever. */
  readonly openClient: (role: string) => Kafka;
  readonly admin: KafkaAdmin;
  readonly environment: Environment;
  readonly logger: Logger;
  readonly metrics: TailMetrics | null;
  /** Beginning of the names of the groups that serve one process alone: `<prefix>-tail-<node>-…`. */
  readonly groupPrefix: string;
  readonly node: string;
  readonly rackId: string | undefined;
}

/** A name that no group had before. */
export function freshGroupId(context: KafkaLogContext, role: string): string {
  const random = Math.floor(context.environment.random() * 2 ** 48).toString(36);
  return `${context.groupPrefix}-${role}-${context.node}-${random}${context.environment.clock.nowMs().toString(36)}`;
}
