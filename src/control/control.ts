import type { EventLog, TailListener } from '../log/event-log.js';
import type { Environment, Timer } from '../std/clock.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { CommandIntake } from './command-intake.js';
import type { CommandedStreams, Revocations } from './command-intake.js';
import type { ControlSender } from './control-command.js';
import { ControlFeed } from './control-feed.js';
import { ControlPosition } from './control-position.js';
import { ReadBack } from './read-back.js';
import { TailSplitter } from './tail-splitter.js';
import { TopicSender } from './topic-sender.js';

export interface ControlOptions {
  readonly topic: string;
  /** Longest lifetime of a token. */
  readonly tokenLifetimeMs: number;
  /** Records of the control topic that are read at start at most. */
  readonly readBackRecordsMax: number;
}

export interface ControlParts<R extends Revocations> {
  readonly options: ControlOptions;
  readonly log: EventLog;
  readonly revocations: R;
  readonly streams: CommandedStreams;
  /** Whether all that was revoked is known here, with a reason for people. Called at each change. */
  readonly onState: (isMet: boolean, reason: string) => void;
  readonly environment: Environment;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

const expireEveryMs = 60_000;

/**
 * Commands to every node, by way of one topic of the log. It costs no consumer: the node's tail follows `topic` too, with `listener(…)` between it and the listener of
 * events. The order at start: the tail with that listener, `await start()`, then open the port.
 */
export class Control<R extends Revocations = Revocations> {
  readonly topic: string;
  readonly sender: ControlSender;
  readonly revocations: R;
  readonly #onState: (isMet: boolean, reason: string) => void;
  readonly #position = new ControlPosition();
  readonly #feed: ControlFeed;
  readonly #readBack: ReadBack;
  readonly #expiring: Timer;
  #isStarted = false;
  #failure: string | null = null;
  #told = '';

  constructor(parts: ControlParts<R>) {
    const { options, log, revocations, streams, environment, metrics, logger } = parts;
    const { topic, tokenLifetimeMs, readBackRecordsMax: recordsMax } = options;
    const { clock } = environment;
    const position = this.#position;
    const intake = new CommandIntake({ revocations, streams, clock, metrics, logger });
    this.topic = topic;
    this.revocations = revocations;
    this.#onState = parts.onState;
    this.sender = new TopicSender(topic, log, metrics);
    this.#readBack = new ReadBack({
      options: { topic, tokenLifetimeMs, recordsMax },
      log,
      position,
      take: (record) => intake.take(record, false),
      lost: (untilMs) => revocations.refuseAllIssuedBy(untilMs, clock.nowMs() + tokenLifetimeMs),
      onChange: (failure) => {
        this.#failure = failure;
        this.#tell();
      },
      environment,
      metrics,
      logger,
    });
    this.#feed = new ControlFeed({ position, take: (record) => intake.take(record, true), onChange: () => this.#changed(), logger });
    this.#expiring = environment.timers.every(expireEveryMs, () => revocations.expire());
  }

  /** Null: everything that was revoked is known here. Else why that is not certain, and no stream should be opened on a token. */
  get notReady(): string | null {
    if (this.#position.isComplete) return null;
    if (this.#failure !== null) return `the control topic cannot be read: ${this.#failure}`;
    const { unread, isAttached, readTo } = this.#position;
    if (unread !== null) return `${unread.to - unread.from + 1} records of the control topic are to be read`;
    return readTo === null || isAttached
      ? 'the control topic has not been read back yet'
      : 'the tail does not follow the control topic yet';
  }

  /** What the tail of the node's topics and of `topic` is to be given. */
  listener(inner: TailListener): TailListener {
    return new TailSplitter(this.topic, this.#feed, inner);
  }

  /** Reads back what was revoked; resolves when that is done, however long the log keeps it waiting, or after `stop`. Never rejects. */
  async start(): Promise<void> {
    this.#isStarted = true;
    this.#tell();
    await this.#readBack.run();
    this.#tell();
  }

  stop(): void {
    this.#readBack.stop();
    this.#expiring.cancel();
  }

  #changed(): void {
    // Whatever is to be read now is read by the run under way, or by one of its own.
    if (this.#isStarted && !this.#position.isComplete) void this.#readBack.run().then(() => this.#tell());
    this.#tell();
  }

  #tell(): void {
    const reason = this.notReady;
    const state = reason ?? 'all commands are known';
    if (state === this.#told) return;
    this.#told = state;
    this.#onState(reason === null, state);
  }
}
