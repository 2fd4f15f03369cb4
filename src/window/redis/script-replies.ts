import type { EventBodyEncoder } from '../../protocol/event-body-codec.js';
import type { CountMark } from '../../routing/recent-counts.js';
import type { Attributes, RoutedEvent } from '../../routing/routed-event.js';
import type { BucketRead, ChannelEntries, StoredEntry } from '../judge-page.js';
import type { NewestEntry, Vouched } from '../replay-window.js';

/** Reads what the scripts answer. Replies are nested arrays of bytes; a shape that no script of ours answers is a TypeError. */
export interface PartitionName {
  readonly topic: string;
  readonly partition: number;
}

/** `read-page.lua`. */
export function readPageReply(reply: unknown, channels: readonly string[], of: PartitionName, encoder: EventBodyEncoder): BucketRead {
  const parts = listOf(reply);
  const streams = channels.map((channel, i): ChannelEntries => {
    const [entries, more] = listOf(parts[i + 2]);
    return { channel, entries: listOf(entries).map((entry) => storedEntry(entry, of, encoder)), more: more === 1 };
  });
  return { high: numberOrNull(parts[0]), floor: numberOrNull(parts[1]), channels: streams };
}

/** `read-vouched.lua`, and what `write-stretch.lua` returns. */
export function readVouchedReply(reply: unknown): Vouched | null {
  const [high, floor] = listOf(reply);
  const known = numberOrNull(high);
  return known === null ? null : { high: known, floor: numberOrNull(floor) };
}

/** `read-newest.lua`; newest last. */
export function readNewestReply(reply: unknown): readonly NewestEntry[] {
  const [floorText, ...entries] = listOf(reply);
  const floor = numberOrNull(floorText);
  if (floor === null) return [];
  const newest = entries.map((entry): NewestEntry => {
    const [id, type, attributes, timestamp] = listOf(entry);
    return { offset: entryId(id).offset, timestampMs: Number(textOf(timestamp)), type: textOf(type), attributes: attributesOf(attributes) };
  });
  return newest.filter(({ offset }) => offset > floor).reverse();
}

/** `read-latest.lua`. */
export interface LatestReply {
  readonly high: number | null;
  readonly since: number | null;
  readonly sinceAgoMs: number;
  /** null: there is none. `event` null: it was too large to be kept. */
  readonly channels: readonly ({ readonly offset: number; readonly event: RoutedEvent | null } | null)[];
}

export function readLatestReply(reply: unknown, channels: readonly string[], of: PartitionName, encoder: EventBodyEncoder): LatestReply {
  const [high, since, sinceAgoMs, ...latest] = listOf(reply);
  const events = channels.map((channel, i) => {
    const [offsetText, index, type, attributes, timestamp, data, kept] = listOf(latest[i]);
    const offset = numberOrNull(offsetText);
    if (offset === null) return null;
    if (textOf(kept) === '') return { offset, event: null };
    const event: RoutedEvent = {
      ...of,
      offset,
      index: Number(textOf(index)),
      timestampMs: Number(textOf(timestamp)),
      channels: [channel],
      type: textOf(type),
      attributes: attributesOf(attributes),
      latest: null,
      body: encoder.encode(textOf(type), bytesOf(data)),
    };
    return { offset, event };
  });
  return { high: numberOrNull(high), since: numberOrNull(since), sinceAgoMs: Number(textOf(sinceAgoMs)), channels: events };
}

/** `share-counts.lua`. Marks of kinds that this version does not know are left out. */
export function readCountsReply(reply: unknown): readonly CountMark[] {
  const parts = listOf(reply).map(textOf);
  const marks: CountMark[] = [];
  for (let i = 0; i + 1 < parts.length; i += 2) {
    const [kind, count] = (parts[i] as string).split(' ');
    if (kind === 'current' || kind === 'blind') marks.push({ kind, count: Number(count), agoMs: Number(parts[i + 1]) });
  }
  return marks;
}

function storedEntry(entry: unknown, of: PartitionName, encoder: EventBodyEncoder): StoredEntry {
  const [id, fields] = listOf(entry);
  // Always written in the order p, t, a, m, d: a stream packs entries of one shape more tightly.
  const [, prev, , type, , attributes, , timestamp, , data] = listOf(fields);
  const { offset, index } = entryId(id);
  const bytes = bytesOf(data);
  return {
    offset,
    index,
    prev: numberOrNull(prev),
    bytes: bytes.length,
    toEvent: (channels) => ({
      ...of,
      offset,
      index,
      timestampMs: Number(textOf(timestamp)),
      channels,
      type: textOf(type),
      attributes: attributesOf(attributes),
      latest: null,
      body: encoder.encode(textOf(type), bytes),
    }),
  };
}

/** `<offset + 1>-<index + 1>`: Redis refuses 0-0. */
function entryId(id: unknown): { offset: number; index: number } {
  const [first, second] = textOf(id).split('-');
  return { offset: Number(first) - 1, index: Number(second) - 1 };
}

function attributesOf(value: unknown): Attributes | null {
  const text = textOf(value);
  return text === '' ? null : (JSON.parse(text) as Attributes);
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError('a script of the replay window answered in another shape');
  return value;
}

function bytesOf(value: unknown): Buffer {
  if (!Buffer.isBuffer(value)) throw new TypeError('a script of the replay window answered in another shape');
  return value;
}

function textOf(value: unknown): string {
  return bytesOf(value).toString();
}

function numberOrNull(value: unknown): number | null {
  const text = textOf(value);
  return text === '' ? null : Number(text);
}
