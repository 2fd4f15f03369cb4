import { setTimeout as sleep } from 'node:timers/promises';
import type { SeededRandom } from '../../chaos/random.js';
import type { Asked, Moment, ReaderHistory } from '../../chaos/reader-history.js';
import type { RecordValue } from '../../chaos/records.js';
import { SseStream } from '../../chaos/sse-stream.js';
import type { SseFrame } from '../../chaos/sse-stream.js';

export interface FollowerOptions {
  readonly name: string;
  /** What it is judged by: the channels as the judge calls them. */
  readonly channels: readonly string[];
  /** Keys whose events count for the judge; what else comes is only a position. */
  readonly judges: (channel: string) => boolean;
  /** What it asks for; after a 404 it asks for the next one, with the same position. */
  readonly asks: readonly (readonly string[])[];
  readonly random: SeededRandom;
  readonly nodes: () => readonly { readonly name: string; readonly port: number }[];
}

const readsForMs = [500, 5_000] as const;
const silenceMs = 5_000;
const pauseMs = 150;

/**
 * An application whose channels are renamed, added or removed while it reads: asks any node, now and then another one, always with its last id, and goes on to its
 * next name for the thing when a node does not know the first.
 */
export class Follower implements ReaderHistory {
  readonly name: string;
  readonly asked: Asked;
  readonly moments: Moment[] = [];
  readonly complaints: string[] = [];
  lastId: string | null = null;
  /** Answers that no route can produce the channel. */
  unroutableCount = 0;
  resumeCount = 0;
  readonly #options: FollowerOptions;
  readonly #stopped = new AbortController();
  #ask = 0;
  #stream: SseStream | null = null;
  #isCalm = false;
  #run: Promise<void> | null = null;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.name = options.name;
    this.asked = { channels: options.channels, kind: null, session: null, format: 'envelope' };
  }

  /** Whether all that it asks for is unknown to one of the releases. */
  get isRefusedAtTimes(): boolean {
    return this.#options.asks.length === 1;
  }

  start(): void {
    this.#run = this.#live();
  }

  /** From now on it stays where it is. */
  calm(): void {
    this.#isCalm = true;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#stream?.drop('stopped');
    await this.#run;
  }

  async #live(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await this.#read();
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  #read(): Promise<void> {
    const { random, nodes, asks } = this.#options;
    const node = random.pick(nodes());
    const query = (asks[this.#ask % asks.length] ?? []).map((channel) => `channel=${encodeURIComponent(channel)}`).join('&');
    this.moments.push({ what: 'connect', atMs: Date.now(), node: `${node.name} for ${query}`, with: this.lastId });
    if (this.lastId !== null) this.resumeCount++;
    let heardAtMs = Date.now();
    const timers: NodeJS.Timeout[] = [];
    return new Promise((resolve) => {
      const stream = new SseStream(node.port, `/v1/events?format=envelope&${query}`, this.lastId, {
        onStatus: (status) => this.#takeStatus(status, node.name, stream),
        onBytes: () => (heardAtMs = Date.now()),
        onRetry: () => undefined,
        onFrame: (frame) => this.#take(frame),
        onEnd: (how) => {
          for (const timer of timers) clearInterval(timer);
          this.moments.push({ what: 'end', atMs: Date.now(), how });
          resolve();
        },
      });
      this.#stream = stream;
      timers.push(
        setTimeout(
          () => {
            if (this.#isCalm) return;
            // What it asks for first is what it wants most.
            this.#ask = 0;
            stream.drop('dropped');
          },
          random.between(...readsForMs),
        ),
        setInterval(() => {
          if (Date.now() - heardAtMs > silenceMs) stream.drop('gave up: silence');
        }, 500),
      );
    });
  }

  #takeStatus(status: number, node: string, stream: SseStream): void {
    if (status === 200) return;
    if (status === 404) {
      this.unroutableCount++;
      this.#ask++;
    } else this.complaints.push(`status ${status} from ${node} for ${String(this.lastId)}`);
    stream.drop(`status ${status}`);
  }

  #take({ type, data, id }: SseFrame): void {
    const atMs = Date.now();
    if (type === 'selvage.close') return;
    if (id === null) return void this.complaints.push(`a frame without id: ${type} ${data.slice(0, 100)}`);
    this.lastId = id;
    if (type === 'selvage.gap') {
      const { reason, from } = JSON.parse(data) as { reason: string; from: string | null };
      this.moments.push({ what: 'gap', atMs, id, reason, from });
      return;
    }
    if (!type.startsWith('selvage.')) {
      const { channel, data: value } = JSON.parse(data) as { channel: string; data: RecordValue };
      if (this.#options.judges(channel)) return void this.moments.push({ what: 'event', atMs, n: value.n, type, id, fault: null });
    }
    this.moments.push({ what: 'position', atMs, id });
  }
}
