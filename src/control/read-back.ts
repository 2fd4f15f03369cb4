import { LogError } from '../log/event-log.js';
import type { EventLog, LogBatch } from '../log/event-log.js';
import type { LogRecord } from '../protocol/log-record.js';
import type { Environment } from '../std/clock.js';
import { waitMs } from '../std/wait.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { controlPartition } from './control-position.js';
import type { ControlPosition, Unread } from './control-position.js';

export interface ReadBackOptions {
  readonly topic: string;
  /** Longest lifetime of a token: a command that is older concerns none that is valid. */
  readonly tokenLifetimeMs: number;
  /** Records read at the start at most, the newest. */
  readonly recordsMax: number;
}

export interface ReadBackParts {
  readonly options: ReadBackOptions;
  readonly log: Pick<EventLog, 'ensureTopic' | 'describe' | 'offsets' | 'offsetsAtTime' | 'scan'>;
  readonly position: ControlPosition;
  readonly take: (record: LogRecord) => void;
  /** What was sent by then cannot be read any more. */
  readonly lost: (untilMs: number) => void;
  /** Something about the position or the failure changed. */
  readonly onChange: (failure: string | null) => void;
  readonly environment: Environment;
  readonly metrics: Pick<Metrics, 'controlUnread'>;
  readonly logger: Logger;
}

/** Clocks of senders may be behind by this much, and tokens be accepted for so long after they expired. */
const clockSlackMs = 300_000;
/** One attempt lasts at most so long; the next goes on from where it was. */
const attemptMsMax = 30_000;
const firstDelayMs = 100;
const delayMsMax = 5_000;
const warningEveryFailures = 10;

/** Reads what the tail does not bring: at the start the past, later what it lost. Again and again until it is read. */
export class ReadBack {
  readonly #parts: ReadBackParts;
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;
  /** The oldest records were left out: what they said is not known. */
  #isCut = false;

  constructor(parts: ReadBackParts) {
    this.#parts = parts;
  }

  /** Resolves when all that is to be read now has been read, or after `stop`. Called while it runs, it is the same run. Never rejects. */
  run(): Promise<void> {
    this.#running ??= this.#run();
    return this.#running;
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #run(): Promise<void> {
    // The run must be known before it can end; and it ends in the very moment in which there is nothing left to read.
    await Promise.resolve();
    let failures = 0;
    try {
      while (!this.#stopping.signal.aborted) {
        const before = this.#parts.position.readTo;
        try {
          if (await this.#readSome()) return;
          failures = 0;
        } catch (error) {
          if (this.#parts.position.readTo !== before) failures = 0;
          await this.#waitAfter(error, failures++);
        }
      }
    } finally {
      this.#running = null;
    }
  }

  /** One attempt; true when nothing is left to read. */
  async #readSome(): Promise<boolean> {
    const { position, onChange } = this.#parts;
    if (position.readTo === null) await this.#begin();
    if (position.readTo === null) return false;
    const { unread } = position;
    if (unread !== null) await this.#read(unread);
    onChange(null);
    return position.readTo !== null && position.unread === null;
  }

  async #waitAfter(error: unknown, failures: number): Promise<void> {
    const { environment, logger, onChange } = this.#parts;
    if (this.#stopping.signal.aborted) return;
    if (failures % warningEveryFailures === 0)
      logger.warn('the control topic cannot be read', { failures: failures + 1, error: String(error) });
    onChange(error instanceof Error ? error.message : String(error));
    await waitMs(environment.timers, backoffMs(failures, environment.random()), this.#stopping.signal);
  }

  /** Finds where the past begins that still matters. */
  async #begin(): Promise<void> {
    const { options, log, position, environment } = this.#parts;
    const { topic, tokenLifetimeMs, recordsMax } = options;
    const { age } = position;
    if (!(await log.ensureTopic(topic, 1))) {
      throw new LogError(`the topic "${topic}" does not exist and may not be created here: create it with one partition`, true);
    }
    const fromTimeMs = environment.clock.nowMs() - tokenLifetimeMs - clockSlackMs;
    const atTime = (await log.offsetsAtTime(topic, fromTimeMs)).get(controlPartition);
    const { low, end } = await this.#bounds();
    await this.#checkRetention(low);
    if (position.age !== age) return;
    const from = Math.max(low, Math.min(atTime ?? low, end));
    this.#isCut = end - from > recordsMax;
    position.start(this.#isCut ? end - recordsMax : from, end);
  }

  /** A topic that forgets sooner than tokens expire has lost what was older; tokens of that age are refused instead. */
  async #checkRetention(low: number): Promise<void> {
    const { options, log, environment, lost, logger } = this.#parts;
    const description = (await log.describe([options.topic])).get(options.topic);
    const retentionMs = description?.retentionMs ?? null;
    if (retentionMs === null || retentionMs >= options.tokenLifetimeMs) return;
    logger.warn('the control topic forgets sooner than tokens expire: raise its retention.ms', {
      topic: options.topic,
      retentionMs,
      tokenLifetimeMs: options.tokenLifetimeMs,
    });
    if (low > 0) lost(environment.clock.nowMs() - retentionMs);
  }

  async #read({ from, to }: Unread): Promise<void> {
    const { options, log, position, environment } = this.#parts;
    const { age } = position;
    const attempt = new AbortController();
    const timer = environment.timers.after(attemptMsMax, () => attempt.abort(new LogError('reading took too long; going on', true)));
    try {
      let next = from;
      const signal = AbortSignal.any([attempt.signal, this.#stopping.signal]);
      for await (const batch of log.scan({ topic: options.topic, partition: controlPartition, from, to }, signal)) {
        if (position.age !== age) return;
        this.#take(batch, next);
        next = batch.to + 1;
        position.hadUpTo(next);
        this.#parts.metrics.controlUnread(Math.max(0, to - batch.to));
      }
      if (next <= to && position.age === age) throw new LogError(`the topic "${options.topic}" ends at ${next}, before ${to + 1}`, true);
    } finally {
      timer.cancel();
    }
  }

  #take(batch: LogBatch, expected: number): void {
    const { take, lost, environment, logger } = this.#parts;
    if (batch.from > expected || this.#isCut) {
      this.#isCut = false;
      const lostUntilMs = batch.records[0]?.timestampMs ?? environment.clock.nowMs();
      logger.error('control commands are lost; tokens issued by then are refused', { expected, from: batch.from, lostUntilMs });
      lost(lostUntilMs);
    }
    for (const record of batch.records) take(record);
  }

  async #bounds(): Promise<{ readonly low: number; readonly end: number }> {
    const { log, options } = this.#parts;
    const bounds = (await log.offsets(options.topic)).find(({ partition }) => partition === controlPartition);
    if (bounds === undefined) throw new LogError(`the topic "${options.topic}" has no partition`, true);
    return bounds;
  }
}

/** Doubling from 100 ms to 5 s, spread by ±20 %. */
function backoffMs(failures: number, random: number): number {
  return Math.min(delayMsMax, firstDelayMs * 2 ** Math.min(failures, 10)) * (0.8 + 0.4 * random);
}
