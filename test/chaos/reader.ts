import { setTimeout as sleep } from 'node:timers/promises';
import type { SeededRandom } from './random.js';
import type { Asked, Moment, ReaderHistory } from './reader-history.js';
import type { RecordValue } from './records.js';
import { SseStream } from './sse-stream.js';
import type { SseFrame } from './sse-stream.js';

/** How a reader behaves. Ranges are in ms. */
export interface Habits {
  readonly name: string;
  /** Cuts its connection after so long. */
  readonly dropAfter?: readonly [number, number];
  /** Stays away for so long after it has cut it. */
  readonly awayFor?: readonly [number, number];
  /** Stops reading now and then, for so long. */
  readonly pauseFor?: readonly [number, number];
  /** Goes away for longer than this and the socket is given up. */
  readonly silenceMs: number;
}

export interface ReaderSurroundings {
  readonly random: SeededRandom;
  readonly asked: Asked;
  /** The nodes that a balancer would choose from, alive or not. */
  readonly nodes: () => readonly { readonly name: string; readonly port: number }[];
  /** The fault going on, for the delays. */
  readonly onDelay: (reader: Reader, madeAtMs: number, delayMs: number) => void;
}

const retryMsMax = 1_500;
const pauseEveryMs = [4_000, 9_000] as const;

/** One client: reads, drops, comes back to any node with its last id, and remembers everything. */
export class Reader implements ReaderHistory {
  readonly name: string;
  readonly habits: Habits;
  readonly asked: Asked;
  readonly moments: Moment[] = [];
  readonly complaints: string[] = [];
  lastId: string | null = null;
  eventCount = 0;
  resumeCount = 0;
  /** Comes only to this node, when set. */
  onlyNode: { readonly name: string; readonly port: number } | null = null;
  readonly #surroundings: ReaderSurroundings;
  readonly #path: string;
  #stream: SseStream | null = null;
  #isStopped = false;
  #isCalm = false;
  #isHeldAway = false;
  #wake = new AbortController();
  #retryMs = 200;
  #run: Promise<void> | null = null;

  constructor(name: string, habits: Habits, surroundings: ReaderSurroundings) {
    this.name = name;
    this.habits = habits;
    this.asked = surroundings.asked;
    this.#surroundings = surroundings;
    this.#path = pathOf(this.asked);
  }

  start(): void {
    this.#run = this.#live();
  }

  /** Keeps away until `calm` or `release`. */
  holdAway(): void {
    this.#isHeldAway = true;
    this.#stream?.drop('went away');
  }

  /** Cuts its connection and comes back. */
  reconnect(): void {
    this.#stream?.drop('reconnects');
  }

  release(): void {
    this.#isHeldAway = false;
    this.#wakeUp();
  }

  /** From now on it behaves: no drops, no pauses, back at once. */
  calm(): void {
    this.#isCalm = true;
    this.#stream?.resume();
    this.release();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stream?.drop('stopped');
    this.#wakeUp();
    await this.#run;
  }

  async #live(): Promise<void> {
    const { random } = this.#surroundings;
    await this.#wait(random.between(0, 1_500));
    while (!this.#isStopped) {
      if (this.#isHeldAway) {
        await this.#wait(60_000);
        continue;
      }
      const isByChoice = await this.#read();
      const away = this.habits.awayFor;
      if (isByChoice && away && !this.#isCalm) await this.#wait(random.between(...away));
      else await this.#wait(Math.min(retryMsMax, this.#retryMs));
    }
  }

