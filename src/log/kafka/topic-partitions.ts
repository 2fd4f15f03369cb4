import { waitMs } from '../../std/wait.js';
import type { LogError } from '../event-log.js';
import { backoffMs } from '../retry-backoff.js';
import type { AppendLink } from './append-link.js';
import { appendMsMax, unknownTopicMsMax } from './append-lane.js';
import { judgeAppendError } from './judge-append-error.js';
import { isUnknownTopic, toLogError } from './kafka-error.js';
import type { KafkaLogContext } from './kafka-log-context.js';

/** A count older than this is asked anew before it is used: partitions may have been added. */
const countAgeMsMax = 5_000;
const retryMsMax = 500;
/** How long a count that may be old waits for a fresh one. */
const freshMsMax = 250;

/** How many partitions a topic has, and where records without a key go. */
export class TopicPartitions {
  readonly #topic: string;
  readonly #link: AppendLink;
  readonly #context: KafkaLogContext;
  readonly #stop: AbortSignal;
  #count: number | null = null;
  #askedAtTickMs = 0;
  #sticky: number | null = null;
  #asking: Promise<number | LogError> | null = null;

  constructor(topic: string, link: AppendLink, context: KafkaLogContext, stop: AbortSignal) {
    this.#topic = topic;
    this.#link = link;
    this.#context = context;
    this.#stop = stop;
  }

  /** The count, if it was asked lately. */
  countNow(): number | null {
    return this.#context.environment.clock.tickMs() - this.#askedAtTickMs < countAgeMsMax ? this.#count : null;
  }

  /** Asks until Kafka answers; a count that was known stands when it does not at once. Never rejects. */
  async ask(): Promise<number | LogError> {
    this.#asking ??= this.#askAgain().finally(() => (this.#asking = null));
    const known = this.#count;
    if (known === null) return this.#asking;
    return Promise.race([this.#asking, waitMs(this.#context.environment.timers, freshMsMax, this.#stop).then(() => known)]);
  }

  async #askAgain(): Promise<number | LogError> {
    const { environment } = this.#context;
    const { clock, timers } = environment;
    const beganAt = clock.tickMs();
    for (let attempt = 0; ; attempt++) {
      const askedAt = clock.tickMs();
      try {
        this.#count = await this.#link.askPartitionCount(this.#topic);
        this.#askedAtTickMs = askedAt;
        return this.#count;
      } catch (error) {
        const isUnknown = isUnknownTopic(error);
        if (!isUnknown && this.#count !== null) {
          // Asked again with the next batch but one: the lanes retry by themselves.
          this.#askedAtTickMs = clock.tickMs() - countAgeMsMax + retryMsMax;
          return this.#count;
        }
        const spentMs = clock.tickMs() - beganAt;
        const isOver =
          this.#stop.aborted || judgeAppendError(error, false) === 'refused' || spentMs >= (isUnknown ? unknownTopicMsMax : appendMsMax);
        if (isOver) return toLogError(`append to topic "${this.#topic}"`, error);
        await this.#link.recover(error);
        await waitMs(timers, Math.min(retryMsMax, backoffMs(attempt, environment.random())), this.#stop);
      }
    }
  }

  /** The partition of records without a key: one of them until its batch has gone, then the next. */
  sticky(count: number): number {
    if (this.#sticky === null || this.#sticky >= count) this.#sticky = Math.floor(this.#context.environment.random() * count);
    return this.#sticky;
  }

  /** A batch of the partition goes now. */
  leaveSticky(partition: number): void {
    if (this.#sticky === partition && this.#count !== null) this.#sticky = (partition + 1) % this.#count;
  }
}
