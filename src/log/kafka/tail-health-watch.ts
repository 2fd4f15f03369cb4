import type { Timer } from '../../std/clock.js';
import type { TailHealth, TailListener } from '../event-log.js';
import type { KafkaLogContext } from './kafka-log-context.js';

/** Fetches are long polls of half a second; unanswered for this long they are not "being answered". */
const fetchAgeMsMax = 3_000;
/** Ends of all partitions are asked every two seconds; a broker that hangs shows here although others answer. */
const lookAgeMsMax = 10_000;
/** After this long without an answer the consumer is given up for a new one: its connection hangs. */
const givingUpMs = 12_000;
const checkMs = 500;

/** Tells whether fetches are being answered, once at each change, and gives up a consumer that hangs. */
export class TailHealthWatch {
  private readonly context: KafkaLogContext;
  private readonly listener: TailListener;
  private readonly giveUp: () => void;
  private readonly timer: Timer;
  private told: TailHealth | null = null;
  private state: 'failed' | 'idle' | 'fetching' = 'failed';
  private reason = 'the tail has not started yet';
  private answeredAtTickMs = 0;
  /** Also of an answer to the session before; a session that was given up begins to wait anew. */
  private lastAnswerTickMs: number;
  private lookedAtTickMs = 0;
  private lookFailure = '';

  constructor(context: KafkaLogContext, listener: TailListener, giveUp: () => void) {
    this.context = context;
    this.listener = listener;
    this.giveUp = giveUp;
    this.lastAnswerTickMs = this.now();
    this.timer = context.environment.timers.every(checkMs, () => this.check());
  }

  stop(): void {
    this.timer.cancel();
  }

  onSessionStarted(): void {
    this.state = 'fetching';
    this.reason = 'no fetch was answered yet';
    this.hasAnswer = false;
    this.answeredAtTickMs = this.lookedAtTickMs = this.now();
  }

  onFetchAnswered(): void {
    this.answeredAtTickMs = this.lastAnswerTickMs = this.now();
    if (this.hasAnswer) return;
    this.hasAnswer = true;
    this.check();
  }

  onLooked(): void {
    this.lookedAtTickMs = this.now();
  }

  onLookFailed(reason: string): void {
    this.lookFailure = reason;
  }

  onFailure(reason: string): void {
    this.state = 'failed';
    this.reason = reason;
    this.check();
  }

  /** There is nothing to fetch, and that is fine. */
  onIdle(reason: string): void {
    this.state = 'idle';
    this.reason = reason;
    this.check();
  }

  private hasAnswer = false;

  private check(): void {
    const fetchAgeMs = this.now() - this.answeredAtTickMs;
    if (this.state === 'idle') this.lastAnswerTickMs = this.now();
    this.context.metrics?.fetchAge((this.now() - this.lastAnswerTickMs) / 1000);
    this.tell(this.judge(fetchAgeMs));
    if (this.state === 'fetching' && fetchAgeMs > givingUpMs) this.giveUp();
  }

  private judge(fetchAgeMs: number): TailHealth {
    if (this.state !== 'fetching') return { delivering: this.state === 'idle', reason: this.reason };
    if (!this.hasAnswer) return { delivering: false, reason: this.reason };
    if (fetchAgeMs > fetchAgeMsMax) return { delivering: false, reason: `no fetch was answered for ${Math.round(fetchAgeMs / 1000)} s` };
    if (this.now() - this.lookedAtTickMs > lookAgeMsMax)
      return { delivering: false, reason: `the ends of the log cannot be asked: ${this.lookFailure}` };
    return { delivering: true, reason: 'fetches are answered' };
  }

  private tell(health: TailHealth): void {
    if (this.told?.delivering === health.delivering) return;
    this.told = health;
    this.listener.onHealth(health);
  }

  private now(): number {
    return this.context.environment.clock.tickMs();
  }
}
