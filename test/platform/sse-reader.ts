import { SseStream } from '../chaos/sse-stream.js';
import type { SseFrame } from '../chaos/sse-stream.js';

const patienceMs = 20_000;

export interface ReaderOptions {
  readonly lastEventId?: string | null;
  /** Takes an event instead of `events`, for those who read more than they want to keep. */
  readonly onEvent?: (event: SseFrame) => void;
}

export interface ToldGap {
  readonly reason: string;
  readonly from: string | null;
  readonly to: string;
}

/**
 * A lean reader of `/v1/events`: one connection, never reconnects, reads as fast as it is given unless paused. Text is decoded as UTF-8. Also `using`.
 */
export class SseReader {
  /** Events of routes, in order. */
  readonly events: SseFrame[] = [];
  /** Types of the frames that are the fabric's own, in order. */
  readonly types: string[] = [];
  readonly gaps: ToldGap[] = [];
  /** Codes of `selvage.close`. */
  readonly closes: string[] = [];
  /** What the stream is called, once its token is about to run out. */
  tokenStream: string | null = null;
  status = 0;
  lastId: string | null = null;
  eventCount = 0;
  /** How it ended; null while it is open. */
  ended: string | null = null;
  readonly #stream: SseStream;
  readonly #onEvent: (event: SseFrame) => void;
  readonly #waiting = new Set<() => void>();

  constructor(port: number, query: string, { lastEventId = null, onEvent }: ReaderOptions = {}) {
    this.#onEvent = onEvent ?? ((event) => void this.events.push(event));
    this.#stream = new SseStream(port, `/v1/events?${query}`, lastEventId, {
      onStatus: (status) => (this.status = status),
      onRetry: () => undefined,
      onBytes: () => queueMicrotask(() => this.#wake()),
      onFrame: (frame) => this.#take(frame),
      onEnd: (how) => {
        this.ended = how;
        this.#wake();
      },
    });
  }

  /** Opens a stream and waits for its first frame: a position or a gap. */
  static async open(node: { readonly port: number }, query: string, options: ReaderOptions = {}): Promise<SseReader> {
    const reader = new SseReader(node.port, query, options);
    await reader.until(() => reader.types.length > 0, 'the first frame');
    return reader;
  }

  /** The data of the events so far. */
  get datas(): readonly string[] {
    return this.events.map(({ data }) => data);
  }

  /** Waits for `count` events and returns their data. */
  async take(count: number, timeoutMs = patienceMs): Promise<readonly string[]> {
    await this.until(() => this.eventCount >= count, `${count} events`, timeoutMs);
    return this.datas;
  }

  until(test: () => boolean, what: string, timeoutMs = patienceMs): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (problem: string | null): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        if (problem === null) resolve();
        else reject(new Error(`${problem}; ${this.#summary()}`));
      };
      const look = (): void => {
        if (test()) settle(null);
        else if (this.ended !== null) settle(`the stream ended (${this.ended}) before ${what}`);
      };
      const timer = setTimeout(() => settle(`waited ${timeoutMs} ms in vain for ${what}`), timeoutMs);
      this.#waiting.add(look);
      look();
    });
  }

  /** Reads nothing more until `resume`. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  close(): void {
    this.#stream.drop('closed by the test');
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #take({ type, data: latin, id }: SseFrame): void {
    const data = Buffer.from(latin, 'latin1').toString();
    const frame = { type: Buffer.from(type, 'latin1').toString(), data, id };
    if (id !== null) this.lastId = id;
    if (!frame.type.startsWith('selvage.')) {
      this.eventCount++;
      this.#onEvent(frame);
      return;
    }
    this.types.push(frame.type);
    if (type === 'selvage.gap') this.gaps.push(JSON.parse(data) as ToldGap);
    if (type === 'selvage.token') this.tokenStream = (JSON.parse(data) as { stream: string }).stream;
    if (type === 'selvage.close') this.closes.push((JSON.parse(data) as { code: string }).code);
  }

  #summary(): string {
    const last = this.events.at(-1);
    const end = last === undefined ? '' : `, the last ${JSON.stringify(last).slice(0, 300)}`;
    return `status ${this.status}, ${this.eventCount} events${end}, gaps ${JSON.stringify(this.gaps)}, closes ${JSON.stringify(this.closes)}`;
  }

  #wake(): void {
    for (const look of [...this.#waiting]) look();
  }
}
