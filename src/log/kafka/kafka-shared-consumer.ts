import type { EachBatchPayload } from 'kafkajs';
import type { Timer } from '../../std/clock.js';
import type { AssignedPartition, LogBatch, SharedConsumer, SharedListener } from '../event-log.js';
import { backoffMs } from '../retry-backoff.js';
import { ConsumerSession } from './consumer-session.js';
import type { KafkaLogContext } from './kafka-log-context.js';
import { fetchedOffsetOf, recordsOf } from './kafka-records.js';
import { settleWithin } from './settle-within.js';
import { takeEmpty } from './shared-partition.js';
import type { SharedPartition } from './shared-partition.js';

/** Everything paused, kafkajs sleeps this long before it looks again; so it bounds how fast a member starts and leaves. */
const fetchWaitMs = 200;
/** kill -9 of a member: its partitions go to others after this. */
const sessionTimeoutMs = 6_000;
/** Finished work is committed at most this often: a commit a batch would cost as much as the batch. What is repeated after a crash is written again. */
const commitEveryMs = 200;
const stopMsMax = 10_000;

/** One division of the partitions, as this member has it. */
interface Division {
  readonly session: ConsumerSession;
  readonly partitions: Map<string, SharedPartition>;
  isOver: boolean;
}

/** A member of a shared group over Kafka. At a join everything is held back until the listener said where to start. */
export class KafkaSharedConsumer implements SharedConsumer {
  private readonly context: KafkaLogContext;
  private readonly group: string;
  private readonly topics: readonly string[];
  private readonly listener: SharedListener;
  private division: Division | null = null;
  private session: ConsumerSession | null = null;
  private readonly timers = new Set<Timer>();
  private readonly sleepers = new Set<() => void>();
  private isCommitDue = false;
  private isStopped = false;
  private failures = 0;
  private followedTopics: readonly string[] = [];

  constructor(context: KafkaLogContext, group: string, topics: readonly string[], listener: SharedListener) {
    this.context = context;
    this.group = group;
    this.topics = [...new Set(topics)];
    this.listener = listener;
    void this.begin();
  }

  /** Lets the batches under way end, commits them, and leaves. */
  async stop(): Promise<void> {
    if (this.isStopped) return;
    this.isStopped = true;
    for (const timer of this.timers) timer.cancel();
    for (const wake of [...this.sleepers]) wake();
    const { division, session } = this;
    const underWay = [...(division?.partitions.values() ?? [])].map((state) => state.underWay);
    const leaving = Promise.allSettled(underWay)
      .then(() => this.commit(division))
      .then(() => session?.stop());
    await settleWithin(leaving, stopMsMax, this.context.environment.timers);
    if (division !== null) division.isOver = true;
    this.session = null;
  }

  private async begin(): Promise<void> {
    if (this.isStopped) return;
    try {
      const present = await this.presentTopics();
      if (this.isStopped) return;
      this.startSession(present);
    } catch (error) {
      this.context.logger.warn('a member of a shared group cannot start yet, and will try again', {
        group: this.group,
        error: String(error),
      });
      this.later(this.nextBackoffMs(), () => void this.begin());
    }
  }

  /** A topic that does not exist yet would make the consumer fail for all; it is joined when it appears. */
  private async presentTopics(): Promise<readonly string[]> {
    const looked = await Promise.all(this.topics.map(async (topic) => ((await this.context.admin.offsets(topic)) === null ? null : topic)));
    return looked.filter((topic) => topic !== null);
  }

  private startSession(topics: readonly string[]): void {
    this.followedTopics = topics;
    if (topics.length < this.topics.length) this.lookForTopics();
    if (topics.length === 0) return;
    const session: ConsumerSession = new ConsumerSession(
      this.context.openClient('share'),
      {
        groupId: this.group,
        topics,
        concurrency: 8,
        maxWaitTimeInMs: fetchWaitMs,
        maxBytes: 8 * 1024 * 1024,
        maxBytesPerPartition: 512 * 1024,
        sessionTimeoutMs,
        rebalanceTimeoutMs: 20_000,
        metadataMaxAgeMs: 2_000,
        rackId: this.context.rackId,
      },
      {
        onJoined: (assigned) => this.onJoined(session, assigned),
        onBatch: (payload) => this.onBatch(session, payload),
        onEmptied: (topic, partition, first, last, end) => this.onEmptied(session, topic, partition, first, last, end),
        onRebalancing: () => this.endDivision(true),
        onCrash: (error) => this.onCrash(session, error),
      },
    );
    this.session = session;
    void session.start();
  }

