import { Hub } from '../../src/hub/hub.js';
import { TopicTable } from '../../src/hub/topic-table.js';
import { openAuthenticator, openPrincipal } from '../open-admission/open-authenticator.js';
import type { EventLog } from '../../src/log/event-log.js';
import { clusterTag } from '../../src/protocol/position.js';
import { RecentStore } from '../../src/recent/recent-store.js';
import type { Router } from '../../src/routing/router.js';
import { LogPages } from '../../src/subscribe/log-pages.js';
import { ReplayGate } from '../../src/subscribe/replay-gate.js';
import type { StreamGate } from '../../src/subscribe/stream-gate.js';
import { Streams } from '../../src/subscribe/streams.js';
import { TailFeed } from '../../src/subscribe/tail-feed.js';
import { TopicWatch } from '../../src/subscribe/topic-watch.js';
import { TieredReader } from '../../src/subscribe/tiered-reader.js';
import { noMetrics } from '../../src/telemetry/no-metrics.js';
import { silentLogger } from '../../src/telemetry/silent-logger.js';
import type { ReplayWindow } from '../../src/window/replay-window.js';
import type { SimEnvironment } from './sim-environment.js';
import type { SimLog } from './sim-log.js';

export interface SimLimits {
  readonly recentAgeMs: number;
  readonly recentBytesMax: number;
  readonly pageEventsMax: number;
  readonly scanOffsetsMax: number;
  readonly chunkBytesMax: number;
  readonly keepAliveMs: number;
  readonly positionBytesMax: number;
}

/** Everybody may read everything, as much as they like: the simulation is about what they then get. */
function openGate(): StreamGate {
  let streamCount = 0;
  return {
    authenticator: openAuthenticator,
    anonymous: openPrincipal,
    limits: { admitStream: () => ({ kind: 'admitted', lease: { release: () => undefined }, headers: [] }) },
    registry: { add: () => () => undefined },
    permit: () => 'allowed',
    newStreamId: () => `stream-${streamCount++}`,
  };
}

/** One edge: the real parts over the simulated log; the world moves its tail. */
export class SimNode {
  readonly hub: Hub;
  readonly streams: Streams;
  readonly recentStore: RecentStore;
  readonly #watch: TopicWatch;
  readonly #feed: TailFeed;
  readonly #log: SimLog;
  readonly #next = new Map<string, number>();
  readonly #counts = new Map<string, number>();

  constructor(
    log: SimLog,
    eventLog: EventLog,
    window: ReplayWindow | null,
    router: Router,
    environment: SimEnvironment,
    limits: SimLimits,
  ) {
    this.#log = log;
    const metrics = noMetrics;
    const logger = silentLogger;
    const topics = new TopicTable(clusterTag('sim'), router.topics);
    const gate = new ReplayGate({ concurrentMax: 2, queuedMax: 1_000 }, metrics);
    const pagesLimits = { pageOffsets: 8, pageBytesMax: 100_000, cacheBytesMax: 20_000, cacheMs: 2_000 };
    const logPages = new LogPages(eventLog, router, pagesLimits, environment.clock, metrics);
    const tiers = new TieredReader({
      window,
      logPages,
      gate,
      limits: { pageEventsMax: limits.pageEventsMax, pageBytesMax: 100_000, indexerWaitMs: 200, scanOffsetsMax: limits.scanOffsetsMax },
      environment,
      metrics,
      provesNothing: (topic) => this.#watch.isCompacted(topic),
    });
    this.recentStore = new RecentStore({ ageMs: limits.recentAgeMs, bytesMax: limits.recentBytesMax }, environment.clock);
    this.hub = new Hub({
      options: {
        keepAliveMs: limits.keepAliveMs,
        maxAgeMs: 0,
        retryMs: 2_000,
        stallMs: 1_000_000_000,
        pageEventsMax: limits.pageEventsMax,
        chunkBytesMax: limits.chunkBytesMax,
        timeSlackMs: 1_000,
      },
      environment,
      metrics,
      tiers,
      recentStore: this.recentStore,
      topics,
      newBudget: () => ({ recordsLeft: 100_000, bytesLeft: 100_000_000, msLeft: 1_000_000 }),
      hearStray: (topic, isHomeUnder) => this.#watch.hearStray(topic, isHomeUnder),
    });
    this.#watch = new TopicWatch({ hub: this.hub, log: eventLog, window, environment, metrics, logger, periodMs: 5_000 });
    this.#feed = new TailFeed({
      hub: this.hub,
      router,
      logPages,
      metrics,
      logger,
      onHealth: () => undefined,
      hearStray: (topic, isHomeUnder) => this.#watch.hearStray(topic, isHomeUnder),
    });
    this.streams = new Streams({
      hub: this.hub,
      router,
      log: eventLog,
      window,
      logPages,
      gate: openGate(),
      environment,
      logger,
      limits: {
        channelsMax: 10,
        rewindMax: 100,
        pollWaitMsMax: 1_000,
        filterValuesMax: 10,
        credentialParameters: [],
        eventsMax: 100,
        bytesMax: 100_000,
        positionBytesMax: limits.positionBytesMax,
      },
      notReady: () => null,
    });
  }

  /** Looks around, then follows every topic from its end. */
  async begin(): Promise<this> {
    await this.#watch.look();
    this.#feed.onHealth({ delivering: true, reason: 'simulated' });
    for (const [topic, partitions] of this.#log.topics) {
      this.#counts.set(topic, partitions.length);
      const added = partitions.map(({ records }, partition) => ({ partition, next: records.length }));
      for (const { partition, next } of added) this.#next.set(`${topic}/${partition}`, next);
      this.#feed.onPartitions(topic, partitions.length, added);
    }
    return this;
  }

  /** The last offset that the tail has read; -1 where it reads nothing yet. */
  tailOf(topic: string, partition: number): number {
    return (this.#next.get(`${topic}/${partition}`) ?? 0) - 1;
  }

  /** Fetches once; false when there was nothing. */
  fetch(topic: string, partition: number, offsetsMax: number): boolean {
    const key = `${topic}/${partition}`;
    const next = this.#next.get(key);
    if (next === undefined) return false;
    if (this.#log.end(topic, partition) < next) {
      const { low } = this.#log.partition(topic, partition);
      this.#feed.onReset(topic, partition, low);
      this.#next.set(key, low);
      return true;
    }
    const batch = this.#log.fetch(topic, partition, next, offsetsMax);
    if (batch === null) return false;
    this.#feed.onBatch(batch);
    this.#next.set(key, batch.to + 1);
    return true;
  }

  /** Asks for partition counts, as a tail does now and then. */
  askPartitions(topic: string): void {
    const partitions = this.#log.topics.get(topic) ?? [];
    const known = this.#counts.get(topic) ?? 0;
    if (partitions.length === known) {
      this.#feed.onPartitionCountConfirmed(topic);
      return;
    }
    const added = partitions.slice(known).map(({ low }, i) => ({ partition: known + i, next: low }));
    for (const { partition, next } of added) this.#next.set(`${topic}/${partition}`, next);
    this.#counts.set(topic, partitions.length);
    this.#feed.onPartitions(topic, partitions.length, added);
  }

  stop(): void {
    this.#watch.stop();
    this.hub.stop();
  }
}
