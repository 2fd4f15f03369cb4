import { ChunkWriter } from '../protocol/chunk-writer.js';
import type { RecentStore } from '../recent/recent-store.js';
import type { RecordEvent } from '../routing/record-event.js';
import type { Environment } from '../std/clock.js';
import type { DeliveryTraces } from '../telemetry/delivery-traces.js';
import type { Metrics } from '../telemetry/metrics.js';
import { ChannelIndex } from './channel-index.js';
import { Cohort } from './cohort.js';
import type { Cursor } from './cursor.js';
import { DeadlineWheel } from './deadline-wheel.js';
import type { HubOptions } from './hub-options.js';
import { KeepAliveWheel } from './keep-alive-wheel.js';
import type { Sink } from './sink.js';
import type { StreamTerms } from './stream-terms.js';
import { Subscriber } from './subscriber.js';
import type { Start, SubscriberHome, SubscriberState } from './subscriber-home.js';
import { isEverHome, isHomeUnder, type Subscription } from './subscription.js';
import type { ReplayBudget, TierReader } from './tier-reader.js';
import type { PartitionLog, TailWaiter, TopicLog } from './topic-log.js';
import type { TopicTable } from './topic-table.js';
import { widenForGrowth, widenTo } from './widen-cursor.js';

/** What the hub is made of. */
export interface HubParts {
  readonly options: HubOptions;
  readonly environment: Environment;
  readonly metrics: Metrics;
  readonly tiers: TierReader;
  readonly recentStore: RecentStore;
  readonly topics: TopicTable;
  readonly newBudget: () => ReplayBudget;
  /** A keyed topic holds a record where no count since this node began puts it: readers that are away must be told. */
  readonly hearStray: (topic: TopicLog, isHomeUnder: (partitionCount: number) => boolean) => void;
  /** Absent or null: nothing is traced. */
  readonly deliveries?: DeliveryTraces | null;
}

/**
 * Carries routed events to the readers of this node. The tail feeds it (`ingest`, `hole`, `grow`, `reset`); readers are attached to it. No I/O:
 * sockets are sinks, and what `recent` no longer holds comes from the tier reader.
 */
export class Hub implements SubscriberHome<Subscriber> {
  readonly options: HubOptions;
  readonly environment: Environment;
  readonly metrics: Metrics;
  readonly tiers: TierReader;
  readonly deliveries: DeliveryTraces | null;
  readonly out = new ChunkWriter();
  readonly deadlines: DeadlineWheel;
  readonly newBudget: () => ReplayBudget;
  readonly topics: TopicTable;
  readonly #hearStray: HubParts['hearStray'];
  readonly #recentStore: RecentStore;
  readonly #channels = new ChannelIndex();
  readonly #cohorts = new Map<string, Cohort<Subscriber>>();
  readonly #dirty = new Set<Cohort<Subscriber>>();
  readonly #moved = new Set<PartitionLog>();
  /** Readers at the tail whose cohort has something to send first. */
  readonly #joining = new Set<TailWaiter>();
  readonly #wheel: KeepAliveWheel;
  readonly #subscribers = new Map<Subscriber, () => void>();
  #isFlushPlanned = false;
  #liveCount = 0;
  #healthyUntilMs: number | null = null;

  constructor({ options, environment, metrics, tiers, recentStore, topics, newBudget, hearStray, deliveries = null }: HubParts) {
    this.options = options;
    this.environment = environment;
    this.metrics = metrics;
    this.tiers = tiers;
    this.deliveries = deliveries;
    this.topics = topics;
    this.newBudget = newBudget;
    this.#hearStray = hearStray;
    this.#recentStore = recentStore;
    this.#wheel = new KeepAliveWheel(options.keepAliveMs / 2, environment);
    this.deadlines = new DeadlineWheel(environment);
  }

  // ---- readers

  get subscriberCount(): number {
    return this.#subscribers.size;
  }

  get catchingUpCount(): number {
    return this.#subscribers.size - this.#liveCount;
  }

