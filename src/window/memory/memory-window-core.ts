import type { Clock } from '../../std/clock.js';
import { countMarkMsMax, type CountMark } from '../../routing/recent-counts.js';
import { keepsLatest } from '../../routing/latest-rule.js';
import type { RoutedEvent } from '../../routing/routed-event.js';
import type {
  LatestAnswer,
  LatestFound,
  NewestEntry,
  NewestQuery,
  Vouched,
  WindowAnswer,
  WindowQuery,
  WindowStretch,
} from '../replay-window.js';
import { judgePage } from '../judge-page.js';
import type { BucketRead, ChannelEntries, StoredEntry } from '../judge-page.js';
import { advanceVouch, isLatestKnown, mergeVouched, vouchedBy } from '../vouch-rules.js';
import type { VouchState } from '../vouch-rules.js';
import { WindowKeys } from '../window-keys.js';
import { windowLifetimes } from '../window-options.js';
import type { WindowLifetimes, WindowOptions } from '../window-options.js';
import { MemoryWindowStore } from './memory-window-store.js';
import type { MemoryStream } from './memory-window-store.js';

/**
 * The rules of the window in their readable form: synchronous and deterministic, time from the clock given. What the Lua scripts do, this does
 * step by step over a `MemoryWindowStore`.
 */
export class MemoryWindowCore {
  readonly store: MemoryWindowStore;
  readonly #keys: WindowKeys;
  readonly #lifetimes: WindowLifetimes;
  readonly #eventsMax: number;
  readonly #clock: Clock;

  constructor(options: WindowOptions, clock: Clock, store = new MemoryWindowStore()) {
    this.store = store;
    this.#lifetimes = windowLifetimes(options);
    this.#keys = new WindowKeys(options);
    this.#eventsMax = options.eventsPerChannelMax;
    this.#clock = clock;
  }

  write(stretch: WindowStretch): Vouched {
    const parts = this.#buckets().map((bucket) => this.#writeBucket(bucket, stretch));
    return mergeVouched(parts) ?? { high: stretch.from - 1, floor: null };
  }

  renew(topic: string, partition: number, next: number): boolean {
    const renewed = this.#buckets().map((bucket) => {
      if (this.store.state(this.#keys.partition(topic, partition, bucket))?.high !== next - 1) return false;
      this.#writeBucket(bucket, { topic, partition, from: next, to: next - 1, events: [] });
      return true;
    });
    return renewed.every(Boolean);
  }

