/**
 * The position: the only token of the protocol, carried as the SSE `id`.
 *
 *     position  = version cluster *( "." entry ) [ end ]
 *     version   = "1"
 *     cluster   = 4 base36 digits, a hash of the cluster's id
 *     entry     = topic "-" count ( "-" partition "-" next )+      some partitions
 *               / topic "-" count "~" next *( "-" next )           all partitions 0 to count - 1, in order
 *               / topic "-0"                                     the topic did not exist
 *               / topic "-" count "_" time                         record time in ms, for topics too wide for a vector
 *     topic     = 5 base36 digits, a hash of topic and generation
 *     end       = "~e"                                             the stream's terminal event was had
 *
 * Numbers are base 36. `next` is the cursor plus one: 0 says that nothing of the partition was had.
 */

/** What a position says of one topic. */
export type TopicPosition =
  | {
      readonly kind: 'offsets';
      readonly tag: string;
      /** The topic's partition count when it was written. */
      readonly partitionCount: number;
      /** Partition → cursor (the last offset had; -1: none). */
      readonly cursors: ReadonlyMap<number, number>;
    }
  | { readonly kind: 'time'; readonly tag: string; readonly partitionCount: number; readonly timestampMs: number };

export interface Position {
  readonly clusterTag: string;
  readonly topics: readonly TopicPosition[];
  /** A terminal event was had: nothing more will come. */
  readonly ended: boolean;
}

const versionNow = '1';
const clusterTagLength = 4;
const topicTagLength = 5;
/** No position of ours is longer; what is longer is not looked at. */
export const positionBytesMax = 1_024;
const partitionsMax = 65_536;
const endMark = '~e';

/** FNV-1a over UTF-16 units, twice with other seeds: stable, fast, and no secret. */
function hashText(text: string): number {
  let low = 0x811c9dc5;
  let high = 0x9dc5811c;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    low = Math.imul(low ^ unit, 0x01000193) >>> 0;
    high = Math.imul(high ^ unit ^ (low >>> 7), 0x01000197) >>> 0;
  }
  return (high & 0x1fffff) * 0x1_0000_0000 + low;
}

const tagOf = (text: string, length: number): string => (hashText(text) % 36 ** length).toString(36).padStart(length, '0');

/** The tag of a Kafka cluster in positions. */
export const clusterTag = (clusterId: string): string => tagOf(clusterId, clusterTagLength);

/** The tag of a topic in positions; another `generation` says that the topic's offsets began anew. */
export const topicTag = (topic: string, generation = ''): string => tagOf(`${topic}\u0000${generation}`, topicTagLength);

/** The text before a topic's numbers: what of it does not change from event to event. */
export const positionHead = (cluster: string): string => versionNow + cluster;
export const entryHead = (tag: string, partitionCount: number): string => `.${tag}-${partitionCount.toString(36)}`;

/** Writes a position. The shortest form is chosen; cursors of the vector form must cover every partition. */
export function encodePosition(position: Position): string {
  let text = positionHead(position.clusterTag);
  for (const topic of position.topics) text += encodeTopic(topic);
  return position.ended ? text + endMark : text;
}

function encodeTopic(topic: TopicPosition): string {
  const head = entryHead(topic.tag, topic.partitionCount);
  if (topic.kind === 'time') return `${head}_${topic.timestampMs.toString(36)}`;
  return head + encodeCursors(topic.partitionCount, [...topic.cursors]);
}

/** The part of an entry after its head. */
export function encodeCursors(partitionCount: number, cursors: readonly (readonly [partition: number, cursor: number])[]): string {
  const sorted = [...cursors].sort((a, b) => a[0] - b[0]);
  const isWhole = sorted.length === partitionCount && partitionCount > 1;
  let text = '';
  for (const [partition, cursor] of sorted) {
    const next = (cursor + 1).toString(36);
    if (!isWhole) text += `-${partition.toString(36)}-${next}`;
    else text += text === '' ? `~${next}` : `-${next}`;
  }
  return text;
}

