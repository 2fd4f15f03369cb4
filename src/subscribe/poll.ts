import type { Sink } from '../hub/sink.js';
import type { Subscriber } from '../hub/subscriber.js';
import type { Timer, Timers } from '../std/clock.js';
import type { PollResult } from './event-streams.js';

export interface PollLimits {
  /** An answer that has so many events is complete. */
  readonly eventsMax: number;
  readonly bytesMax: number;
}

interface ToldGap {
  readonly reason: string;
  readonly from: string | null;
  readonly to: string;
}

/** A poll that does not wait still catches up; when that takes so long, it is answered with what it has and comes back for the rest. */
const catchUpMsMax = 25_000;

const textDecoder = new TextDecoder();

/** Collects what a stream would have carried, until the reader is at the tail with something to say, or has waited long enough. */
class PollCollector implements Sink {
  readonly #limits: PollLimits;
  readonly #events: string[] = [];
  #bytes = 0;
  #gap: ToldGap | null = null;
  #isLive = false;
  #isEnded = false;
  changed: () => void = () => undefined;

  constructor(limits: PollLimits) {
    this.#limits = limits;
  }

  write(frames: Uint8Array): boolean {
    this.#bytes += frames.length;
    this.#take(textDecoder.decode(frames));
    this.changed();
    return !this.isFull;
  }

  end(frames: Uint8Array): void {
    this.#take(textDecoder.decode(frames));
    this.#isEnded = true;
    this.changed();
  }

  onLive(): void {
    this.#isLive = true;
    this.changed();
  }

  get isFull(): boolean {
    return this.#events.length >= this.#limits.eventsMax || this.#bytes >= this.#limits.bytesMax;
  }

  get hasSomething(): boolean {
    return this.#events.length > 0 || this.#gap !== null;
  }

  /** Nothing more will come in this answer. */
  get isDone(): boolean {
    return this.isFull || this.#isEnded;
  }

  get isAtTail(): boolean {
    return this.#isLive;
  }

  toBody(position: string): string {
    const gap = this.#gap === null ? '' : `,"gap":${JSON.stringify(this.#gap)}`;
    return `{"events":[${this.#events.join(',')}],"position":${JSON.stringify(position)}${gap}}`;
  }

  /** Lines as `jsonLinesFormat` writes them; the head of a stream (`retry:` and a comment) means nothing here. */
  #take(text: string): void {
    for (const line of text.split('\n')) {
      if (line.startsWith('e{')) this.#events.push(line.slice(1));
      else if (line.startsWith('c{')) this.#takeControl(JSON.parse(line.slice(1)) as { type: string; data: unknown });
    }
  }

  #takeControl({ type, data }: { type: string; data: unknown }): void {
    if (type !== 'selvage.gap') return;
    const gap = data as ToldGap;
    this.#gap = this.#gap === null ? gap : { ...this.#gap, to: gap.to };
  }
}

/** Answers one poll: the same cursor, filters and limits as a stream. `attach` is called once, at once; the promise rejects when it throws. */
export function poll(
  attach: (sink: Sink) => Subscriber,
  waitMs: number,
  limits: PollLimits,
  timers: Timers,
  signal: AbortSignal,
): Promise<PollResult> {
  const collector = new PollCollector(limits);
  return new Promise((resolve) => {
    let subscriber: Subscriber | null = null;
    let timer: Timer | null = null;
    let isAnswered = false;
    const answer = (): void => {
      if (isAnswered || subscriber === null) return;
      isAnswered = true;
      timer?.cancel();
      signal.removeEventListener('abort', answer);
      const position = subscriber.currentPosition();
      subscriber.onPeerGone();
      resolve({ position, body: collector.toBody(position) });
    };
    const look = (): void => {
      if (collector.isDone || (collector.isAtTail && (collector.hasSomething || waitMs === 0))) answer();
    };
    // Looked at in a turn of its own: the collector is told in the middle of the hub's writing.
    let isLookPlanned = false;
    collector.changed = () => {
      if (isLookPlanned) return;
      isLookPlanned = true;
      timers.soon(() => {
        isLookPlanned = false;
        look();
      });
    };
    subscriber = attach(collector);
    signal.addEventListener('abort', answer);
    timer = timers.after(waitMs > 0 ? waitMs : catchUpMsMax, answer);
    if (signal.aborted) answer();
  });
}
