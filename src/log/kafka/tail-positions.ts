import type { LogBatch, PartitionOffsets, TailListener } from '../event-log.js';
import type { Logger } from '../../telemetry/logger.js';
import type { TailMetrics } from './tail-metrics.js';

/** A look at one topic's offsets: what was asked, and where the tail was when the question left. */
export interface Look {
  readonly topic: string;
  readonly askedAtTickMs: number;
  /** `next` of each partition when the question left: an end below that is alarming, one below today's `next` is merely old. */
  readonly nextWhenAsked: ReadonlyMap<number, number>;
}

/** What was learnt from one look at a topic's offsets. */
export interface Absorbed {
  /** Partitions that are followed from now on, or go on from elsewhere: their fetch position must be set. */
  readonly toSeek: readonly { readonly partition: number; readonly next: number }[];
}

interface TopicState {
  told: number;
  readonly next: Map<number, number>;
  /** Looks in a row at which the topic was not there. */
  missingLooks: number;
  /** Partitions whose end was below their `next`, and when that was first seen. */
  readonly suspects: Map<number, number>;
}

/** How often in a row something alarming must be seen before it is believed: a broker that just started may answer from the past. */
const looksToBelieve = 2;
const believedAfterMs = 250;

/**
 * Where a tail is in each partition, over all consumers that it has had: what it delivers follows on without overlap, and what is missing is a
 * hole. All callbacks of the listener but `onHealth` come from here.
 */
export class TailPositions {
  private readonly listener: TailListener;
  private readonly metrics: TailMetrics | null;
  private readonly logger: Logger;
  private readonly topics = new Map<string, TopicState>();

  constructor(listener: TailListener, metrics: TailMetrics | null, logger: Logger) {
    this.listener = listener;
    this.metrics = metrics;
    this.logger = logger;
  }

  nextOf(topic: string, partition: number): number | undefined {
    return this.topics.get(topic)?.next.get(partition);
  }

  /** Call it before the question leaves. */
  look(topic: string, askedAtTickMs: number): Look {
    return { topic, askedAtTickMs, nextWhenAsked: new Map(this.topics.get(topic)?.next) };
  }

  partitionCount(): number {
    return [...this.topics.values()].reduce((sum, topic) => sum + topic.next.size, 0);
  }

  /** True when a reset is suspected, so that another look is wanted soon. */
  isSuspicious(): boolean {
    return [...this.topics.values()].some((state) => state.suspects.size > 0);
  }

  /** A look at a topic that is not there. */
  missed(topic: string): void {
    const state = this.topics.get(topic);
    if (state !== undefined) state.missingLooks++;
  }

  /** The answer to a look; what is not known yet is followed from its low end, or from its end when the tail begins with it (`isFirst`). */
  absorb(look: Look, offsets: readonly PartitionOffsets[], isFirst: boolean): Absorbed {
    const { topic, askedAtTickMs } = look;
    const state: TopicState = this.topics.get(topic) ?? { told: 0, next: new Map(), missingLooks: 0, suspects: new Map() };
    this.topics.set(topic, state);
    const wasGone = state.missingLooks >= looksToBelieve;
    state.missingLooks = 0;
    const resets = this.noticeResets(look, state, offsets, wasGone);
    for (const partition of [...state.next.keys()]) if (partition >= offsets.length) state.next.delete(partition);
    const added = offsets
      .filter(({ partition }) => !state.next.has(partition))
      .map(({ partition, low, end }) => ({ partition, next: isFirst ? end : low }));
    for (const { partition, next } of added) state.next.set(partition, next);
    if (state.told !== offsets.length || added.length > 0) {
      state.told = offsets.length;
      this.listener.onPartitions(topic, offsets.length, added);
    } else {
      this.listener.onPartitionCountConfirmed(topic, offsets.length, askedAtTickMs);
    }
    for (const { partition, end } of offsets) {
      this.metrics?.partitionLag(topic, partition, Math.max(0, end - (state.next.get(partition) ?? end)), end);
    }
    return { toSeek: [...resets, ...added] };
  }

  /** A stretch as fetched. False when all of it was delivered before: the fetch position is not where it was set. */
  deliver(batch: LogBatch): boolean {
    const next = this.nextOf(batch.topic, batch.partition);
    if (next === undefined || batch.to < next) return false;
    this.topics.get(batch.topic)?.next.set(batch.partition, batch.to + 1);
    const from = Math.max(batch.from, next);
    this.listener.onBatch(from === batch.from ? batch : { ...batch, from, records: batch.records.filter(({ offset }) => offset >= from) });
    return true;
  }

  private noticeResets(
    look: Look,
    state: TopicState,
    offsets: readonly PartitionOffsets[],
    wasGone: boolean,
  ): { partition: number; next: number }[] {
    const { topic, askedAtTickMs, nextWhenAsked } = look;
    const resets: { partition: number; next: number }[] = [];
    for (const { partition, low, end } of offsets) {
      const next = nextWhenAsked.get(partition);
      if (next === undefined || !state.next.has(partition)) continue;
      if (!wasGone && end >= next) {
        state.suspects.delete(partition);
        continue;
      }
      const suspectedAt = state.suspects.get(partition) ?? askedAtTickMs;
      if (!wasGone && askedAtTickMs - suspectedAt < believedAfterMs) {
        state.suspects.set(partition, suspectedAt);
        continue;
      }
      state.suspects.delete(partition);
      state.next.set(partition, low);
      resets.push({ partition, next: low });
      this.logger.warn('a topic begins anew: it was made again, or its end was cut off', { topic, partition, next, low, end });
      this.listener.onReset(topic, partition, low);
    }
    return resets;
  }
}
