import type { Clock } from '../std/clock.js';
import { Deque } from '../std/deque.js';
import type { RecordEvent } from '../routing/record-event.js';
import type { PartitionRecent } from './partition-recent.js';

export interface RecentLimits {
  /** How long an event is held after it arrived here. */
  readonly ageMs: number;
  /** Memory of all partitions together, by estimate. */
  readonly bytesMax: number;
}

interface Stretch {
  readonly recent: PartitionRecent;
  readonly epoch: number;
  readonly arrivedTickMs: number;
  eventCount: number;
  to: number;
  bytes: number;
}

/** What an event costs beside its bytes, for each of its channels. */
const rowBytes = 96;
/** Stretches of one partition that arrive within this time are evicted together. */
const stretchMs = 100;

/** Bounds `recent` over all partitions of a node, by age and by bytes: the oldest stretch goes first, whosever it is. */
export class RecentStore {
  readonly #limits: RecentLimits;
  readonly #clock: Clock;
  readonly #stretches = new Deque<Stretch>();
  readonly #newest = new Map<PartitionRecent, Stretch>();
  #bytes = 0;
  #events = 0;

  constructor(limits: RecentLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get events(): number {
    return this.#events;
  }

  /** Holds the events of one stretch that ends at `to`, and lets go of what is too old or too much. */
  hold(recent: PartitionRecent, events: readonly RecordEvent[], to: number): void {
    const nowTickMs = this.#clock.tickMs();
    let stretch = this.#newest.get(recent);
    if (stretch === undefined || nowTickMs - stretch.arrivedTickMs >= stretchMs) {
      stretch = { recent, epoch: recent.epoch, arrivedTickMs: nowTickMs, eventCount: 0, to, bytes: 0 };
      this.#newest.set(recent, stretch);
      this.#stretches.push(stretch);
    }
    let bytes = 0;
    for (const event of events) {
      recent.add(event);
      bytes += event.byteLength + event.channels.length * rowBytes;
    }
    stretch.eventCount += events.length;
    stretch.bytes += bytes;
    this.#bytes += bytes;
    this.#events += events.length;
    stretch.to = to;
    recent.advance(to);
    this.trim();
  }

  /** Evicts what is past its age or over the bytes. Called with every stretch, and by a timer for the idle. */
  trim(): void {
    const oldestTickMs = this.#clock.tickMs() - this.#limits.ageMs;
    for (;;) {
      const stretch = this.#stretches.first();
      if (stretch === undefined || (stretch.arrivedTickMs >= oldestTickMs && this.#bytes <= this.#limits.bytesMax)) return;
      this.#stretches.shift();
      if (this.#newest.get(stretch.recent) === stretch) this.#newest.delete(stretch.recent);
      this.#bytes -= stretch.bytes;
      this.#events -= stretch.eventCount;
      if (stretch.epoch === stretch.recent.epoch) stretch.recent.evict(stretch.to);
    }
  }

  /** Forgets a partition's events; reading goes on above `cursor`. */
  restart(recent: PartitionRecent, cursor: number): void {
    this.#newest.delete(recent);
    recent.restart(cursor);
  }
}
