import type { Hub } from '../hub/hub.js';
import type { TopicLog } from '../hub/topic-log.js';
import type { LogBatch, TailHealth, TailListener } from '../log/event-log.js';
import type { LogRecord } from '../protocol/log-record.js';
import { valueLengthOf } from '../protocol/packed-record.js';
import type { RecordEvent } from '../routing/record-event.js';
import type { Router } from '../routing/router.js';
import type { DeliveryTraces } from '../telemetry/delivery-traces.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { LogPages } from './log-pages.js';

export interface TailFeedParts {
  readonly hub: Hub;
  readonly router: Router;
  readonly logPages: LogPages;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly onHealth: (health: TailHealth) => void;
  /** A keyed topic holds a record outside its home partition, under every count that this node knows of; others are to be asked about. */
  readonly hearStray: (topic: TopicLog, isHomeUnder: (partitionCount: number) => boolean) => void;
  /** Null: nothing is traced. */
  readonly deliveries?: DeliveryTraces | null;
}

/** Carries what the tail reads into the hub: routes each record once, and tells holes, growth and resets. */
export class TailFeed implements TailListener {
  readonly #parts: TailFeedParts;
  readonly #keyed: ReadonlySet<string>;
  #health: TailHealth = { delivering: false, reason: 'the tail has not started' };
  #hasDelivered = false;

  constructor(parts: TailFeedParts) {
    this.#parts = parts;
    this.#keyed = new Set(parts.router.topics.filter(({ keyed }) => keyed).map(({ topic }) => topic));
  }

  get health(): TailHealth {
    return this.#health;
  }

  /** The tail was at the head once: from then on readers can be served, if need be from what is here already. */
  get hasDelivered(): boolean {
    return this.#hasDelivered;
  }

  onPartitions(topic: string, partitionCount: number, added: readonly { readonly partition: number; readonly next: number }[]): void {
    const { hub, logger } = this.#parts;
    const log = this.#topic(topic);
    for (const { partition, next } of added) hub.startPartition(log.partition(partition), next);
    hub.grow(log, partitionCount);
    logger.info('following a topic', { topic, partitions: partitionCount, added: added.length });
  }

  onPartitionCountConfirmed(topic: string): void {
    this.#topic(topic).confirmPartitionCount();
  }

  onBatch(batch: LogBatch): void {
    const { hub, router, metrics, logger, deliveries = null } = this.#parts;
    const partition = this.#topic(batch.topic).partition(batch.partition);
    if (batch.from > partition.tail + 1) {
      metrics.tailHole(batch.topic);
      logger.warn('the tail lost a stretch; readers take it from the window or the log', {
        topic: batch.topic,
        partition: batch.partition,
        from: partition.tail + 1,
        to: batch.from - 1,
      });
      hub.hole(partition, batch.from - 1);
    }
    const events: RecordEvent[] = [];
    let bytes = 0;
    const strayCounts = this.#countsToCheck(partition.topic);
    const { records } = batch;
    // By index: an iterator of what is not a plain array is an object a record.
    for (let i = 0; i < records.length; i++) {
      const record = records[i] as LogRecord;
      if (record.offset <= partition.tail) continue;
      if (strayCounts.length > 0 && strayCounts.every((count) => router.isStray(batch.topic, batch.partition, record, count))) {
        this.#parts.hearStray(partition.topic, (count) => !router.isStray(batch.topic, batch.partition, record, count));
      }
      bytes += valueLengthOf(record);
      const eventsBefore = events.length;
      const failure = router.routeInto(batch.topic, batch.partition, record, events);
      if (failure !== null) metrics.undecodable(batch.topic, failure);
      if (deliveries !== null) deliveries.expect(record, events, eventsBefore);
    }
    hub.ingest(partition, events, batch.to);
    metrics.recordsRead(batch.topic, records.length, bytes);
  }

  onReset(topic: string, partition: number, low: number): void {
    const { hub, metrics, logger, logPages } = this.#parts;
    metrics.topicReset(topic);
    logger.error('a topic began anew; readers are told', { topic, partition, low });
    logPages.forget(topic, partition);
    hub.reset(this.#topic(topic).partition(partition), low);
  }

  onHealth(health: TailHealth): void {
    if (health.delivering !== this.#health.delivering) this.#parts.logger.info('the tail changed', { ...health });
    this.#health = health;
    this.#hasDelivered ||= health.delivering;
    this.#parts.onHealth(health);
    this.#parts.hub.setDelivering(health.delivering);
  }

  /** The partition counts under which records of a keyed topic are at home; none: nothing to check. */
  #countsToCheck(topic: TopicLog): readonly number[] {
    if (topic.isBreached || !this.#keyed.has(topic.topic)) return [];
    const { acceptedFrom, partitionCount } = topic;
    return Array.from({ length: partitionCount - acceptedFrom + 1 }, (_, i) => acceptedFrom + i);
  }

  #topic(topic: string): TopicLog {
    const log = this.#parts.hub.topics.get(topic);
    if (log === undefined) throw new Error(`the tail follows ${topic}, which is not routed`);
    return log;
  }
}
