import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';

/** What one kafkajs consumer tells. Everything but `onBatch` is synchronous, inside kafkajs' own event. */
export interface SessionHandlers {
  /** Joined, or joined again: nothing was fetched yet under this division. */
  onJoined(assigned: ReadonlyMap<string, readonly number[]>): void;
  onBatch(payload: EachBatchPayload): Promise<void>;
  /** A fetch held offsets but no records: markers, aborted records. `first` null: not told. */
  onEmptied(topic: string, partition: number, first: number | null, last: number, end: number): void;
  /** The division is over; another is about to be made. */
  onRebalancing?(): void;
  /** A broker answered a fetch. */
  onFetchAnswered?(broker: string): void;
  /** The consumer is gone for good. At most once, and not after `stop`. */
  onCrash(error: Error): void;
}

export interface SessionOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly concurrency: number;
  readonly maxWaitTimeInMs: number;
  readonly maxBytes: number;
  readonly maxBytesPerPartition: number;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly metadataMaxAgeMs: number;
  readonly rackId: string | undefined;
}

/**
 * One kafkajs consumer from its start to its end. It starts at the low end where nothing is sought (with `false`, an offset out of range would
 * silently jump to the log's end), commits nothing by itself and does not restart itself: on a crash its owner makes a new one.
 */
export class ConsumerSession {
  readonly consumer: Consumer;
  private readonly options: SessionOptions;
  private readonly handlers: SessionHandlers;
  private isOver = false;

  constructor(kafka: Kafka, options: SessionOptions, handlers: SessionHandlers) {
    this.options = options;
    this.handlers = handlers;
    this.consumer = kafka.consumer({
      groupId: options.groupId,
      sessionTimeout: options.sessionTimeoutMs,
      heartbeatInterval: Math.floor(options.sessionTimeoutMs / 3),
      rebalanceTimeout: options.rebalanceTimeoutMs,
      metadataMaxAge: options.metadataMaxAgeMs,
      allowAutoTopicCreation: false,
      minBytes: 1,
      maxBytes: options.maxBytes,
      maxBytesPerPartition: options.maxBytesPerPartition,
      maxWaitTimeInMs: options.maxWaitTimeInMs,
      retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 1_000, restartOnFailure: async () => false },
      ...(options.rackId !== undefined && { rackId: options.rackId }),
    });
    this.listen();
  }

  get over(): boolean {
    return this.isOver;
  }

  /** Joins and starts to fetch. Failures come as `onCrash`. */
  async start(): Promise<void> {
    try {
      await this.consumer.connect();
      await this.consumer.subscribe({ topics: [...this.options.topics], fromBeginning: true });
      if (this.isOver) return await this.disconnect();
      await this.consumer.run({
        autoCommit: false,
        partitionsConsumedConcurrently: this.options.concurrency,
        eachBatch: (payload) => (this.isOver ? Promise.resolve() : this.handlers.onBatch(payload)),
      });
      if (this.isOver) await this.disconnect();
    } catch (error) {
      this.crash(error as Error);
    }
  }

  seek(topic: string, partition: number, offset: number): void {
    if (!this.isOver) this.consumer.seek({ topic, partition, offset: String(offset) });
  }

  pause(topic: string, partitions: readonly number[]): void {
    if (!this.isOver) this.consumer.pause([{ topic, partitions: [...partitions] }]);
  }

  resume(topic: string, partitions: readonly number[]): void {
    if (!this.isOver) this.consumer.resume([{ topic, partitions: [...partitions] }]);
  }

  /** No handler is called from now on; resolves when the group is left and the connections are closed. Never rejects. */
  async stop(): Promise<void> {
    this.isOver = true;
    await this.disconnect();
  }

  private listen(): void {
    const { consumer, handlers } = this;
    const { events } = consumer;
    consumer.on(events.GROUP_JOIN, ({ payload }) => {
      if (this.isOver) return;
      handlers.onJoined(new Map(Object.entries(payload.memberAssignment)));
    });
    consumer.on(events.END_BATCH_PROCESS, ({ payload }) => {
      if (this.isOver || payload.batchSize > 0) return;
      const first = (payload as { firstOffset: string | null }).firstOffset;
      const { topic, partition, lastOffset, highWatermark } = payload;
      handlers.onEmptied(topic, partition, first === null ? null : Number(first), Number(lastOffset), Number(highWatermark));
    });
    consumer.on(events.REBALANCING, () => {
      if (!this.isOver) handlers.onRebalancing?.();
    });
    if (handlers.onFetchAnswered !== undefined) {
      consumer.on(events.REQUEST, ({ payload }) => {
        if (!this.isOver && payload.apiName === 'Fetch') handlers.onFetchAnswered?.(payload.broker);
      });
    }
    consumer.on(events.CRASH, ({ payload }) => this.crash(payload.error));
  }

  private crash(error: Error): void {
    if (this.isOver) return;
    this.isOver = true;
    void this.disconnect();
    this.handlers.onCrash(error);
  }

  private async disconnect(): Promise<void> {
    await this.consumer.disconnect().catch(() => undefined);
  }
}
