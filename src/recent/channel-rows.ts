import { Deque } from '../std/deque.js';
import type { EventRing } from './event-ring.js';

/** Whose row it is: the rows of the channel that it is one of, and all channels of its event. */
export interface RowOwner {
  readonly rows: ChannelRows;
  readonly channels: readonly string[];
}

/** Rows between two marks. */
const stride = 64;

/**
 * The rows of one channel, oldest first: each row of the ring names the next one, and every 64th is marked, so that a reader's place is found without walking all.
 * It owns the rows of events that are in no other channel.
 */
export class ChannelRows implements RowOwner {
  readonly channels: readonly string[];
  readonly rows = this;
  #first = 0;
  #last = 0;
  #length = 0;
  /** Of all rows that were ever added. */
  #added = 0;
  readonly #marks = new Deque<number>();

  constructor(channel: string) {
    this.channels = [channel];
  }

  get channel(): string {
    return this.channels[0] as string;
  }

  get length(): number {
    return this.#length;
  }

  /** The newest row. */
  get last(): number {
    return this.#last;
  }

  push(ring: EventRing<RowOwner>, number: number): void {
    if (this.#length === 0) this.#first = number;
    else ring.setNext(this.#last, number);
    this.#last = number;
    this.#length++;
    if (this.#added++ % stride === 0) this.#marks.push(number);
  }

  /** Drops the oldest row; to be called before the ring does. */
  shift(ring: EventRing<RowOwner>): void {
    if (this.#marks.first() === this.#first) this.#marks.shift();
    this.#first = ring.nextOf(this.#first);
    this.#length--;
  }

  /** The rows above an offset, `countMax` of them and the rest of a record that is begun. */
  after(ring: EventRing<RowOwner>, offset: number, countMax: number): number[] {
    const before = this.#marks.countBefore((mark) => ring.offsetOf(mark) <= offset);
    const taken: number[] = [];
    let takenOffset = 0;
    for (const number of this.#from(ring, before - 1)) {
      const own = ring.offsetOf(number);
      if (own <= offset) continue;
      if (taken.length >= countMax && own !== takenOffset) break;
      taken.push(number);
      takenOffset = own;
    }
    return taken;
  }

  /** The newest rows, newest last. */
  newest(ring: EventRing<RowOwner>, countMax: number): number[] {
    const marksBack = Math.ceil(countMax / stride) + 1;
    return [...this.#from(ring, this.#marks.length - marksBack)].slice(-countMax);
  }

  /** Every row from a mark on; below 0: from the oldest on. */
  *#from(ring: EventRing<RowOwner>, mark: number): Generator<number> {
    let number = mark < 0 ? this.#first : (this.#marks.at(mark) as number);
    for (let left = this.#length; left > 0; left--) {
      yield number;
      if (number === this.#last) return;
      number = ring.nextOf(number);
    }
  }
}
