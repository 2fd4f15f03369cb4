import type { EachBatchPayload } from 'kafkajs';
import type { LogRecord } from '../../protocol/log-record.js';
import { backoffMs } from '../retry-backoff.js';
import { ConsumerSession } from './consumer-session.js';
import { freshGroupId } from './kafka-log-context.js';
import type { KafkaLogContext } from './kafka-log-context.js';
import { fetchedOffsetOf, recordsOf } from './kafka-records.js';
import { settleWithin } from './settle-within.js';

/** A stretch as a scanner fetched it. `isContinued`: it begins where the last one ended; else the low end must be asked. */
export interface ScannedStretch {
  readonly from: number;
  readonly to: number;
  readonly records: readonly LogRecord[];
  readonly end: number;
  readonly isContinued: boolean;
}

/** A scan that a scanner serves: it is given one stretch each time it asked for one. */
export interface ScanJob {
  readonly topic: string;
  readonly partition: number;
  /** The offset that is wanted next. */
  next: number;
  /** Last offset wanted. */
  readonly to: number;
  isWanting: boolean;
  onStretch(stretch: ScannedStretch): void;
}

/** Without a partition to fetch kafkajs sleeps this long before it looks again. */
const fetchWaitMs = 10;
const stopMsMax = 3_000;

/**
 * One pooled consumer for scans: joined once, everything paused, each job's partition sought and resumed for as long as the job wants a stretch.
 * One job a partition. When the consumer dies another one takes up the jobs.
 */
export class KafkaScanner {
  private readonly context: KafkaLogContext;
  private readonly jobs = new Map<string, ScanJob>();
  private topics = new Set<string>();
  private session: ConsumerSession | null = null;
  private assigned: ReadonlyMap<string, readonly number[]> = new Map();
  private isStopped = false;
  private failures = 0;

  constructor(context: KafkaLogContext, topics: Iterable<string>) {
    this.context = context;
    this.topics = new Set(topics);
  }

  get load(): number {
    return this.jobs.size;
  }

  isFree(topic: string, partition: number): boolean {
    return !this.jobs.has(`${partition}/${topic}`);
  }

  add(job: ScanJob): void {
    this.jobs.set(`${job.partition}/${job.topic}`, job);
    if (this.session === null || !this.topics.has(job.topic)) {
      this.topics.add(job.topic);
      this.renew();
    }
  }

  /** The job wants its next stretch. */
  want(job: ScanJob): void {
    job.isWanting = true;
    this.serve(job);
  }

  remove(job: ScanJob): void {
    if (this.jobs.get(`${job.partition}/${job.topic}`) !== job) return;
    this.jobs.delete(`${job.partition}/${job.topic}`);
    if (this.isAssigned(job)) this.session?.pause(job.topic, [job.partition]);
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    const stopping = this.session?.stop();
    this.session = null;
    if (stopping !== undefined) await settleWithin(stopping, stopMsMax, this.context.environment.timers);
  }

  private renew(): void {
    if (this.isStopped) return;
    void this.session?.stop();
    this.assigned = new Map();
    const session: ConsumerSession = new ConsumerSession(
      this.context.openClient('scan'),
      {
        groupId: freshGroupId(this.context, 'scan'),
        topics: [...this.topics],
        concurrency: 16,
        maxWaitTimeInMs: fetchWaitMs,
        maxBytes: 8 * 1024 * 1024,
        maxBytesPerPartition: 1024 * 1024,
        sessionTimeoutMs: 30_000,
        rebalanceTimeoutMs: 10_000,
        metadataMaxAgeMs: 5_000,
        rackId: this.context.rackId,
      },
      {
        onJoined: (assigned) => this.onJoined(session, assigned),
        onBatch: (payload) => this.onBatch(session, payload),
        onEmptied: (topic, partition, first, last, end) => this.onEmptied(session, topic, partition, first, last, end),
        onCrash: (error) => this.onCrash(session, error),
      },
    );
    this.session = session;
    void session.start();
  }

  private onCrash(session: ConsumerSession, error: Error): void {
    if (this.session !== session || this.isStopped) return;
    this.context.logger.info('a scanner lost its consumer', { error: error.message });
    const delayMs = Math.min(1_000, backoffMs(this.failures++, this.context.environment.random()));
    // A topic that is gone must not keep the others from being read.
    this.topics = new Set([...this.jobs.values()].map((job) => job.topic));
    this.context.environment.timers.after(delayMs, () => {
      if (this.session !== session) return;
      this.session = null;
      if (this.topics.size > 0) this.renew();
    });
  }

  private onJoined(session: ConsumerSession, assigned: ReadonlyMap<string, readonly number[]>): void {
    if (session !== this.session) return;
    this.failures = 0;
    this.assigned = assigned;
    for (const [topic, partitions] of assigned) session.pause(topic, partitions);
    for (const job of this.jobs.values()) this.serve(job);
  }

  private serve(job: ScanJob): void {
    if (!job.isWanting || !this.isAssigned(job) || this.session === null) return;
    this.session.seek(job.topic, job.partition, job.next);
    this.session.resume(job.topic, [job.partition]);
  }

  private onBatch(session: ConsumerSession, payload: EachBatchPayload): Promise<void> {
    if (session !== this.session || payload.isStale()) return Promise.resolve();
    const { batch } = payload;
    const from = fetchedOffsetOf(batch);
    const to = Number(batch.lastOffset());
    const job = this.jobs.get(`${batch.partition}/${batch.topic}`);
    if (job !== undefined && job.isWanting && to >= job.next) {
      const records = recordsOf(batch, job.next, job.to);
      this.give(job, { from: Math.max(from, job.next), to, records, end: Number(batch.highWatermark), isContinued: true });
    }
    return Promise.resolve();
  }

  private onEmptied(session: ConsumerSession, topic: string, partition: number, first: number | null, last: number, end: number): void {
    const job = this.jobs.get(`${partition}/${topic}`);
    if (session !== this.session || job === undefined || !job.isWanting || last < job.next) return;
    this.give(job, { from: job.next, to: last, records: [], end, isContinued: first === null || first <= job.next });
  }

  private give(job: ScanJob, stretch: ScannedStretch): void {
    job.isWanting = false;
    job.next = stretch.to + 1;
    this.session?.pause(job.topic, [job.partition]);
    job.onStretch(stretch);
  }

  private isAssigned(job: ScanJob): boolean {
    return this.assigned.get(job.topic)?.includes(job.partition) ?? false;
  }
}
