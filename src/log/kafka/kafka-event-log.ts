import { setMaxListeners } from 'node:events';
import type { Environment } from '../../std/clock.js';
import type { Logger } from '../../telemetry/logger.js';
import { LogError } from '../event-log.js';
import type {
  AppendRecord,
  AppendResult,
  EventLog,
  LogBatch,
  PartitionOffsets,
  ScanRange,
  SharedConsumer,
  SharedListener,
  Tail,
  TailListener,
  TopicDescription,
} from '../event-log.js';
import { backoffMs } from '../retry-backoff.js';
import { KafkaAdmin } from './kafka-admin.js';
import { KafkaAppender } from './kafka-appender.js';
import { kafkaClientOpener } from './kafka-client.js';
import type { KafkaConnectionOptions } from './kafka-connection.js';
import type { KafkaLogContext } from './kafka-log-context.js';
import { KafkaSharedConsumer } from './kafka-shared-consumer.js';
import { KafkaTail } from './kafka-tail.js';
import type { KafkaTailOptions } from './kafka-tail.js';
import { useFetchedRecords } from './fetched-records.js';
import { quietRequestQueue } from './quiet-request-queue.js';
import { registerCodecs } from './register-codecs.js';
import { scanKafka } from './scan-kafka.js';
import { ScannerPool } from './scanner-pool.js';
import type { ScannerPoolOptions } from './scanner-pool.js';
import type { TailMetrics } from './tail-metrics.js';

export interface KafkaEventLogOptions {
  readonly connection: KafkaConnectionOptions;
  /** Beginning of the names of groups that serve one process: `<groupPrefix>-tail-<node>-<random>`. Default `selvage`. */
  readonly groupPrefix?: string;
  /** Name of this process. */
  readonly node: string;
  readonly tail?: KafkaTailOptions;
  readonly scan?: ScannerPoolOptions;
}

const warningEveryFailures = 10;
const closeMsMax = 10_000;

/** The log in Kafka, by kafkajs. `connect` comes first: it registers the codecs, without which a consumer dies of its first compressed batch. */
export class KafkaEventLog implements EventLog {
  private readonly context: KafkaLogContext;
  private readonly tailOptions: KafkaTailOptions;
  private readonly scanners: ScannerPool;
  private readonly appender: KafkaAppender;
  private readonly tails = new Set<Tail>();
  private readonly members = new Set<SharedConsumer>();
  private readonly closing = new AbortController();
  private knownClusterId: string | null = null;

  constructor(options: KafkaEventLogOptions, environment: Environment, logger: Logger, metrics: TailMetrics | null = null) {
    // Every scan under way listens to it.
    setMaxListeners(0, this.closing.signal);
    const openClient = kafkaClientOpener(options.connection, environment, logger);
    this.context = {
      openClient,
      admin: new KafkaAdmin(openClient('admin'), logger),
      environment,
      logger,
      metrics,
      groupPrefix: options.groupPrefix ?? 'selvage',
      node: options.node,
      rackId: options.connection.rackId,
    };
    this.tailOptions = options.tail ?? {};
    this.scanners = new ScannerPool(this.context, options.scan ?? {});
    this.appender = new KafkaAppender(this.context);
  }

  async connect(signal?: AbortSignal): Promise<void> {
    quietRequestQueue();
    useFetchedRecords();
    await registerCodecs();
    const stop = signal === undefined ? this.closing.signal : AbortSignal.any([signal, this.closing.signal]);
    for (let failures = 0; !stop.aborted; failures++) {
      try {
        this.knownClusterId = await this.context.admin.clusterId();
        return;
      } catch (error) {
        if (failures % warningEveryFailures === 0) {
          this.context.logger.warn('Kafka does not answer yet; waiting for it', { failures: failures + 1, error: String(error) });
        }
        await this.sleep(backoffMs(failures, this.context.environment.random()), stop);
      }
    }
    throw new LogError('gave up connecting to Kafka', false, { cause: stop.reason });
  }

  clusterId(): string {
    if (this.knownClusterId === null) throw new LogError('the cluster id is known after connect', false);
    return this.knownClusterId;
  }

  describe(topics: readonly string[]): Promise<ReadonlyMap<string, TopicDescription>> {
    return this.context.admin.describe(topics);
  }

  ensureTopic(topic: string, partitionCount: number): Promise<boolean> {
    return this.context.admin.ensureTopic(topic, partitionCount);
  }

  async offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    const offsets = await this.context.admin.offsets(topic);
    if (offsets === null) throw new LogError(`could not ask offsets: there is no topic "${topic}"`, false);
    return offsets;
  }

  offsetsAtTime(topic: string, timestampMs: number): Promise<ReadonlyMap<number, number>> {
    return this.context.admin.offsetsAtTime(topic, timestampMs);
  }

  tail(topics: readonly string[], listener: TailListener): Tail {
    this.refuseIfClosed('tail');
    const inner = new KafkaTail(this.context, topics, listener, this.tailOptions);
    const tail: Tail = {
      stop: async () => {
        this.tails.delete(tail);
        await inner.stop();
      },
    };
    this.tails.add(tail);
    return tail;
  }

  scan(range: ScanRange, signal?: AbortSignal): AsyncIterable<LogBatch> {
    const stop = signal === undefined ? this.closing.signal : AbortSignal.any([signal, this.closing.signal]);
    return scanKafka(this.context, this.scanners, range, stop);
  }

  share(group: string, topics: readonly string[], listener: SharedListener): SharedConsumer {
    this.refuseIfClosed('join a group');
    const inner = new KafkaSharedConsumer(this.context, group, topics, listener);
    const member: SharedConsumer = {
      stop: async () => {
        this.members.delete(member);
        await inner.stop();
      },
    };
    this.members.add(member);
    return member;
  }

  append(records: readonly AppendRecord[]): Promise<readonly AppendResult[]> {
    return this.appender.append(records);
  }

  /** Settles within about 10 seconds, whatever Kafka does. */
  async close(): Promise<void> {
    this.closing.abort(new LogError('the log is closed', false));
    const parts = [...this.tails, ...this.members].map((part) => part.stop());
    const closing = Promise.allSettled([...parts, this.scanners.close(), this.appender.close()]).then(() => this.context.admin.close());
    await new Promise<void>((resolve) => {
      const timer = this.context.environment.timers.after(closeMsMax, resolve);
      void closing.finally(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  private refuseIfClosed(what: string): void {
    if (this.closing.signal.aborted) throw new LogError(`could not ${what}: the log is closed`, false);
  }

  private sleep(delayMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = this.context.environment.timers.after(delayMs, done);
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
