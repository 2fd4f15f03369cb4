import { LogError } from '../log/event-log.js';
import type { AppendRecord, EventLog } from '../log/event-log.js';
import type { LogRecord, RecordHeaders } from '../protocol/log-record.js';
import type { UndecodableReason } from '../routing/router.js';
import type { Clock } from '../std/clock.js';
import type { Metrics } from '../telemetry/metrics.js';

export interface DeadLetterOptions {
  readonly topic: string;
  /** Dead letters written a second, on average; what comes beyond is counted and not written. 0: none is ever written. */
  readonly perSecond: number;
  /** Dead letters that may be written at once after a quiet time. */
  readonly burst: number;
}

/** A record that cannot be decoded. */
export interface DeadLetter {
  readonly topic: string;
  readonly partition: number;
  readonly record: LogRecord;
  readonly reason: UndecodableReason;
}

/** Writes what cannot be decoded to the dead-letter topic, with the reason in headers, capped so that a bad producer cannot double the load. */
export class DeadLetters {
  readonly #log: EventLog;
  readonly #options: DeadLetterOptions;
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  #tokens: number;
  #filledTickMs: number;
  #isTopicThere = false;

  constructor(log: EventLog, options: DeadLetterOptions, clock: Clock, metrics: Metrics) {
    this.#log = log;
    this.#options = options;
    this.#clock = clock;
    this.#metrics = metrics;
    this.#tokens = options.burst;
    this.#filledTickMs = clock.tickMs();
  }

  /** Resolves when every letter is acknowledged by the log, or counted as over the cap. Rejects with the log's error. */
  async write(letters: readonly DeadLetter[]): Promise<void> {
    const allowed = letters.filter((letter) => this.#isAllowed(letter));
    if (allowed.length === 0) return;
    if (!this.#isTopicThere) this.#isTopicThere = await this.#log.ensureTopic(this.#options.topic, 1);
    try {
      await this.#log.append(allowed.map((letter) => this.#toRecord(letter, true)));
    } catch (error) {
      if (!(error instanceof LogError) || error.retriable) throw error;
      // The headers may have made a record too large that just fitted: the place where it is still names it.
      await this.#log.append(allowed.map((letter) => this.#toRecord(letter, false)));
    }
    for (const { topic } of allowed) this.#metrics.deadLettered(topic, 'written');
  }

  #isAllowed(letter: DeadLetter): boolean {
    const now = this.#clock.tickMs();
    this.#tokens = Math.min(this.#options.burst, this.#tokens + ((now - this.#filledTickMs) / 1_000) * this.#options.perSecond);
    this.#filledTickMs = now;
    if (this.#tokens < 1 || this.#options.perSecond === 0) {
      this.#metrics.deadLettered(letter.topic, 'rate-capped');
      return false;
    }
    this.#tokens -= 1;
    return true;
  }

  #toRecord({ topic, partition, record, reason }: DeadLetter, whole: boolean): AppendRecord {
    return {
      topic: this.#options.topic,
      key: record.key,
      value: whole ? record.value : null,
      headers: {
        ...(whole ? textHeaders(record.headers) : { 'selvage-dead-letter-value': 'omitted' }),
        'selvage-dead-letter-reason': reason,
        'selvage-dead-letter-topic': topic,
        'selvage-dead-letter-partition': String(partition),
        'selvage-dead-letter-offset': String(record.offset),
      },
    };
  }
}

/** As text: of a repeated header the first value. */
function textHeaders(headers: RecordHeaders): Record<string, string> {
  const text: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const first = value instanceof Uint8Array ? value : value?.[0];
    if (first !== undefined) text[name] = Buffer.from(first).toString();
  }
  return text;
}
