import kafkajs from 'kafkajs';
import type { Producer } from 'kafkajs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RecordValue } from './records.js';

export interface Draft {
  readonly key: string | null;
  readonly partition: number;
  readonly value: Omit<RecordValue, 'n' | 'at'>;
}

export interface SteadyProducerOptions {
  readonly brokers: readonly string[];
  readonly topic: string;
  /** Records a tick. */
  readonly draftsEveryTick: number;
  /** Makes one record for a topic of so many partitions. */
  readonly draft: (partitionCount: number) => Draft;
  /** The next number of a record. */
  readonly nextNumber: () => number;
}

export interface Acknowledged {
  readonly n: number;
  readonly partition: number;
  readonly offset: number;
}

const tickMs = 200;
/** Records that wait while the brokers do not answer; more are not made. */
const pendingMax = 2_000;

/**
 * Writes to one topic without end. One send a partition at a time, retried by the idempotent producer alone; what it gives up is noted as 'maybe', and a new producer
 * goes on (the old one's sequence numbers are no longer sure). Several partitions in one send would not do: kafkajs may send them again, or not at all, when leaders
 * move between its attempts.
 */
export class SteadyProducer {
  readonly acknowledged: Acknowledged[] = [];
  readonly maybe = new Set<number>();
  readonly #options: SteadyProducerOptions;
  #partitionCount: number;
  #producer: Producer | null = null;
  #pending: Draft[] = [];
  #isStopping = false;
  #isAnew = false;
  #sentAtMs = 0;
  #run: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SteadyProducerOptions, partitionCount: number) {
    this.#options = options;
    this.#partitionCount = partitionCount;
  }

  get partitionCount(): number {
    return this.#partitionCount;
  }

  /** Nothing waits to be written but what was made just now. */
  get isUpToDate(): boolean {
    return this.#pending.length <= 2 * this.#options.draftsEveryTick && Date.now() - this.#sentAtMs < 5 * tickMs;
  }

  start(): void {
    this.#timer = setInterval(() => this.#tick(), tickMs);
    this.#run = this.#sendAll();
  }

  /** From the next record on the topic has so many partitions. */
  grow(partitionCount: number): void {
    this.#partitionCount = partitionCount;
    this.#isAnew = true;
  }

  /** Makes no more, and returns when what is pending and `last` is written. */
  async finish(last: readonly Draft[]): Promise<void> {
    clearInterval(this.#timer);
    this.#pending.push(...last);
    this.#isStopping = true;
    await this.#run;
    await this.#producer?.disconnect().catch(() => undefined);
  }

  /** Makes and writes no more, whatever is pending; for worlds that end without a judgement. */
  abandon(): void {
    clearInterval(this.#timer);
    this.#pending = [];
    this.#isStopping = true;
    void this.#producer?.disconnect().catch(() => undefined);
  }

  #tick(): void {
    for (let i = 0; i < this.#options.draftsEveryTick && this.#pending.length < pendingMax; i++) {
      this.#pending.push(this.#options.draft(this.#partitionCount));
    }
  }

  async #sendAll(): Promise<void> {
    for (;;) {
      const batch = this.#pending;
      this.#pending = [];
      if (batch.length === 0) {
        if (this.#isStopping) return;
        await sleep(10);
        continue;
      }
      const byPartition = new Map<number, RecordValue[]>();
      const keys = new Map<number, string | null>();
      for (const { key, partition, value } of batch) {
        const whole: RecordValue = { n: this.#options.nextNumber(), at: Date.now(), ...value };
        keys.set(whole.n, key);
        const list = byPartition.get(partition);
        if (list) list.push(whole);
        else byPartition.set(partition, [whole]);
      }
      for (const [partition, values] of byPartition) await this.#sendOne(partition, values, keys);
    }
  }

  async #sendOne(partition: number, values: readonly RecordValue[], keys: ReadonlyMap<number, string | null>): Promise<void> {
    const messages = values.map((value) => ({ key: keys.get(value.n) ?? null, partition, value: JSON.stringify(value) }));
    try {
      const producer = await this.#connected();
      const answers = await producer.send({ topic: this.#options.topic, acks: -1, messages });
      const answer = answers.find((candidate) => candidate.partition === partition);
      if (answer?.baseOffset === undefined) throw new Error('not acknowledged');
      const base = Number(answer.baseOffset);
      this.#sentAtMs = Date.now();
      for (const [i, { n }] of values.entries()) this.acknowledged.push({ n, partition, offset: base + i });
    } catch {
      for (const { n } of values) this.maybe.add(n);
      this.#isAnew = true;
    }
  }

  async #connected(): Promise<Producer> {
    if (this.#isAnew) {
      this.#isAnew = false;
      void this.#producer?.disconnect().catch(() => undefined);
      this.#producer = null;
    }
    while (this.#producer === null) {
      const producer = this.#create();
      try {
        await producer.connect();
        this.#producer = producer;
      } catch (error) {
        if (this.#isStopping && this.#pending.length === 0) throw error;
        await sleep(500);
      }
    }
    return this.#producer;
  }

  #create(): Producer {
    return new kafkajs.Kafka({
      clientId: 'chaos-producer',
      brokers: [...this.#options.brokers],
      connectionTimeout: 1_000,
      requestTimeout: 5_000,
      logLevel: kafkajs.logLevel.NOTHING,
    }).producer({
      idempotent: true,
      maxInFlightRequests: 1,
      metadataMaxAge: 2_000,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      retry: { retries: 120, initialRetryTime: 100, maxRetryTime: 1_000, factor: 0.5 },
    });
  }
}
