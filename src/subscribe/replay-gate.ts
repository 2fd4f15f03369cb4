import { Deque } from '../std/deque.js';
import type { Metrics } from '../telemetry/metrics.js';

/** How many reads may be under way, and how many may wait for their turn. */
export interface ReplayGateLimits {
  readonly concurrentMax: number;
  readonly queuedMax: number;
}

/** Those of one owner who wait, first come first served; called with true when it is their turn, with false when too many wait. */
interface Line {
  readonly owner: string;
  readonly waiting: Deque<(isTurn: boolean) => void>;
}

/** Whoever comes without an owner. */
const nobody = '';

/**
 * Bounds the reads of all readers of a node, fairly: the owners who wait take turns, so one with a thousand replays delays another's first by
 * one turn. Each reader asks again for every page, behind those of its owner that wait already: a long replay does not keep short ones from
 * finishing. When as many wait as may, the owner who has most in the line gives way to those who have less.
 */
export class ReplayGate {
  readonly #limits: ReplayGateLimits;
  readonly #metrics: Metrics;
  readonly #lines = new Map<string, Line>();
  /** Owners with somebody waiting, whose turn is next first. */
  readonly #turns = new Deque<Line>();
  #queued = 0;
  #running = 0;

  constructor(limits: ReplayGateLimits, metrics: Metrics) {
    this.#limits = limits;
    this.#metrics = metrics;
  }

  /** Runs `read` when it is its turn; null when too many wait already. */
  async run<T>(read: () => Promise<T>, owner = nobody): Promise<T | null> {
    if (this.#running >= this.#limits.concurrentMax) {
      if (this.#queued >= this.#limits.queuedMax && !this.#makeRoomFor(owner)) return null;
      const isTurn = await new Promise<boolean>((resolve) => this.#queue(owner, resolve));
      if (!isTurn) return null;
    } else this.#running++;
    try {
      return await read();
    } finally {
      if (!this.#callNext()) this.#running--;
      this.#metrics.replayQueued(this.#queued);
    }
  }

  #queue(owner: string, call: (isTurn: boolean) => void): void {
    let line = this.#lines.get(owner);
    if (line === undefined) {
      line = { owner, waiting: new Deque() };
      this.#lines.set(owner, line);
      this.#turns.push(line);
    }
    line.waiting.push(call);
    this.#queued++;
    this.#metrics.replayQueued(this.#queued);
  }

  /** Calls the first of the owner whose turn it is, and puts that owner behind the others. */
  #callNext(): boolean {
    const line = this.#turns.shift();
    const call = line?.waiting.shift();
    if (line === undefined || call === undefined) return false;
    this.#queued--;
    if (line.waiting.length > 0) this.#turns.push(line);
    else this.#lines.delete(line.owner);
    call(true);
    return true;
  }

  /** Sends away the last of the owner who has most, if that leaves it no worse off than the newcomer's. Looks at all owners, only when the line is full. */
  #makeRoomFor(owner: string): boolean {
    let longest: Line | null = null;
    for (const line of this.#lines.values()) if (longest === null || line.waiting.length > longest.waiting.length) longest = line;
    // More than one waits there, so its line stays.
    if (longest === null || longest.waiting.length <= (this.#lines.get(owner)?.waiting.length ?? 0) + 1) return false;
    this.#queued--;
    longest.waiting.pop()?.(false);
    return true;
  }
}
