import { cutPage, mergeEvents, type EventPage } from '../routing/merge-events.js';
import type { RoutedEvent } from '../routing/routed-event.js';
import { Deque } from '../std/deque.js';

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
  readonly #channels = new Map<string, Deque<RoutedEvent>>();

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
    this.#epoch++;
    this.#start = cursor;
    this.#tail = cursor;
  }

  /** Adds one event; offsets never fall. The event can be read once `advance` has passed it. */
  add(event: RoutedEvent): void {
    for (const channel of event.channels) {
      let list = this.#channels.get(channel);
      if (list === undefined) this.#channels.set(channel, (list = new Deque()));
      list.push(event);
    }
  }

  /** Moves the tail: everything up to `to` has been added. */
  advance(to: number): void {
    if (to > this.#tail) this.#tail = to;
  }

  /** Drops the events of `batches` (the oldest held, in order) and raises the start to `to`. */
  evict(batches: readonly (readonly RoutedEvent[])[], to: number): void {
    if (to <= this.#start) return;
    this.#start = to;
    for (const events of batches) for (const event of events) this.#drop(event);
  }

  #drop(event: RoutedEvent): void {
    for (const channel of event.channels) {
      const list = this.#channels.get(channel);
      if (list?.first() !== event) continue;
      list.shift();
      if (list.length === 0) this.#channels.delete(channel);
    }
  }

  /**
   * Events of `channels` in (after, provenTo], at most `eventsMax` a channel and no further than the record that passes `bytesMax`, though never
   * less than a whole record. The caller has checked `start <= after`.
   */
  page(channels: readonly string[], after: number, eventsMax: number, bytesMax: number): EventPage {
    let provenTo = this.#tail;
    const lists: RoutedEvent[][] = [];
    for (const channel of channels) {
      const list = this.#channels.get(channel);
      if (list === undefined) continue;
      const taken = takeAfter(list, after, eventsMax);
      const last = taken[taken.length - 1];
      if (last === undefined) continue;
      if (last !== list.last()) provenTo = Math.min(provenTo, last.offset);
      lists.push(taken);
    }
    const merged = mergeEvents(lists.length === 0 ? [[]] : lists);
    const events = lists.length > 1 ? merged.filter((event) => event.offset <= provenTo) : merged;
    return cutPage({ events, provenTo }, Infinity, bytesMax);
  }

  /** The newest events of a channel, newest last, at most `countMax`. */
  newest(channel: string, countMax: number): readonly RoutedEvent[] {
    const list = this.#channels.get(channel);
    const events: RoutedEvent[] = [];
    if (list === undefined) return events;
    for (let i = Math.max(0, list.length - countMax); i < list.length; i++) events.push(list.at(i) as RoutedEvent);
    return events;
  }
}

function takeAfter(list: Deque<RoutedEvent>, after: number, eventsMax: number): RoutedEvent[] {
  const taken: RoutedEvent[] = [];
  for (let i = list.countBefore((event) => event.offset <= after); i < list.length; i++) {
    const event = list.at(i) as RoutedEvent;
    if (taken.length >= eventsMax && event.offset !== taken[taken.length - 1]?.offset) break;
    taken.push(event);
  }
  return taken;
}
