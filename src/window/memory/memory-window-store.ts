import type { CountMark } from '../../routing/recent-counts.js';
import type { RoutedEvent } from '../../routing/routed-event.js';
import type { StoredEntry } from '../judge-page.js';
import type { VouchState } from '../vouch-rules.js';

/** One channel of one partition. */
export interface MemoryStream {
  /** Oldest first. */
  readonly entries: StoredEntry[];
  /** Newest entry ever added; stays when every entry was trimmed. */
  lastOffset: number;
  lastIndex: number;
  expiresAtMs: number;
}

/** The latest event of one channel of one partition; null: it was larger than its rule allows, so it is not known. */
export interface MemoryLatest {
  readonly offset: number;
  readonly event: RoutedEvent | null;
  readonly expiresAtMs: number;
}

/** When a mark of a topic's partition counts was last true. */
export type StoredCount = Pick<CountMark, 'kind' | 'count'> & { readonly atMs: number };

/** A copy of everything held, to fail over to. */
export interface WindowSnapshot {
  readonly states: ReadonlyMap<string, VouchState>;
  readonly streams: ReadonlyMap<string, MemoryStream>;
  readonly latest: ReadonlyMap<string, MemoryLatest>;
  readonly breaches: ReadonlySet<string>;
  readonly counts: ReadonlyMap<string, ReadonlyMap<string, StoredCount>>;
}

/** What Redis would hold, by the same keys. Expiry is by the clock that callers pass: nothing expired is ever returned. */
export class MemoryWindowStore {
  readonly #states = new Map<string, VouchState>();
  /** Least recently written first, so that the expired ones are at the front. */
  readonly #streams = new Map<string, MemoryStream>();
  readonly #latest = new Map<string, MemoryLatest>();
  readonly breaches = new Set<string>();
  readonly #counts = new Map<string, Map<string, StoredCount>>();

  /** The marks under the key; made when there are none. One entry a topic. */
  counts(key: string): Map<string, StoredCount> {
    let marks = this.#counts.get(key);
    if (marks === undefined) this.#counts.set(key, (marks = new Map<string, StoredCount>()));
    return marks;
  }

  state(key: string): VouchState | null {
    return this.#states.get(key) ?? null;
  }

  setState(key: string, state: VouchState): void {
    this.#states.set(key, state);
  }

  stream(key: string, nowMs: number): MemoryStream | null {
    const stream = this.#streams.get(key);
    return stream === undefined || stream.expiresAtMs <= nowMs ? null : stream;
  }

  /** Finds or makes the stream, and renews its life. */
  touchStream(key: string, nowMs: number, expiresAtMs: number): MemoryStream {
    const stream = this.stream(key, nowMs) ?? { entries: [], lastOffset: -1, lastIndex: -1, expiresAtMs };
    stream.expiresAtMs = expiresAtMs;
    this.#streams.delete(key);
    this.#streams.set(key, stream);
    return stream;
  }

  latest(key: string, nowMs: number): MemoryLatest | null {
    const latest = this.#latest.get(key);
    return latest === undefined || latest.expiresAtMs <= nowMs ? null : latest;
  }

  setLatest(key: string, latest: MemoryLatest): void {
    this.#latest.delete(key);
    this.#latest.set(key, latest);
  }

  /** Frees what has expired: as many at a call as callers add, so that memory is bounded without long pauses. */
  sweep(nowMs: number, countMax: number): void {
    sweepMap(this.#streams, nowMs, countMax);
    sweepMap(this.#latest, nowMs, countMax);
  }

  /** Deletes every key that is `base` or begins with `base:`. */
  deleteUnder(base: string): void {
    for (const map of [this.#states, this.#streams, this.#latest]) {
      for (const key of map.keys()) if (key === base || key.startsWith(`${base}:`)) map.delete(key);
    }
  }

  clear(): void {
    for (const held of [this.#states, this.#streams, this.#latest, this.breaches, this.#counts]) held.clear();
  }

  snapshot(): WindowSnapshot {
    const streams = new Map([...this.#streams].map(([key, stream]) => [key, copyStream(stream)]));
    const counts = new Map([...this.#counts].map(([key, marks]) => [key, new Map(marks)]));
    return { states: new Map(this.#states), streams, latest: new Map(this.#latest), breaches: new Set(this.breaches), counts };
  }

  restore(snapshot: WindowSnapshot): void {
    this.clear();
    for (const [key, state] of snapshot.states) this.#states.set(key, state);
    for (const [key, stream] of snapshot.streams) this.#streams.set(key, copyStream(stream));
    for (const [key, latest] of snapshot.latest) this.#latest.set(key, latest);
    for (const topic of snapshot.breaches) this.breaches.add(topic);
    for (const [key, marks] of snapshot.counts) this.#counts.set(key, new Map(marks));
  }
}

function copyStream(stream: MemoryStream): MemoryStream {
  return { ...stream, entries: [...stream.entries] };
}

/** Lives differ a little within a map, so an expired one may wait behind a live one; it is not returned meanwhile. */
function sweepMap(map: Map<string, { readonly expiresAtMs: number }>, nowMs: number, countMax: number): void {
  let left = countMax;
  for (const [key, held] of map) {
    if (left === 0 || held.expiresAtMs > nowMs) return;
    map.delete(key);
    left -= 1;
  }
}
