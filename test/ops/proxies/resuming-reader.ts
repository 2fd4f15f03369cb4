import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../platform/wait-for.js';
import type { Ask, OpenAnswer } from './proxy-client.js';
import { StreamParser } from './stream-parser.js';
import type { ParsedEvent } from './stream-parser.js';

const pauseMsMax = 500;

/**
 * A reader that does what a client must: keeps the last id, comes back with it after `retry` when its stream ends however that came, and stops at an answer that is not
 * a stream. Also `using`.
 */
export class ResumingReader {
  readonly events: ParsedEvent[] = [];
  readonly closes: string[] = [];
  readonly gaps: string[] = [];
  /** Why it stopped for good; null: it goes on. */
  stopped: string | null = null;
  connects = 0;
  /** Times that a stream ended without a word. */
  cuts = 0;
  lastByteAtMs = 0;
  openedAtMs = 0;
  readonly #ask: Ask;
  readonly #path: string;
  #lastId: string | null = null;
  #answer: OpenAnswer | null = null;
  #isGone = false;

  constructor(ask: Ask, query: string) {
    this.#ask = ask;
    this.#path = `/v1/events?${query}`;
    void this.#follow();
  }

  static async open(ask: Ask, query: string): Promise<ResumingReader> {
    const reader = new ResumingReader(ask, query);
    await waitFor(() => reader.#lastId !== null || reader.stopped !== null, { what: `the first frame of ${query}`, timeoutMs: 20_000 });
    if (reader.stopped !== null) throw new Error(reader.stopped);
    return reader;
  }

  get datas(): readonly string[] {
    return this.events.map(({ data }) => data);
  }

  /** Reads nothing more until `resume`. */
  pause(): void {
    this.#answer?.body.pause();
  }

  resume(): void {
    this.#answer?.body.resume();
  }

  close(): void {
    this.#isGone = true;
    this.#answer?.abort();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #follow(): Promise<void> {
    let retryMs = 50;
    while (!this.#isGone && this.stopped === null) {
      try {
        retryMs = (await this.#readOne()) ?? retryMs;
      } catch {
        this.cuts++;
      }
      if (!this.#isGone) await sleep(Math.min(retryMs, pauseMsMax));
    }
  }

  /** One stream to its end; the `retry` that it told. */
  async #readOne(): Promise<number | null> {
    const headers = { accept: 'text/event-stream', ...(this.#lastId === null ? {} : { 'last-event-id': this.#lastId }) };
    const answer = await this.#ask(this.#path, { headers });
    if (this.#isGone) return (answer.abort(), null);
    this.#answer = answer;
    this.connects++;
    this.openedAtMs = Date.now();
    if (answer.status !== 200) {
      this.stopped = `answered ${answer.status}`;
      return null;
    }
    const closesBefore = this.closes.length;
    const parser = new StreamParser((event) => this.#take(event));
    const isEnded = await new Promise<boolean>((resolve) => {
      answer.body.on('data', (part: Buffer) => {
        this.lastByteAtMs = Date.now();
        parser.take(part.toString('latin1'));
      });
      answer.body.once('end', () => resolve(true));
      answer.body.once('close', () => resolve(false));
      answer.body.once('error', () => resolve(false));
    });
    if (!isEnded || this.closes.length === closesBefore) this.cuts++;
    return parser.retryMs;
  }

  #take(event: ParsedEvent): void {
    if (event.id !== null) this.#lastId = event.id;
    if (event.type === 'selvage.gap') this.gaps.push(event.data);
    else if (event.type === 'selvage.close') this.closes.push((JSON.parse(event.data) as { code: string }).code);
    else if (!event.type.startsWith('selvage.')) this.events.push(event);
  }
}
