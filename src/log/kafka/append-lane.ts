import type { Message } from 'kafkajs';
import { Deque } from '../../std/deque.js';
import { waitMs } from '../../std/wait.js';
import { LogError } from '../event-log.js';
import type { AppendResult } from '../event-log.js';
import { backoffMs } from '../retry-backoff.js';
import type { AppendLink } from './append-link.js';
import { judgeAppendError } from './judge-append-error.js';
import { isUnknownTopic, toLogError } from './kafka-error.js';
import type { KafkaLogContext } from './kafka-log-context.js';

/** Bytes that one request carries at most (one record always goes): it is one batch to the broker, which refuses more than 1 MB. */
const requestBytesMax = 512 * 1024;
const requestRecordsMax = 1_000;
/** From the moment when a record was given: what is not sent by then never is, and what was sent is tried no more. */
export const appendMsMax = 30_000;
/** How long a topic or partition may be unknown: a fresh one is not known everywhere at once. */
export const unknownTopicMsMax = 5_000;
const retryMsMax = 1_000;
const followersMsMax = 10_000;
const epochMax = 32_767;
const sequenceModulus = 2 ** 31;

/** A record that waits for its place in the log. */
export interface WaitingRecord {
  readonly message: Message;
  readonly bytes: number;
  readonly givenAtTickMs: number;
  readonly settle: (outcome: AppendResult | LogError) => void;
}

/**
 * One partition's records, in order, one request at a time.
 *
 * A request that got no clear answer is sent again with the same producer id, epoch and sequence number, so that the broker, which remembers its
 * last batches of a producer, takes it once and answers with the first offset. When it is given up all the same, the next one goes under the
 * next epoch: the broker refuses the old one from then on, so that a request that was held up somewhere cannot turn up behind newer records.
 */
export class AppendLane {
  readonly topic: string;
  readonly partition: number;
  readonly waiting = new Deque<WaitingRecord>();
  isBusy = false;
  readonly #context: KafkaLogContext;
  readonly #link: AppendLink;
  readonly #stop: AbortSignal;
  #epoch = 0;
  #sequence = 0;

  constructor(topic: string, partition: number, link: AppendLink, context: KafkaLogContext, stop: AbortSignal) {
    this.topic = topic;
    this.partition = partition;
    this.#link = link;
    this.#context = context;
    this.#stop = stop;
  }

  /** Sends what waits, as much as one request carries, and settles each of its records. Never rejects. */
  async sendNext(): Promise<void> {
    const part = this.#takePart();
    if (part.length === 0) return;
    const outcome = await this.#send(part).catch((error: unknown) => toLogError(`append to topic "${this.topic}"`, error));
    const { topic, partition } = this;
    part.forEach(({ settle }, index) => settle(outcome instanceof LogError ? outcome : { topic, partition, offset: outcome + index }));
  }

  #takePart(): readonly WaitingRecord[] {
    const part: WaitingRecord[] = [];
    const now = this.#context.environment.clock.tickMs();
    let bytes = 0;
    for (let next = this.waiting.first(); next !== undefined && part.length < requestRecordsMax; next = this.waiting.first()) {
      if (part.length > 0 && bytes + next.bytes > requestBytesMax) break;
      this.waiting.shift();
      if (now - next.givenAtTickMs >= appendMsMax) next.settle(this.#failure('it waited too long behind others', true, false));
      else {
        bytes += next.bytes;
        part.push(next);
      }
    }
    return part;
  }

  async #send(part: readonly WaitingRecord[]): Promise<number | LogError> {
    const { environment } = this.#context;
    const { clock, timers } = environment;
    const deadline = (part[0]?.givenAtTickMs ?? 0) + appendMsMax;
    const beganAt = clock.tickMs();
    let isDoubtful = false;
    for (let attempt = 0; ; attempt++) {
      const answer = await this.#try(part);
      if (typeof answer === 'number') {
        this.#sequence = (this.#sequence + part.length) % sequenceModulus;
        return answer;
      }
      const { error, verdict } = answer;
      isDoubtful ||= verdict === 'doubtful';
      const now = clock.tickMs();
      const isAbsent = isUnknownTopic(error) && now - beganAt >= unknownTopicMsMax;
      const isOver =
        this.#stop.aborted || now >= deadline || isAbsent || verdict === 'refused' || (verdict === 'out-of-step' && isDoubtful);
      if (isDoubtful ? isOver : verdict === 'out-of-step') this.#renew();
      if (isOver) {
        if (now >= deadline) this.#link.reset();
        const isFinal = verdict === 'refused' || isAbsent;
        return this.#failure(error instanceof Error ? error.message : String(error), !isFinal, isDoubtful, error);
      }
      await this.#link.recover(error);
      if (attempt > 0) await waitMs(timers, Math.min(retryMsMax, backoffMs(attempt - 1, environment.random())), this.#stop);
    }
  }

  async #try(part: readonly WaitingRecord[]) {
    let wasSent = false;
    try {
      const { leader, producerId } = await this.#link.leaderOf(this.topic, this.partition);
      const messages = part.map(({ message }) => message);
      const partitions = [{ partition: this.partition, firstSequence: this.#sequence, messages }];
      const topicData = [{ topic: this.topic, partitions }];
      wasSent = true;
      const response = await leader.produce({ acks: -1, timeout: followersMsMax, producerId, producerEpoch: this.#epoch, topicData });
      const offset = Number(response.topics[0]?.partitions[0]?.baseOffset ?? -1);
      if (offset < 0) throw new LogError(`Kafka told no offset for partition ${this.partition} of "${this.topic}"`, true);
      return offset;
    } catch (error) {
      return { error, verdict: judgeAppendError(error, wasSent) };
    }
  }

  /** The next records belong to another count. Epochs of one producer id are as many as nobody needs: one for each request that was given up. */
  #renew(): void {
    this.#epoch = Math.min(epochMax, this.#epoch + 1);
    this.#sequence = 0;
  }

  #failure(why: string, retriable: boolean, outcomeUnknown: boolean, cause?: unknown): LogError {
    const known = outcomeUnknown ? '; it is not known whether the records are in the log' : '';
    const what = `could not append to partition ${this.partition} of topic "${this.topic}": ${why}${known}`;
    return new LogError(what, retriable, { outcomeUnknown, ...(cause === undefined ? {} : { cause }) });
  }
}
