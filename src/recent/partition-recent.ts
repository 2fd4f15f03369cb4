import { cutPage, type EventPage } from '../routing/merge-events.js';
import type { RecordEvent } from '../routing/record-event.js';
import { ChannelList } from './channel-list.js';
import type { RowOwner } from './channel-list.js';
import { EventRing } from './event-ring.js';

/**
 * The newest stretch of one topic-partition, a list a channel: everything in (start, tail] is here. `recent` plus a cursor is the only hold
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
  readonly #lists = new Map<string, ChannelList>();

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
    this.#lists.clear();
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
      const list = this.#listOf(channel);
      list.push(ring, ring.push(event, channels.length === 1 ? list : { list, channels }));
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
      const { list } = ring.ownerOf(ring.first);
      list.shift(ring);
      ring.shift();
      if (list.length === 0) this.#lists.delete(list.channel);
    }
  }

  /**
   * Events of `channels` in (after, provenTo], at most `eventsMax` a channel and no further than the record that passes `bytesMax`, though never
   * less than a whole record. The caller has checked `start <= after`.
   */
  page(channels: readonly string[], after: number, eventsMax: number, bytesMax: number): EventPage {
    const ring = this.#ring;
    let provenTo = this.#tail;
    const rows: number[] = [];
    for (const channel of channels) {
      const list = this.#lists.get(channel);
      if (list === undefined) continue;
      const taken = list.after(ring, after, eventsMax);
      const last = taken.at(-1);
      if (last === undefined) continue;
      if (last !== list.last) provenTo = Math.min(provenTo, ring.offsetOf(last));
      rows.push(...taken);
    }
    if (channels.length > 1) rows.sort((a, b) => ring.placeOf(a) - ring.placeOf(b));
    const events = rows.map((row) => ring.at(row)).filter((event, i, all) => event.offset <= provenTo && !isSameEvent(event, all[i - 1]));
    return cutPage({ events, provenTo }, Infinity, bytesMax);
  }

  /** The newest events of a channel, newest last, at most `countMax`. */
  newest(channel: string, countMax: number): readonly RecordEvent[] {
    const rows = this.#lists.get(channel)?.newest(this.#ring, countMax) ?? [];
    return rows.map((row) => this.#ring.at(row));
  }

  #listOf(channel: string): ChannelList {
    let list = this.#lists.get(channel);
    if (list === undefined) this.#lists.set(channel, (list = new ChannelList(channel)));
    return list;
  }
}

/** Whether both are rows of one event: it has one for each of its channels. */
const isSameEvent = (a: RecordEvent, b: RecordEvent | undefined): boolean =>
  b !== undefined && a.offset === b.offset && a.index === b.index;
