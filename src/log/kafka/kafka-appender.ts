import type { Message } from 'kafkajs';
import { Deque } from '../../std/deque.js';
import { LogError } from '../event-log.js';
import type { AppendRecord, AppendResult } from '../event-log.js';
import { partitionOfKey } from '../key-partition.js';
import { AppendLane } from './append-lane.js';
import { AppendLink } from './append-link.js';
import type { KafkaLogContext } from './kafka-log-context.js';
import { settleWithin } from './settle-within.js';
import { TopicPartitions } from './topic-partitions.js';

/** Records and bytes that may wait, over all topics. */
const waitingMax = 20_000;
const waitingBytesMax = 128 * 1024 * 1024;
/** Connections to a broker: as many requests as it works on at a time for us. */
const linkCount = 4;
/** Requests under way at a time. */
const sendsMax = 32;
const recordOverheadBytes = 32;
const stopMsMax = 5_000;

interface Unplaced {
  readonly record: AppendRecord;
  readonly key: Buffer | null;
  readonly bytes: number;
  readonly givenAtTickMs: number;
  readonly settle: (outcome: AppendResult | LogError) => void;
}

interface TopicQueue {
  readonly unplaced: Deque<Unplaced>;
  readonly partitions: TopicPartitions;
  readonly lanes: Map<number, AppendLane>;
  isPlacing: boolean;
}

/**
 * The idempotent producer: a lane for each partition, one request at a time each, on a few connections. It counts sequence numbers itself:
 * kafkajs' producer repeats or loses records when a request of several partitions fails in part, and shares one lock a broker.
 */
export class KafkaAppender {
  readonly #context: KafkaLogContext;
  readonly #topics = new Map<string, TopicQueue>();
  readonly #links: AppendLink[] = [];
  readonly #ready = new Deque<AppendLane>();
  readonly #closing = new AbortController();
  #laneCount = 0;
  #sending = 0;
  #waitingCount = 0;
  #waitingBytes = 0;

  constructor(context: KafkaLogContext) {
    this.#context = context;
  }

  /** Resolves in the order given, when all are in the log; rejects with the first failure. */
  async append(records: readonly AppendRecord[]): Promise<readonly AppendResult[]> {
    if (this.#closing.signal.aborted) throw new LogError('could not append: the log is closed', false);
    const results = await Promise.all(records.map((record) => this.#enqueue(record)));
    const failure = results.find((result) => result instanceof LogError);
    if (failure !== undefined) throw failure;
    return results as readonly AppendResult[];
  }

  /** Requests under way may still be answered; what waits is not sent any more. */
  async close(): Promise<void> {
    const timers = this.#context.environment.timers;
    this.#closing.abort();
    await settleWithin(this.#allSettled(), stopMsMax, timers);
    await settleWithin(Promise.allSettled(this.#links.map((link) => link.close())), stopMsMax, timers);
  }

  #enqueue(record: AppendRecord): Promise<AppendResult | LogError> {
    const key = toBuffer(record.key);
    const bytes = sizeOf(record, key);
    if (this.#waitingCount >= waitingMax || this.#waitingBytes + bytes > waitingBytesMax)
      return Promise.resolve(new LogError(`could not append to "${record.topic}": too much is waiting`, true));
    const queue = this.#queueOf(record.topic);
    this.#waitingCount++;
    this.#waitingBytes += bytes;
    return new Promise((resolve) => {
      const settle = (outcome: AppendResult | LogError): void => {
        this.#waitingCount--;
        this.#waitingBytes -= bytes;
        resolve(outcome);
      };
      queue.unplaced.push({ record, key, bytes, givenAtTickMs: this.#context.environment.clock.tickMs(), settle });
      if (queue.isPlacing) return;
      queue.isPlacing = true;
      // Whatever is appended in this turn goes together.
      queueMicrotask(() => void this.#place(record.topic, queue));
    });
  }

  #queueOf(topic: string): TopicQueue {
    const known = this.#topics.get(topic);
    if (known !== undefined) return known;
    const partitions = new TopicPartitions(topic, this.#linkAt(0), this.#context, this.#closing.signal);
    const queue: TopicQueue = { unplaced: new Deque(), partitions, lanes: new Map(), isPlacing: false };
    this.#topics.set(topic, queue);
    return queue;
  }

  /** Gives waiting records their lanes, in order. */
  async #place(topic: string, queue: TopicQueue): Promise<void> {
    while (queue.unplaced.length > 0) {
      const count = queue.partitions.countNow() ?? (await queue.partitions.ask());
      if (count instanceof LogError) {
        for (let next = queue.unplaced.shift(); next !== undefined; next = queue.unplaced.shift()) next.settle(count);
        if (queue.lanes.size === 0) this.#topics.delete(topic);
        break;
      }
      for (let next = queue.unplaced.shift(); next !== undefined; next = queue.unplaced.shift()) this.#placeOne(topic, queue, next, count);
    }
    queue.isPlacing = false;
  }

  #placeOne(topic: string, queue: TopicQueue, { record, key, bytes, givenAtTickMs, settle }: Unplaced, count: number): void {
    const partition =
      record.partition ?? (key === null ? queue.partitions.sticky(count) : partitionOfKey(key, count, record.partitionHash));
    if (partition < 0 || partition >= count)
      return settle(new LogError(`could not append: there is no partition ${partition} of "${topic}"`, false));
    let lane = queue.lanes.get(partition);
    if (lane === undefined) {
      lane = new AppendLane(topic, partition, this.#linkAt(this.#laneCount++ % linkCount), this.#context, this.#closing.signal);
      queue.lanes.set(partition, lane);
    }
    lane.waiting.push({ message: toMessage(record, key, this.#context.environment.clock.nowMs()), bytes, givenAtTickMs, settle });
    if (lane.isBusy) return;
    lane.isBusy = true;
    this.#ready.push(lane);
    this.#sendReady();
  }

  #sendReady(): void {
    while (this.#sending < sendsMax) {
      const lane = this.#ready.shift();
      if (lane === undefined) return;
      this.#sending++;
      // In a later microtask: what is placed in this turn goes in one request.
      queueMicrotask(() => void this.#send(lane));
    }
  }

  async #send(lane: AppendLane): Promise<void> {
    this.#topics.get(lane.topic)?.partitions.leaveSticky(lane.partition);
    await lane.sendNext();
    this.#sending--;
    if (lane.waiting.length > 0) this.#ready.push(lane);
    else lane.isBusy = false;
    this.#sendReady();
  }

  async #allSettled(): Promise<void> {
    while (this.#waitingCount > 0) await new Promise<void>((resolve) => void this.#context.environment.timers.after(10, resolve));
  }

  #linkAt(index: number): AppendLink {
    return (this.#links[index] ??= new AppendLink(this.#context));
  }
}

function toMessage({ value, headers, timestampMs }: AppendRecord, key: Buffer | null, nowMs: number): Message {
  return {
    key,
    value: toBuffer(value),
    timestamp: String(timestampMs ?? nowMs),
    ...(headers !== undefined && { headers: { ...headers } }),
  };
}

function sizeOf({ value, headers }: AppendRecord, key: Buffer | null): number {
  let bytes = recordOverheadBytes + (key?.length ?? 0) + (typeof value === 'string' ? Buffer.byteLength(value) : (value?.length ?? 0));
  for (const [name, text] of Object.entries(headers ?? {})) bytes += Buffer.byteLength(name) + Buffer.byteLength(text);
  return bytes;
}

function toBuffer(value: Uint8Array | string | null): Buffer | null {
  if (value === null) return null;
  return typeof value === 'string' ? Buffer.from(value) : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