  vouched(topic: string, partition: number): Vouched | null {
    const now = this.#clock.nowMs();
    return mergeVouched(this.#buckets().map((bucket) => vouchedBy(this.store.state(this.#keys.partition(topic, partition, bucket)), now)));
  }

  drop(topic: string, partition: number): void {
    for (const bucket of this.#buckets()) this.store.deleteUnder(this.#keys.partition(topic, partition, bucket));
  }

  read(query: WindowQuery): WindowAnswer {
    const now = this.#clock.nowMs();
    const reads = [...this.#keys.group(query.channels)].map(([bucket, channels]): BucketRead => {
      const base = this.#keys.partition(query.topic, query.partition, bucket);
      const vouched = vouchedBy(this.store.state(base), now);
      const streams = channels.map((channel) => entriesAbove(channel, this.store.stream(`${base}:s:${channel}`, now), query));
      return { high: vouched?.high ?? null, floor: vouched?.floor ?? null, channels: streams };
    });
    return judgePage(query, reads);
  }

  newest(query: NewestQuery): readonly NewestEntry[] {
    const now = this.#clock.nowMs();
    const base = this.#keys.partition(query.topic, query.partition, this.#keys.bucketOf(query.channel));
    const floor = vouchedBy(this.store.state(base), now)?.floor ?? null;
    const stream = this.store.stream(`${base}:s:${query.channel}`, now);
    if (floor === null || stream === null || query.countMax < 1) return [];
    return stream.entries
      .slice(-query.countMax)
      .filter(({ offset }) => offset > floor)
      .map((entry) => {
        const { offset, timestampMs, type, attributes } = entry.toEvent([query.channel]);
        return { offset, timestampMs, type, attributes };
      });
  }

  latest(topic: string, partition: number, channels: readonly string[]): LatestAnswer {
    const now = this.#clock.nowMs();
    const bases = channels.map((channel) => this.#keys.partition(topic, partition, this.#keys.bucketOf(channel)));
    const highs = bases.map((base) => this.store.state(base)?.high ?? null);
    if (highs.includes(null)) return { high: null, channels: channels.map(() => ({ kind: 'unknown' })) };
    const high = Math.min(...highs.map(Number));
    return { high, channels: channels.map((channel, i) => this.#latestOf(topic, bases[i] ?? '', channel, high, now)) };
  }

  latchBreach(topic: string): void {
    this.store.breaches.add(this.#keys.topicId(topic));
  }

  breaches(): ReadonlySet<string> {
    return new Set([...this.store.breaches].map((id) => this.#keys.topicOf(id)).filter((topic) => topic !== null));
  }

  shareCounts(topic: string, known: readonly CountMark[]): readonly CountMark[] {
    const now = this.#clock.nowMs();
    const marks = this.store.counts(this.#keys.counts(topic));
    for (const { kind, count, agoMs } of known) {
      const name = `${kind} ${count}`;
      marks.set(name, { kind, count, atMs: Math.max(marks.get(name)?.atMs ?? -Infinity, now - agoMs) });
    }
    for (const [name, { atMs }] of marks) if (now - atMs >= countMarkMsMax) marks.delete(name);
    return [...marks.values()].map(({ kind, count, atMs }) => ({ kind, count, agoMs: Math.max(0, now - atMs) }));
  }

  #latestOf(topic: string, base: string, channel: string, high: number, now: number): LatestFound {
    const state = this.store.state(base);
    const latest = this.store.latest(`${base}:l:${channel}`, now);
    if (latest !== null) {
      // At or below a hole, a newer one may have come in the hole.
      const isKnown = latest.event !== null && latest.offset <= high && latest.offset > (state?.latestSince ?? -1);
      return isKnown ? { kind: 'event', event: storedEvent(latest.event, [channel]) } : { kind: 'unknown' };
    }
    const known = state !== null && isLatestKnown(state.latestSince, state.latestSinceMs, now, this.#keys.latestTtlMs(topic));
    return { kind: known ? 'none' : 'unknown' };
  }

  #buckets(): readonly number[] {
    return Array.from({ length: this.#keys.bucketCount }, (_, bucket) => bucket);
  }

  /** One script call: entries, high and floor together. */
  #writeBucket(bucket: number, stretch: WindowStretch): Vouched {
    const now = this.#clock.nowMs();
    const base = this.#keys.partition(stretch.topic, stretch.partition, bucket);
    const before = this.store.state(base);
    const known = Math.max(before?.high ?? -1, stretch.from - 1);
    let after = advanceVouch(before, stretch, now, this.#lifetimes);
    const touched = new Set<MemoryStream>();
    for (const event of stretch.events) {
      for (const channel of event.channels) {
        if (this.#keys.bucketOf(channel) !== bucket) continue;
        const stream = this.store.touchStream(`${base}:s:${channel}`, now, now + this.#lifetimes.streamTtlMs);
        if (!touched.has(stream) && stream.lastOffset > known)
          after = { ...after, floor: Math.max(after.floor, clearLeftover(stream, known)) };
        touched.add(stream);
        append(stream, event, this.#eventsMax);
        // At or below what was known it has been set before: setting it again would bring back one that has expired since.
        const isKept = event.latest !== null && keepsLatest(event.latest, channel);
        if (isKept && event.offset > known) this.#setLatest(`${base}:l:${channel}`, event, now);
      }
    }
    for (const stream of touched) trimBelow(stream, after.floor);
    if (stretch.breach === true) this.latchBreach(stretch.topic);
    this.#saveState(base, after, now, touched.size);
    return { high: after.high, floor: after.floor };
  }

  #saveState(base: string, after: VouchState, now: number, touched: number): void {
    this.store.setState(base, after);
    this.store.sweep(now, 2 * touched + 2);
  }

  #setLatest(key: string, event: RoutedEvent, now: number): void {
    const rule = event.latest;
    if (rule === null) return;
    const fits = dataBytes(event) <= rule.bytesMax;
    this.store.setLatest(key, { offset: event.offset, event: fits ? event : null, expiresAtMs: now + rule.ttlMs });
  }
}

/** A stream above all that is vouched for survived the state that knew it: it proves nothing. Returns what the floor must be at least. */
function clearLeftover(stream: MemoryStream, known: number): number {
  stream.entries.length = 0;
  stream.lastOffset = -1;
  stream.lastIndex = -1;
  return known;
}

/** Ids only grow: an entry at or below the newest is a repetition and refused. */
function append(stream: MemoryStream, event: RoutedEvent, eventsMax: number): void {
  const { offset, index } = event;
  if (offset < stream.lastOffset || (offset === stream.lastOffset && index <= stream.lastIndex)) return;
  const prev = stream.entries.at(-1)?.offset ?? null;
  const toEvent = (channels: readonly string[]): RoutedEvent => storedEvent(event, channels);
  stream.entries.push({ offset, index, prev, bytes: dataBytes(event), toEvent });
  stream.lastOffset = offset;
  stream.lastIndex = index;
  if (stream.entries.length > eventsMax) stream.entries.splice(0, stream.entries.length - eventsMax);
}

function trimBelow(stream: MemoryStream, floor: number): void {
  let aged = 0;
  while (aged < stream.entries.length && (stream.entries[aged]?.offset ?? Infinity) <= floor) aged += 1;
  if (aged > 0) stream.entries.splice(0, aged);
}

/** The event as a window gives it back: found under `channels`, its rule not kept. */
function storedEvent(
  { topic, partition, offset, index, timestampMs, type, attributes, body }: RoutedEvent,
  channels: readonly string[],
): RoutedEvent {
  return { topic, partition, offset, index, timestampMs, channels, type, attributes, latest: null, body };
}

/** What the data takes, near enough for bounds: the frame without its first lines. */
function dataBytes(event: RoutedEvent): number {
  return event.body.byteLength - event.body.dataStart - 1;
}

/** At most `eventsMax` entries above the cursor, the last record whole. */
function entriesAbove(channel: string, stream: MemoryStream | null, query: WindowQuery): ChannelEntries {
  const entries: readonly StoredEntry[] = stream?.entries ?? [];
  const start = firstAbove(entries, query.after);
  let end = Math.min(entries.length, start + Math.max(1, query.eventsMax));
  while (end < entries.length && entries[end]?.offset === entries[end - 1]?.offset) end += 1;
  return { channel, entries: entries.slice(start, end), more: end < entries.length };
}

function firstAbove(entries: readonly StoredEntry[], offset: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle]?.offset ?? Infinity) <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