  private lookForTopics(): void {
    this.later(2_000, () => {
      void this.presentTopics()
        .then((present) => {
          if (this.isStopped || present.length <= this.followedTopics.length) return this.lookForTopics();
          this.endDivision(true);
          const leaving = this.session?.stop() ?? Promise.resolve();
          this.session = null;
          void leaving.then(() => this.begin());
        })
        .catch(() => this.lookForTopics());
    });
  }

  private onCrash(session: ConsumerSession, error: Error): void {
    if (session !== this.session || this.isStopped) return;
    this.context.logger.warn('a member of a shared group lost its consumer, and joins again', { group: this.group, error: error.message });
    this.endDivision(false);
    this.session = null;
    for (const timer of this.timers) timer.cancel();
    this.timers.clear();
    this.later(this.nextBackoffMs(), () => void this.begin());
  }

  private onJoined(session: ConsumerSession, assigned: ReadonlyMap<string, readonly number[]>): void {
    if (session !== this.session) return;
    this.endDivision(false);
    for (const [topic, partitions] of assigned) session.pause(topic, partitions);
    const division: Division = { session, partitions: new Map(), isOver: false };
    this.division = division;
    void this.takeUp(division, assigned);
  }

  private endDivision(commit: boolean): void {
    const { division } = this;
    if (division === null || division.isOver) return;
    // The broker still takes commits of the old division until the new one is made.
    if (commit) void this.commit(division);
    division.isOver = true;
    for (const wake of [...this.sleepers]) wake();
    if (division.partitions.size > 0 && !this.isStopped) this.listener.onRevoked();
  }

  private async takeUp(division: Division, assigned: ReadonlyMap<string, readonly number[]>): Promise<void> {
    for (let attempt = 0; this.isCurrent(division); attempt++) {
      try {
        const partitions = await this.askAbout(assigned);
        if (!this.isCurrent(division)) return;
        const starts = await this.listener.onAssigned(partitions);
        if (!this.isCurrent(division)) return;
        for (const { topic, partition, next } of starts) {
          const end = partitions.find((one) => one.topic === topic && one.partition === partition)?.end ?? next;
          const state = { topic, partition, next, emptyTo: next - 1, end, underWay: Promise.resolve(), committable: null };
          division.partitions.set(`${partition}/${topic}`, state);
          division.session.seek(topic, partition, next);
          division.session.resume(topic, [partition]);
        }
        this.failures = 0;
        return;
      } catch (error) {
        this.context.logger.warn('a member of a shared group could not take up its partitions, and will try again', {
          group: this.group,
          error: String(error),
        });
        await this.sleep(backoffMs(attempt, this.context.environment.random()));
      }
    }
  }

  private async askAbout(assigned: ReadonlyMap<string, readonly number[]>): Promise<AssignedPartition[]> {
    const topics = [...assigned.keys()];
    if (topics.length === 0) return [];
    const committed = await this.context.admin.committed(this.group, topics);
    const found: AssignedPartition[] = [];
    for (const [topic, partitions] of assigned) {
      const offsets = await this.context.admin.offsets(topic);
      for (const partition of partitions) {
        const bounds = offsets?.find((one) => one.partition === partition);
        if (bounds === undefined) throw new Error(`partition ${partition} of topic "${topic}" is not there`);
        found.push({ topic, partition, committed: committed.get(`${partition}/${topic}`) ?? null, low: bounds.low, end: bounds.end });
      }
    }
    return found;
  }

  private async onBatch(session: ConsumerSession, payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    const { division } = this;
    const state = division?.partitions.get(`${batch.partition}/${batch.topic}`);
    if (session !== this.session || division === null || state === undefined || payload.isStale()) return;
    // A heartbeat every so often while the listener works: kafkajs sends none meanwhile. It fails when the partitions are being divided anew.
    const beat = this.beatWhileWorking(division, payload);
    try {
      await state.underWay;
      const fetched = fetchedOffsetOf(batch);
      const to = Number(batch.lastOffset());
      state.end = Number(batch.highWatermark);
      // Below what was expected: the topic began anew. Above: a hole. Offsets without records in between are neither.
      const from = fetched === state.emptyTo + 1 ? state.next : fetched;
      state.emptyTo = from - 1;
      await this.process(division, state, {
        topic: batch.topic,
        partition: batch.partition,
        from,
        to,
        records: recordsOf(batch, from, to),
        end: state.end,
      });
    } finally {
      beat.cancel();
    }
    // Thrown here, after the work: kafkajs joins again.
    if (beat.failure !== null) throw beat.failure;
  }