  /** One connection; returns whether the reader itself ended it. */
  #read(): Promise<boolean> {
    const { random, nodes } = this.#surroundings;
    const node = this.onlyNode ?? random.pick(nodes());
    if (this.lastId !== null) this.resumeCount++;
    this.moments.push({ what: 'connect', atMs: Date.now(), node: node.name, with: this.lastId });
    this.#retryMs = random.between(50, 400);
    let heardAtMs = Date.now();
    let isPaused = false;
    let isByChoice = false;
    const timers: NodeJS.Timeout[] = [];
    return new Promise((resolve) => {
      const stream = new SseStream(node.port, this.#path, this.lastId, {
        onStatus: (status) => {
          if (status !== 200) this.complaints.push(`status ${String(status)} from ${node.name} for ${String(this.lastId)}`);
        },
        onBytes: () => (heardAtMs = Date.now()),
        onRetry: (retryMs) => (this.#retryMs = retryMs),
        onFrame: (frame) => this.#take(frame),
        onEnd: (how) => {
          for (const timer of timers) clearTimeout(timer);
          this.#stream = null;
          this.moments.push({ what: 'end', atMs: Date.now(), how });
          resolve(isByChoice);
        },
      });
      this.#stream = stream;
      const { dropAfter, pauseFor, silenceMs } = this.habits;
      if (dropAfter && !this.#isCalm) {
        const drop = (): void => {
          if (this.#isCalm) return;
          isByChoice = true;
          stream.drop('dropped');
        };
        timers.push(setTimeout(drop, random.between(...dropAfter)));
      }
      if (pauseFor && !this.#isCalm) {
        const pause = (): void => {
          if (this.#isCalm) return;
          isPaused = true;
          stream.pause();
          const resume = (): void => {
            isPaused = false;
            heardAtMs = Date.now();
            stream.resume();
            timers.push(setTimeout(pause, random.between(...pauseEveryMs)));
          };
          timers.push(setTimeout(resume, random.between(...pauseFor)));
        };
        timers.push(setTimeout(pause, random.between(...pauseEveryMs)));
      }
      const watch = setInterval(() => {
        if (this.#isCalm) isPaused = false;
        const allowedMs = this.#isCalm ? Math.min(5_000, silenceMs) : silenceMs;
        if (!isPaused && Date.now() - heardAtMs > allowedMs) stream.drop('gave up: silence');
      }, 500);
      timers.push(watch);
    });
  }

  #take({ type, data, id }: SseFrame): void {
    const atMs = Date.now();
    if (type === 'selvage.close') {
      this.#retryMs = Math.max(this.#retryMs, (JSON.parse(data) as { retryMs: number }).retryMs);
      this.moments.push({ what: 'end', atMs, how: data });
      return;
    }
    if (id === null) {
      this.complaints.push(`a frame without id: ${type} ${data.slice(0, 100)}`);
      return;
    }
    this.lastId = id;
    if (type === 'selvage.position') this.moments.push({ what: 'position', atMs, id });
    else if (type === 'selvage.gap') {
      const { reason, from } = JSON.parse(data) as { reason: string; from: string | null };
      this.moments.push({ what: 'gap', atMs, id, reason, from });
    } else this.#takeEvent(type, data, id, atMs);
  }

  #takeEvent(type: string, data: string, id: string, atMs: number): void {
    const value = this.#unwrap(data);
    this.eventCount++;
    const fault = value.kind === type ? null : `type ${type} on a record of kind ${value.kind}`;
    this.moments.push({ what: 'event', atMs, n: value.n, type, id, fault });
    this.#surroundings.onDelay(this, value.at, atMs - value.at);
  }

  #unwrap(data: string): RecordValue {
    if (this.asked.format === 'plain') return JSON.parse(data) as RecordValue;
    const envelope = JSON.parse(data) as { channel: string; channels?: string[]; data: RecordValue };
    for (const channel of [envelope.channel, ...(envelope.channels ?? [])]) {
      if (!this.asked.channels.includes(channel)) this.complaints.push(`the envelope names ${channel}, which was not asked for`);
    }
    return envelope.data;
  }

  async #wait(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#wake.signal }).catch(() => undefined);
    if (this.#wake.signal.aborted) this.#wake = new AbortController();
  }

  #wakeUp(): void {
    this.#wake.abort();
  }
}

function pathOf({ channels, kind, session, format }: Asked): string {
  const query = new URLSearchParams();
  for (const channel of channels) query.append('channel', channel);
  if (kind !== null) for (const type of [kind, 'mark']) query.append('type', type);
  if (session !== null) query.append('session', session);
  if (format !== 'plain') query.append('format', format);
  return `/v1/events?${query.toString()}`;
}
