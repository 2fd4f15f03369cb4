import { cutPage, isSameEvent, type EventPage } from '../routing/merge-events.js';
import type { RecordEvent } from '../routing/record-event.js';
import { ChannelRows } from './channel-rows.js';
import type { RowOwner } from './channel-rows.js';
import { EventRing } from './event-ring.js';

/**
 * The newest stretch of one topic-partition, by channel: everything in (start, tail] is here. `recent` plus a cursor is the only hold
 * that a reader has.
 */
export class PartitionRecent {
  /** Everything above this offset is held. */
  #start = -1;
  /** The last offset fetched, whether it made events or not. */
  #tail = -1;
  #epoch = 0;
  /** A row for each channel of each event. */
  #ring = new EventRing<RowOwner>();
  readonly #channels = new Map<string, ChannelRows>();

  get start(): number {
    return this.#start;
  }

  get tail(): number {
    return this.#tail;
  }

  /** Counts restarts: what was held in another epoch is gone, and its offsets may mean other records. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Forgets everything; reading goes on above `cursor`. For the first join, a hole in the tail, and a topic made again. */
  restart(cursor: number): void {
    this.#channels.clear();
    this.#ring = new EventRing();
    this.#epoch++;
    this.#start = cursor;
    this.#tail = cursor;
  }

  /** Adds one event, a row for each of its channels; offsets never fall. The event can be read once `advance` has passed it. */
  add(event: RecordEvent): void {
    const { channels } = event;
    const ring = this.#ring;
    for (const channel of channels) {
      const rows = this.#rowsOf(channel);
      rows.push(ring, ring.push(event, channels.length === 1 ? rows : { rows, channels }));
    }
  }

  /** Moves the tail: everything up to `to` has been added. */
  advance(to: number): void {
    if (to > this.#tail) this.#tail = to;
  }

  /** Drops everything up to `to`, which becomes the start. */
  evict(to: number): void {
    if (to <= this.#start) return;
    this.#start = to;
    const ring = this.#ring;
    while (ring.length > 0 && ring.offsetOf(ring.first) <= to) {
      const { rows } = ring.ownerOf(ring.first);
      rows.shift(ring);
      ring.shift();
      if (rows.length === 0) this.#channels.delete(rows.channel);
    }
  }

  /**
   * Events of `channels` in (after, provenTo], at most `eventsMax` a channel and no further than the record that passes `bytesMax`, though never
   * less than a whole record. The caller has checked `start <= after`.
   */
  page(channels: readonly string[], after: number, eventsMax: number, bytesMax: number): EventPage {
    const ring = this.#ring;
    let provenTo = this.#tail;
    const numbers: number[] = [];
    for (const channel of channels) {
      const rows = this.#channels.get(channel);
      if (rows === undefined) continue;
      const taken = rows.after(ring, after, eventsMax);
      const last = taken.at(-1);
      if (last === undefined) continue;
      if (last !== rows.last) provenTo = Math.min(provenTo, ring.offsetOf(last));
      numbers.push(...taken);
    }
    if (channels.length > 1) numbers.sort((a, b) => ring.placeOf(a) - ring.placeOf(b));
    const events = numbers
      .map((number) => ring.at(number))
      .filter((event, i, all) => event.offset <= provenTo && !isSameEvent(event, all[i - 1]));
    return cutPage({ events, provenTo }, Infinity, bytesMax);
  }

  /** The newest events of a channel, newest last, at most `countMax`. */
  newest(channel: string, countMax: number): readonly RecordEvent[] {
    const numbers = this.#channels.get(channel)?.newest(this.#ring, countMax) ?? [];
    return numbers.map((number) => this.#ring.at(number));
  }

  #rowsOf(channel: string): ChannelRows {
    let rows = this.#channels.get(channel);
    if (rows === undefined) this.#channels.set(channel, (rows = new ChannelRows(channel)));
    return rows;
  }
}