/** Reads a position; null when it is not one. Never throws, whatever the bytes. What it reads has one spelling: `encodePosition` writes it again. */
export function decodePosition(text: string): Position | null {
  if (text.length > positionBytesMax || text.length < 1 + clusterTagLength || !text.startsWith(versionNow)) return null;
  const ended = text.endsWith(endMark);
  const [head = '', ...entries] = (ended ? text.slice(0, -endMark.length) : text).split('.');
  const cluster = head.slice(1);
  if (!isTag(cluster, clusterTagLength)) return null;
  const topics: TopicPosition[] = [];
  const seen = new Set<string>();
  for (const entry of entries) {
    const topic = decodeTopic(entry);
    if (topic === null || seen.has(topic.tag)) return null;
    seen.add(topic.tag);
    topics.push(topic);
  }
  return { clusterTag: cluster, topics, ended };
}

function decodeTopic(entry: string): TopicPosition | null {
  const tag = entry.slice(0, topicTagLength);
  if (!isTag(tag, topicTagLength) || entry[topicTagLength] !== '-') return null;
  const rest = entry.slice(topicTagLength + 1);
  const underscore = rest.indexOf('_');
  if (underscore >= 0) return decodeTime(tag, rest.slice(0, underscore), rest.slice(underscore + 1));
  const tilde = rest.indexOf('~');
  if (tilde >= 0) {
    const partitionCount = decodeNumber(rest.slice(0, tilde));
    if (partitionCount === null || partitionCount < 1 || partitionCount > partitionsMax) return null;
    return decodeWhole(tag, partitionCount, rest.slice(tilde + 1));
  }
  return decodePairs(tag, rest.split('-'));
}

function decodeTime(tag: string, count: string, time: string): TopicPosition | null {
  const partitionCount = decodeNumber(count);
  const timestampMs = decodeNumber(time);
  if (partitionCount === null || timestampMs === null || partitionCount < 1 || partitionCount > partitionsMax) return null;
  return { kind: 'time', tag, partitionCount, timestampMs };
}

function decodeWhole(tag: string, partitionCount: number, text: string): TopicPosition | null {
  const parts = text.split('-');
  if (parts.length !== partitionCount || partitionCount === 1) return null;
  const cursors = new Map<number, number>();
  for (const [partition, part] of parts.entries()) {
    const next = decodeNumber(part);
    if (next === null) return null;
    cursors.set(partition, next - 1);
  }
  return { kind: 'offsets', tag, partitionCount, cursors };
}

function decodePairs(tag: string, parts: readonly string[]): TopicPosition | null {
  const partitionCount = decodeNumber(parts[0] ?? '');
  if (partitionCount === 0 && parts.length === 1) return { kind: 'offsets', tag, partitionCount, cursors: new Map() };
  if (partitionCount === null || partitionCount < 1 || partitionCount > partitionsMax || parts.length < 3 || parts.length % 2 === 0)
    return null;
  const cursors = new Map<number, number>();
  let last = -1;
  for (let i = 1; i < parts.length; i += 2) {
    const partition = decodeNumber(parts[i] ?? '');
    const next = decodeNumber(parts[i + 1] ?? '');
    if (partition === null || next === null || partition >= partitionCount || partition <= last) return null;
    cursors.set(partition, next - 1);
    last = partition;
  }
  // All partitions of several have the shorter form.
  if (cursors.size === partitionCount && partitionCount > 1) return null;
  return { kind: 'offsets', tag, partitionCount, cursors };
}

const isTag = (text: string, length: number): boolean => text.length === length && /^[0-9a-z]+$/.test(text);

/** Canonical base 36 below 2^53; null for anything else, so that a position has one spelling. */
function decodeNumber(text: string): number | null {
  if (text.length === 0 || text.length > 11 || !/^(0|[1-9a-z][0-9a-z]*)$/.test(text)) return null;
  const value = Number.parseInt(text, 36);
  return Number.isSafeInteger(value) ? value : null;
}