  /** Every reader now. */
  subscribers(): Subscriber[] {
    return [...this.#subscribers.keys()];
  }

  /**
   * Attaches a reader; the head of its stream, and what `recent` has for it, is written before this returns. `terms`: what it is promised besides the
   * events; null: nothing. `onClosed` is called once when it is over, by whomever.
   */
  attach(
    subscription: Subscription,
    start: Start,
    sink: Sink,
    terms: StreamTerms | null = null,
    onClosed: () => void = () => undefined,
  ): Subscriber {
    const subscriber = new Subscriber(this, subscription, start, sink, terms);
    const leaveWheel = this.#wheel.add(subscriber);
    this.#subscribers.set(subscriber, () => {
      leaveWheel();
      onClosed();
    });
    this.#channels.addCatchingUp(subscriber);
    subscriber.begin();
    return subscriber;
  }

  cohortFor(subscription: Subscription, cursor: Cursor, waiter: TailWaiter): Cohort<Subscriber> | null {
    const key = `${subscription.key}\n${cursor.shape.key}`;
    let cohort = this.#cohorts.get(key);
    if (cohort === undefined) {
      cohort = new Cohort(key, subscription, cursor.copy(), this);
      this.#cohorts.set(key, cohort);
      this.#channels.addCohort(cohort);
    } else if (cohort.hasPending) {
      this.#joining.add(waiter);
      return null;
    } else cohort.catchUp();
    return cohort;
  }

  cohortLeft(cohort: Cohort<Subscriber>): void {
    if (cohort.members.length > 0) return;
    this.#cohorts.delete(cohort.key);
    this.#dirty.delete(cohort);
    this.#channels.removeCohort(cohort);
  }

  stateChanged(subscriber: Subscriber, from: SubscriberState, to: SubscriberState): void {
    if (from === 'live') this.#liveCount--;
    else if (from === 'catching-up') this.#channels.removeCatchingUp(subscriber);
    if (to === 'live') this.#liveCount++;
    else if (to === 'catching-up') this.#channels.addCatchingUp(subscriber);
  }

  closed(subscriber: Subscriber): void {
    this.#subscribers.get(subscriber)?.();
    this.#subscribers.delete(subscriber);
  }

  safeTimeMs(): number {
    return Math.max(0, (this.#healthyUntilMs ?? this.environment.clock.nowMs()) - this.options.timeSlackMs);
  }

  // ---- the tail

  /** Takes what one stretch of a partition became; `to` is the last offset fetched, events or not. */
  ingest(partition: PartitionLog, events: readonly RecordEvent[], to: number): void {
    if (to <= partition.tail) return;
    if (partition.topic.hasHomeReaders) this.#hearStrays(partition, events);
    this.#recentStore.hold(partition.recent, events, to);
    for (const event of events) {
      for (const channel of event.channels) {
        const readers = this.#channels.get(channel);
        if (readers === undefined) continue;
        for (const cohort of readers.cohorts) {
          if (!cohort.covers(partition)) continue;
          cohort.add(event, partition);
          this.#dirty.add(cohort);
        }
      }
    }
    if (partition.ahead.size > 0) this.#moved.add(partition);
    if (this.#dirty.size > 0 || this.#moved.size > 0) this.#planFlush();
  }

  /** Sends what is pending. Runs outside I/O handlers, so that each write is one system call; tests may call it. */
  flush(): void {
    this.#isFlushPlanned = false;
    const safeTimeMs = this.safeTimeMs();
    for (const cohort of this.#dirty) cohort.flush(this.out, safeTimeMs);
    this.#dirty.clear();
    this.deliveries?.flushed();
    const moved = [...this.#moved];
    this.#moved.clear();
    for (const partition of moved) for (const reader of [...partition.ahead]) reader.tailMoved();
    const joining = [...this.#joining];
    this.#joining.clear();
    for (const reader of joining) reader.tailMoved();
  }

  /** The tail lost what lies in (tail, cursor]: `recent` starts there, and readers below it catch up from the other tiers. */
  hole(partition: PartitionLog, cursor: number): void {
    this.#scatter(partition);
    this.#recentStore.restart(partition.recent, cursor);
    this.#wake(partition);
  }

  /** The topic was deleted and made again, or truncated: everything known of the partition is void. */
  reset(partition: PartitionLog, low: number): void {
    this.#scatter(partition);
    this.#recentStore.restart(partition.recent, low - 1);
    for (const subscriber of this.#dependents(partition)) subscriber.resetTo(partition, low);
  }

  /** The log's low and end as asked just now: a waiting reader that is beyond the end was reading another topic of this name. */
  checkAhead(partition: PartitionLog, low: number, end: number): void {
    if (partition.ahead.size === 0 || partition.tail >= end) return;
    for (const subscriber of this.#dependents(partition)) {
      if (subscriber.cursorOf(partition) >= end) subscriber.resetTo(partition, low);
    }
  }

  /** The node tails the partition from `next`. */
  startPartition(partition: PartitionLog, next: number): void {
    this.#recentStore.restart(partition.recent, next - 1);
    this.#wake(partition);
  }

  /** The topic has more partitions than before; readers that depend on it widen. */
  grow(topic: TopicLog, partitionCount: number): void {
    const before = topic.partitionCount;
    this.flush();
    topic.setPartitionCount(partitionCount);
    if (partitionCount <= before) return;
    for (const subscriber of this.subscribers()) {
      const source = subscriber.subscription.sources.find((candidate) => candidate.topic === topic);
      if (source !== undefined) subscriber.widen((cursor) => widenForGrowth(cursor, source, this.topics.clusterTag));
    }
  }

  /**
   * The keyed topic holds records outside their home partition: its readers look at every partition from now on, and are told that something
   * may have passed them there.
   */
  breach(topic: TopicLog): void {
    if (topic.isBreached) return;
    this.flush();
    topic.isBreached = true;
    for (const subscriber of this.subscribers()) {
      if (!subscriber.subscription.sources.some((source) => source.topic === topic)) continue;
      const everywhere = (cursor: Cursor): Cursor => widenTo(cursor, topic.partitions(), ({ tail }) => tail, this.topics.clusterTag);
      subscriber.widen(everywhere, 'unknown-position');
    }
  }

  /** Whether fetches are answered: positions by time stand still while they are not. */
  setDelivering(isDelivering: boolean): void {
    if (isDelivering) this.#healthyUntilMs = null;
    else this.#healthyUntilMs ??= this.environment.clock.nowMs();
  }

  stop(): void {
    this.#wheel.stop();
    this.deadlines.stop();
  }

  // ----

  /**
   * An event of a keyed channel in a partition that its readers do not look at (a producer that has not seen the topic grow, or hashes otherwise):
   * from now on they do.
   */
  #hearStrays(partition: PartitionLog, events: readonly RecordEvent[]): void {
    const before = partition.tail;
    for (const event of events) {
      for (const channel of event.channels) {
        const readers = this.#channels.get(channel);
        if (readers === undefined) continue;
        const strangers = [...readers.catchingUp].filter((subscriber) => !subscriber.covers(partition));
        for (const cohort of readers.cohorts) if (!cohort.covers(partition)) strangers.push(...cohort.members);
        for (const subscriber of strangers) {
          const { subscription } = subscriber;
          const isNews = !isEverHome(subscription, partition);
          if (isNews) this.#hearStray(partition.topic, (count) => isHomeUnder(subscription, partition, count));
          // If a growth explains it, it need not be the first there that a reader with an older position lacks.
          const from = isNews ? Math.min(before, partition.topic.cursorBeforeGrowth(partition.partition)) : before;
          subscriber.widen((cursor) => widenTo(cursor, [partition], () => from, this.topics.clusterTag));
        }
      }
    }
  }

  #dependents(partition: PartitionLog): Subscriber[] {
    return this.subscribers().filter((subscriber) => subscriber.covers(partition));
  }

  /** Every reader of the partition gets a cursor of its own, after what is pending was sent. */
  #scatter(partition: PartitionLog): void {
    this.flush();
    for (const subscriber of this.#dependents(partition)) subscriber.leaveCohort();
  }

  #wake(partition: PartitionLog): void {
    for (const subscriber of this.#dependents(partition)) subscriber.tailMoved();
  }

  #planFlush(): void {
    if (this.#isFlushPlanned) return;
    this.#isFlushPlanned = true;
    this.environment.timers.soon(() => this.flush());
  }
}
