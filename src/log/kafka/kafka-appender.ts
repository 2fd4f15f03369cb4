import kafkajs from 'kafkajs';
import type { Message, Producer, RecordMetadata } from 'kafkajs';
import { LogError } from '../event-log.js';
import type { AppendRecord, AppendResult } from '../event-log.js';
import { toLogError } from './kafka-error.js';
import type { KafkaLogContext } from './kafka-log-context.js';
import { settleWithin } from './settle-within.js';

/** Bytes that one request of ours carries for a topic at most (one record always goes): a partition's part of it is one batch to the broker, which refuses more than 1 MB. */
const requestBytesMax = 512 * 1024;
const requestRecordsMax = 1_000;
/** Records that may wait for a topic. */
const waitingMax = 10_000;
const recordOverheadBytes = 32;
const appendMsMax = 30_000;
const stopMsMax = 5_000;

interface Waiting {
  readonly record: AppendRecord;
  readonly bytes: number;
  readonly settle: (offset: AppendResult | LogError) => void;
}

interface Lane {
  readonly waiting: Waiting[];
  isSending: boolean;
}

/**
 * The idempotent producer. One request a topic at a time, carrying all that waits: kafkajs takes a failed request's sequence numbers back, so
 * that with two under way the second could be taken for the first by the broker, and be lost. After a failure the producer is replaced, because
 * nobody knows which numbers the broker has seen.
 */
export class KafkaAppender {
  private readonly context: KafkaLogContext;
  private readonly lanes = new Map<string, Lane>();
  private producer: Promise<Producer> | null = null;
  private readonly chosen = new WeakMap<Message, number>();
  private readonly users = new Map<Promise<Producer>, number>();
  private isClosed = false;

  constructor(context: KafkaLogContext) {
    this.context = context;
  }

  /** Resolves in the order given, when all are in the log; rejects with the first failure. */
  async append(records: readonly AppendRecord[]): Promise<readonly AppendResult[]> {
    if (this.isClosed) throw new LogError('could not append: the log is closed', false);
    const results = await Promise.all(records.map((record) => this.enqueue(record)));
    const failure = results.find((result) => result instanceof LogError);
    if (failure !== undefined) throw failure;
    return results as readonly AppendResult[];
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.retire(this.producer);
  }

  private enqueue(record: AppendRecord): Promise<AppendResult | LogError> {
    const lane = this.lanes.get(record.topic) ?? { waiting: [], isSending: false };
    this.lanes.set(record.topic, lane);
    if (lane.waiting.length >= waitingMax)
      return Promise.resolve(new LogError(`could not append to "${record.topic}": too much is waiting`, true));
    return new Promise((settle) => {
      lane.waiting.push({ record, bytes: sizeOf(record), settle });
      if (lane.isSending) return;
      lane.isSending = true;
      // Whatever is appended in this turn goes together.
      queueMicrotask(() => void this.drain(record.topic, lane));
    });
  }

  private async drain(topic: string, lane: Lane): Promise<void> {
    while (lane.waiting.length > 0) {
      const part = takePart(lane.waiting);
      try {
        const offsets = await this.send(topic, part);
        offsets.forEach((offset, index) => part[index]?.settle(offset));
      } catch (error) {
        const failure = toLogError(`append to topic "${topic}"`, error);
        for (const { settle } of part) settle(failure);
      }
    }
    lane.isSending = false;
  }

  private async send(topic: string, part: readonly Waiting[]): Promise<AppendResult[]> {
    const messages = part.map(({ record }) => this.toMessage(record));
    this.producer ??= this.open();
    const used = this.producer;
    this.users.set(used, (this.users.get(used) ?? 0) + 1);
    try {
      const producer = await used;
      const written = await this.withinTime(topic, producer.send({ topic, acks: -1, messages }));
      return this.offsetsOf(topic, messages, written);
    } catch (error) {
      if (this.producer === used) this.producer = null;
      throw error;
    } finally {
      const left = (this.users.get(used) ?? 1) - 1;
      if (left > 0) this.users.set(used, left);
      else {
        this.users.delete(used);
        if (this.producer !== used) void this.retire(used);
      }
    }
  }

  /** The broker tells the offset of the first record in each partition; the others follow in the order given. */
  private offsetsOf(topic: string, messages: readonly Message[], written: readonly RecordMetadata[]): AppendResult[] {
    const nexts = new Map(written.map(({ partition, baseOffset }) => [partition, Number(baseOffset)]));
    return messages.map((message) => {
      const partition = this.chosen.get(message) ?? -1;
      const offset = nexts.get(partition);
      if (offset === undefined || Number.isNaN(offset) || offset < 0)
        throw new LogError(`Kafka told no offset for partition ${partition} of "${topic}"`, true);
      nexts.set(partition, offset + 1);
      return { topic, partition, offset };
    });
  }

  private async open(): Promise<Producer> {
    const producer = this.context.openClient('append').producer({
      idempotent: true,
      allowAutoTopicCreation: false,
      metadataMaxAge: 30_000,
      retry: { retries: 8, initialRetryTime: 100, maxRetryTime: 1_000 },
      createPartitioner: () => this.rememberingPartitioner(),
    });
    await producer.connect();
    return producer;
  }

  /** Java's choice, and the same one again when a record is tried again. */
  private rememberingPartitioner(): ReturnType<typeof kafkajs.Partitioners.DefaultPartitioner> {
    const choose = kafkajs.Partitioners.DefaultPartitioner();
    return (args) => {
      const known = this.chosen.get(args.message);
      if (known !== undefined) return known;
      const partition = choose(args);
      this.chosen.set(args.message, partition);
      return partition;
    };
  }

  private toMessage(record: AppendRecord): Message {
    const { key, value, headers, partition, timestampMs } = record;
    return {
      key: toBuffer(key),
      value: toBuffer(value),
      ...(headers !== undefined && { headers: { ...headers } }),
      ...(partition !== undefined && { partition }),
      ...(timestampMs !== undefined && { timestamp: String(timestampMs) }),
    };
  }

  private withinTime<T>(topic: string, work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(new LogError(`could not append to topic "${topic}": no answer within ${appendMsMax / 1000} s`, true));
      const timer = this.context.environment.timers.after(appendMsMax, fail);
      work.then(resolve, reject).finally(() => timer.cancel());
    });
  }

  private async retire(producer: Promise<Producer> | null): Promise<void> {
    if (producer === null) return;
    const leaving = producer.then((opened) => opened.disconnect());
    await settleWithin(leaving, stopMsMax, this.context.environment.timers);
  }
}

function takePart(waiting: Waiting[]): Waiting[] {
  let bytes = 0;
  let count = 0;
  while (count < waiting.length && count < requestRecordsMax) {
    bytes += waiting[count]?.bytes ?? 0;
    if (count > 0 && bytes > requestBytesMax) break;
    count++;
  }
  return waiting.splice(0, count);
}

function sizeOf({ key, value, headers }: AppendRecord): number {
  let bytes = recordOverheadBytes + bytesOf(key) + bytesOf(value);
  for (const [name, text] of Object.entries(headers ?? {})) bytes += bytesOf(name) + bytesOf(text);
  return bytes;
}

function bytesOf(value: Uint8Array | string | null): number {
  return value === null ? 0 : typeof value === 'string' ? Buffer.byteLength(value) : value.length;
}

function toBuffer(value: Uint8Array | string | null): Buffer | null {
  if (value === null) return null;
  return typeof value === 'string' ? Buffer.from(value) : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