  private onEmptied(session: ConsumerSession, topic: string, partition: number, first: number | null, last: number, end: number): void {
    const { division } = this;
    const state = division?.partitions.get(`${partition}/${topic}`);
    if (session !== this.session || division === null || state === undefined || last <= state.emptyTo) return;
    const isGap = first !== null && first > Math.max(state.next, state.emptyTo + 1);
    state.emptyTo = last;
    state.end = end;
    const work = state.underWay.then(async () => {
      if (isGap) await this.skipHole(state, last);
      const batch = takeEmpty(state);
      if (batch !== null) await this.process(division, state, batch);
    });
    state.underWay = work.catch(() => undefined);
  }

  /** Markers that begin above the offset expected: a hole only if the low end has moved there. */
  private async skipHole(state: SharedPartition, last: number): Promise<void> {
    const bounds = (await this.context.admin.offsets(state.topic))?.find(({ partition }) => partition === state.partition);
    if (bounds !== undefined && bounds.low > state.next) state.next = Math.min(bounds.low, last + 1);
  }

  /** Hands a stretch over until it is taken, or the division is over. */
  private async process(division: Division, state: SharedPartition, batch: LogBatch): Promise<void> {
    const isStale = (): boolean => !this.isCurrent(division);
    for (let attempt = 0; !isStale(); attempt++) {
      try {
        await this.listener.onBatch(batch, isStale);
        state.next = batch.to + 1;
        state.emptyTo = Math.max(state.emptyTo, batch.to);
        state.committable = state.next;
        this.commitSoon();
        return;
      } catch (error) {
        this.context.logger.warn('a batch of a shared group was not taken, and is tried again', {
          group: this.group,
          topic: batch.topic,
          partition: batch.partition,
          attempt,
          error: String(error),
        });
        await this.sleep(backoffMs(attempt, this.context.environment.random()));
      }
    }
    throw new Error('the partition was taken away before its batch was written');
  }

  private beatWhileWorking(division: Division, payload: EachBatchPayload): { cancel(): void; failure: Error | null } {
    const beating = { cancel: () => timer.cancel(), failure: null as Error | null };
    const timer = this.context.environment.timers.every(sessionTimeoutMs / 4, () => {
      payload.heartbeat().catch((error: unknown) => {
        beating.failure = error as Error;
        if (this.division === division) this.endDivision(true);
      });
    });
    return beating;
  }

  private commitSoon(): void {
    if (this.isCommitDue || this.isStopped) return;
    this.isCommitDue = true;
    this.later(commitEveryMs, () => {
      this.isCommitDue = false;
      void this.commit(this.division);
    });
  }

  private async commit(division: Division | null): Promise<void> {
    if (division === null || division.isOver) return;
    const offsets = [];
    for (const state of division.partitions.values()) {
      if (state.committable === null) continue;
      offsets.push({ topic: state.topic, partition: state.partition, offset: String(state.committable) });
      state.committable = null;
    }
    if (offsets.length === 0) return;
    await division.session.consumer.commitOffsets(offsets).catch((error: unknown) => {
      this.context.logger.debug('a commit of a shared group was refused', { group: this.group, error: String(error) });
    });
  }

  private isCurrent(division: Division): boolean {
    return division === this.division && !division.isOver && !this.isStopped;
  }

  private nextBackoffMs(): number {
    return backoffMs(this.failures++, this.context.environment.random());
  }

  private later(delayMs: number, callback: () => void): void {
    const timer = this.context.environment.timers.after(delayMs, () => {
      this.timers.delete(timer);
      if (!this.isStopped) callback();
    });
    this.timers.add(timer);
  }

  private sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.sleepers.delete(wake);
        timer.cancel();
        resolve();
      };
      const timer = this.context.environment.timers.after(delayMs, wake);
      this.sleepers.add(wake);
    });
  }
}
