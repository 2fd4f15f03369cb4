import type { RedisConnection } from '../../redis/redis-connection.js';
import type { RedisScript } from '../../redis/redis-script.js';
import type { Environment, Timer } from '../../std/clock.js';

export interface NodeBeatParts {
  readonly redis: RedisConnection;
  readonly environment: Environment;
  readonly script: RedisScript;
  /** Scripts that a server is given before it is used: else each of thousands who come back at once would send the text. */
  readonly scripts: readonly RedisScript[];
  /** The key of the nodes. */
  readonly key: string;
  readonly lapseMs: number;
  /** After each beat that was heard. `hasForgotten`: the store may have lost what this node wrote. */
  readonly onBeat: (hasForgotten: boolean) => void;
  /** After each beat, and when the connection changes. */
  readonly onLook: () => void;
}

/** Beats in the time after which a silent node counts as dead. */
const beatsALapse = 3;

/**
 * The life of this node as others see it: one small script every third of the lapse time, whatever the number of streams. A node is named by a tag
 * made for this process, so what a killed one leaves behind lapses even when the next has the same name.
 */
export class NodeBeat {
  readonly #parts: NodeBeatParts;
  #tag: string;
  #tagBefore = '';
  #timer: Timer | null = null;
  #stopListening: (() => void) | null = null;
  #isBeating = false;
  #heardTickMs = -Infinity;
  #epoch: string | null = null;
  /** When each node beat last, by this node's clock. */
  readonly #beatAtTickMs = new Map<string, number>();
  #living = ',';
  #livingUntilTickMs = -Infinity;

  constructor(parts: NodeBeatParts) {
    this.#parts = parts;
    this.#tag = this.#newTag();
  }

  get tag(): string {
    return this.#tag;
  }

  /** True while this node counts as living for the others, and knows of them. */
  get isHeard(): boolean {
    return this.#parts.redis.isUp && this.#nowTickMs() - this.#heardTickMs < this.#parts.lapseMs;
  }

  /** Tags of the living nodes as the scripts take them: `,a,b,`. */
  get living(): string {
    if (this.#nowTickMs() >= this.#livingUntilTickMs) this.#listLiving();
    return this.#living;
  }

  start(): void {
    const { environment, lapseMs, redis, onLook } = this.#parts;
    this.#timer = environment.timers.every(lapseMs / beatsALapse, () => void this.beat());
    this.#stopListening = redis.onUpChange((isUp) => (isUp ? void this.beat() : onLook()));
    void this.beat();
  }

  /** From the next beat on this node has another tag: whatever the old one holds lapses. */
  renew(): void {
    if (this.#tagBefore === '') this.#tagBefore = this.#tag;
    this.#tag = this.#newTag();
    this.#heardTickMs = -Infinity;
    void this.beat();
  }

  /** Beats now, unless one is under way. Never rejects. */
  async beat(): Promise<void> {
    if (this.#isBeating || this.#timer === null) return;
    this.#isBeating = true;
    const { redis, script, key, lapseMs, onBeat, onLook } = this.#parts;
    const sentTickMs = this.#nowTickMs();
    const tag = this.#tag;
    try {
      const hasChangedStore = await this.#hasChangedStore();
      const reply = (await redis.runScript(script, [key], [tag, this.#tagBefore, lapseMs])) as (number | Buffer)[];
      if (tag === this.#tag) {
        this.#tagBefore = '';
        this.#heardTickMs = sentTickMs;
        this.#hear(reply.slice(1).map(String));
        onBeat(reply[0] !== 1 || hasChangedStore);
      }
    } catch {
      // The next beat comes anyway; until one is heard, `isHeard` says so.
    } finally {
      this.#isBeating = false;
    }
    onLook();
  }

  /** Takes this node off the list. Never rejects. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    this.#stopListening?.();
    const { redis, key } = this.#parts;
    if (redis.isUp) await redis.command('ZREM', key, this.#tag).catch(() => undefined);
  }

  /** A server that was started anew or took over from another may lack what was written last. A store that does not tell is believed. */
  async #hasChangedStore(): Promise<boolean> {
    const replies = await this.#parts.redis.onEachMaster('INFO', 'server').catch(() => null);
    if (replies === null) return false;
    const epoch = replies
      .map((reply) => /^run_id:(\w+)/m.exec(String(reply))?.[1] ?? '')
      .sort()
      .join();
    if (this.#epoch === epoch) return false;
    const hasChanged = this.#epoch !== null;
    for (const { text } of this.#parts.scripts) await this.#parts.redis.onEachMaster('SCRIPT', 'LOAD', text).catch(() => undefined);
    this.#epoch = epoch;
    return hasChanged;
  }

  #hear(nodes: readonly string[]): void {
    const nowTickMs = this.#nowTickMs();
    for (let i = 0; i + 1 < nodes.length; i += 2) this.#beatAtTickMs.set(nodes[i] ?? '', nowTickMs - Number(nodes[i + 1]));
    this.#listLiving();
  }

  /** Also nodes that the store has just forgotten live on until their time is up. */
  #listLiving(): void {
    const { lapseMs } = this.#parts;
    const nowTickMs = this.#nowTickMs();
    this.#livingUntilTickMs = Infinity;
    for (const [tag, beatAtTickMs] of this.#beatAtTickMs) {
      const until = beatAtTickMs + lapseMs;
      if (until <= nowTickMs) this.#beatAtTickMs.delete(tag);
      else this.#livingUntilTickMs = Math.min(this.#livingUntilTickMs, until);
    }
    this.#beatAtTickMs.delete(this.#tag);
    this.#living = [',', this.#tag, ...this.#beatAtTickMs.keys(), ''].join(',').slice(1);
  }

  #newTag(): string {
    const part = (): string =>
      Math.floor(this.#parts.environment.random() * 36 ** 5)
        .toString(36)
        .padStart(5, '0');
    return part() + part();
  }

  #nowTickMs(): number {
    return this.#parts.environment.clock.tickMs();
  }
}
