import { exitCodes } from '../exit-codes.js';
import type { Remote } from '../remote.js';
import { readEnvelope } from './read-envelope.js';
import { readStream } from './read-stream.js';
import type { StreamEnd } from './read-stream.js';
import type { SseEvent } from './sse-parser.js';
import type { TailWriter } from './tail-writer.js';

export interface FollowingOptions {
  readonly remote: Remote;
  readonly address: string;
  readonly lastEventId: string | null;
  readonly silenceMs: number;
  readonly stop: AbortSignal;
  readonly writer: TailWriter;
  readonly countMax: number;
  readonly failsOnGap: boolean;
}

/** Why it is over. `code` is the server's where it said one. */
export interface FollowingEnd {
  readonly code: string;
  readonly sentence: string;
  readonly exitCode: number;
}

/** A pause before coming back, when the server has not said one. */
const retryMsDefault = 2_000;
/** Pauses double with every attempt that brought nothing, up to this. */
const retryMsMax = 60_000;
const doublingsMax = 8;

interface Close {
  readonly code: string;
  readonly reconnect: string;
  readonly retryMs: number;
}

/** A reader by PROTOCOL §14: keeps the last id over drops, comes back after `retry`, stops when it is told to. */
export class Following {
  readonly #options: FollowingOptions;
  #position: string | null;
  #retryMs = retryMsDefault;
  #failures = 0;
  #wasOpen = false;
  #seen = 0;
  #close: Close | null = null;

  constructor(options: FollowingOptions) {
    this.#options = options;
    this.#position = options.lastEventId;
  }

  /** The last id; null: there was none. */
  get position(): string | null {
    return this.#position;
  }

  /** Resolves when it is over. Rejects with a `CommandError` when the token cannot be read. */
  async run(): Promise<FollowingEnd> {
    const { stop, writer } = this.#options;
    for (;;) {
      const end = await this.#readOnce();
      if (stop.aborted) return { code: 'interrupted', sentence: 'interrupted', exitCode: exitCodes.interrupted };
      if ('exitCode' in end) return end;
      const over = this.#judge(end);
      if (over !== null) return over;
      const { sentence, pauseMs } = this.#pauseAfter(end);
      await writer.drop(sentence, pauseMs);
      await sleep(pauseMs, stop);
      if (stop.aborted) return { code: 'interrupted', sentence: 'interrupted', exitCode: exitCodes.interrupted };
    }
  }

  async #readOnce(): Promise<StreamEnd | FollowingEnd> {
    const { writer, countMax, failsOnGap } = this.#options;
    const after = this.#position;
    this.#close = null;
    const stream = readStream({ ...this.#options, lastEventId: after });
    try {
      for (;;) {
        const next = await stream.next();
        if (next.done === true) return next.value;
        const news = next.value;
        if (news.kind === 'open') {
          this.#wasOpen = true;
          await writer.open(after);
        } else if (news.kind === 'retry') this.#retryMs = Math.min(news.retryMs, retryMsMax);
        else {
          const isGap = await this.#take(news.event);
          if (isGap && failsOnGap) return { code: 'gap', sentence: 'events may be missing', exitCode: exitCodes.gap };
          if (this.#seen >= countMax) return { code: 'count', sentence: `${this.#seen} events were shown`, exitCode: exitCodes.ok };
        }
      }
    } finally {
      await stream.return({ kind: 'cut', sentence: '' });
    }
  }

  /** True for a gap. */
  async #take({ type, data, id }: SseEvent): Promise<boolean> {
    const { writer } = this.#options;
    if (id !== null) this.#position = id === '' ? null : id;
    // Whoever is sent something is connected to a node that works.
    if (type !== 'selvage.close') this.#failures = 0;
    const fields = type.startsWith('selvage.') ? readFields(data) : {};
    if (type === 'selvage.position') await writer.position(this.#position ?? '');
    else if (type === 'selvage.gap') {
      await writer.gap({ reason: textOf(fields['reason']) ?? 'unknown', from: textOf(fields['from']), to: textOf(fields['to']) });
      return true;
    } else if (type === 'selvage.token') await writer.token(numberOf(fields['expiresInMs']));
    else if (type === 'selvage.close') {
      const { code, reconnect, retryMs } = fields;
      this.#close = {
        code: textOf(code) ?? 'unknown',
        reconnect: textOf(reconnect) ?? 'resume',
        retryMs: Math.min(numberOf(retryMs), retryMsMax),
      };
    } else if (!type.startsWith('selvage.')) {
      this.#seen++;
      await writer.event(readEnvelope(type, data), id);
    }
    return false;
  }

  /** Whether that was the end of it all. */
  #judge(end: StreamEnd): FollowingEnd | null {
    const close = this.#close;
    if (close?.reconnect === 'stop') {
      const isEnded = close.code === 'ended';
      const sentence = isEnded ? 'the stream has ended' : `the server ended the stream and says not to come back: ${close.code}`;
      return { code: close.code, sentence, exitCode: isEnded ? exitCodes.ok : exitCodes.stopped };
    }
    if (end.kind === 'gone') return { code: 'ended', sentence: 'the stream has ended: nothing more will come', exitCode: exitCodes.ok };
    if (end.kind === 'refused') return { code: 'refused', sentence: end.sentence, exitCode: exitCodes.failure };
    // Before the first connection it is more likely a wrong address than a node that restarts.
    if (end.kind === 'unreachable' && !this.#wasOpen) return { code: 'unreachable', sentence: end.sentence, exitCode: exitCodes.failure };
    return null;
  }

  #pauseAfter(end: StreamEnd): { readonly sentence: string; readonly pauseMs: number } {
    const close = this.#close;
    const sentence =
      close === null ? ('sentence' in end ? end.sentence : 'the connection ended') : `the server closed the stream: ${close.code}`;
    const wanted = close !== null ? close.retryMs : end.kind === 'later' && end.retryMs !== null ? end.retryMs : this.#retryMs;
    const growth = close?.reconnect === 'resume' ? 1 : 2 ** Math.min(this.#failures, doublingsMax);
    this.#failures++;
    return { sentence, pauseMs: Math.min(wanted * growth * (0.75 + Math.random() / 2), retryMsMax) };
  }
}

function readFields(data: string): Readonly<Record<string, unknown>> {
  try {
    const value = JSON.parse(data) as unknown;
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const numberOf = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : 0);

function sleep(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      stop.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    stop.addEventListener('abort', done, { once: true });
    if (stop.aborted) done();
  });
}
