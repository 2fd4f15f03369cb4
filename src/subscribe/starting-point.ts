import { createCursor } from '../hub/widen-cursor.js';
import type { Cursor, CursorTopic } from '../hub/cursor.js';
import { dependedNow, dependedPartitions, type Subscription, type SubscriptionSource } from '../hub/subscription.js';
import type { PartitionLog, TopicLog } from '../hub/topic-log.js';
import type { TopicTable } from '../hub/topic-table.js';
import type { EventLog } from '../log/event-log.js';
import type { GapCause, GapReason } from '../protocol/names.js';
import type { Position, TopicPosition } from '../protocol/position.js';

/** A cursor being put together, and the first thing that was wrong with the position. */
export class StartingPoint {
  readonly at = new Map<PartitionLog, number>();
  readonly topics = new Map<string, CursorTopic>();
  timeMs: number;
  gap: { readonly reason: GapReason; readonly cause: GapCause } | null = null;
  /** Partitions in which events may be missing. */
  readonly lost = new Set<PartitionLog>();

  constructor(timeMs: number) {
    this.timeMs = timeMs;
  }

  /** Events of the partitions may be missing; the first reason is the one told. */
  tell(reason: GapReason, cause: GapCause, ...partitions: readonly PartitionLog[]): void {
    this.gap = this.gap === null ? { reason, cause } : { reason: this.gap.reason, cause: this.gap.cause === 'fabric' ? 'fabric' : cause };
    for (const partition of partitions) this.lost.add(partition);
  }

  toCursor(clusterTag: string): Cursor {
    return createCursor(clusterTag, this.at, this.topics, this.timeMs);
  }
}

/** A reader whose position says nothing that can be used: from the head of the log, and told so. */
export function startLost(subscription: Subscription, reason: GapReason, cause: GapCause, safeTimeMs: number): StartingPoint {
  const start = new StartingPoint(safeTimeMs);
  for (const source of subscription.sources) addLost(start, source, reason, cause);
  return start;
}

function addLost(start: StartingPoint, source: SubscriptionSource, reason: GapReason, cause: GapCause): void {
  addAtTail(start, source);
  start.tell(reason, cause, ...dependedNow(source));
}

/** More partitions than the node knows of, by so many, is no growth that a node could have missed. */
const partitionsAheadMax = 1_000;

/** The head of the log: where a reader without a position begins. */
export function startAtTail(subscription: Subscription, safeTimeMs: number): StartingPoint {
  const start = new StartingPoint(safeTimeMs);
  for (const source of subscription.sources) addAtTail(start, source);
  return start;
}

function addAtTail(start: StartingPoint, source: SubscriptionSource): void {
  const { topic, byTime } = source;
  start.topics.set(topic.topic, { tag: topic.tag, partitionCount: topic.partitionCount, byTime });
  for (const partition of dependedNow(source)) start.at.set(partition, partition.tail);
}

/** Where a reader with a position begins, and what was wrong with it. Asks the log only for what is past this node's tail, or by time. */
export function startAtPosition(
  position: Position,
  subscription: Subscription,
  topics: TopicTable,
  log: EventLog,
  safeTimeMs: number,
): StartingPoint | Promise<StartingPoint> {
  if (position.clusterTag !== topics.clusterTag) return startLost(subscription, 'other-cluster', 'fabric', safeTimeMs);
  const start = new StartingPoint(safeTimeMs);
  const timed: Promise<void>[] = [];
  for (const source of subscription.sources) {
    const entry = position.topics.find((topic) => topic.tag === source.topic.tag);
    if (entry === undefined || entry.partitionCount > source.topic.partitionCount + partitionsAheadMax) {
      addLost(start, source, 'unknown-position', 'reader');
    } else if (entry.kind === 'time') timed.push(addAtTime(start, source, entry.timestampMs, log));
    else addEntry(start, source, entry);
  }
  const checked = (): StartingPoint | Promise<StartingPoint> => (needsEndCheck(start) ? checkEnds(start, log) : start);
  return timed.length === 0 ? checked() : Promise.all(timed).then(checked);
}

function addEntry(start: StartingPoint, source: SubscriptionSource, entry: TopicPosition & { kind: 'offsets' }): void {
  const { topic, byTime } = source;
  const { partitionCount: countThen, cursors } = entry;
  const countNow = topic.partitionCount;
  start.topics.set(topic.topic, { tag: topic.tag, partitionCount: Math.max(countThen, countNow), byTime });
  for (const [partition, cursor] of cursors) start.at.set(topic.partition(partition), cursor);
  // A reader begun while records may still come by an older count looks at the homes under that one too.
  const knownFrom = topic.demandedFrom === 0 ? countThen : Math.min(countThen, topic.demandedFrom);
  // The reader could not know: the topic broke its promise, or counted otherwise lately.
  const hasChanged = topic.isBreached || knownFrom !== countThen;
  const knownThen = new Set(countThen === 0 ? [] : dependedPartitions(source, knownFrom, countThen));
  for (const partition of dependedPartitions(source, Math.max(1, Math.min(knownFrom, countNow)), Math.max(countThen, countNow))) {
    if (start.at.has(partition)) continue;
    if (knownThen.has(partition)) {
      // The position had to speak of it and does not: it belongs to another subscription, the topic broke its keyed promise since, or the
      // reader was begun by a node that did not know what the topic's counts were lately.
      start.tell('unknown-position', hasChanged ? 'fabric' : 'reader', partition);
      start.at.set(partition, partition.tail);
    } else if (partition.partition < countNow) start.at.set(partition, -1); // new since, or the key moved here: from the beginning
  }
}

const needsEndCheck = (start: StartingPoint): boolean => {
  for (const [partition, cursor] of start.at) if (cursor > partition.tail) return true;
  return false;
};

/** "From the future" means beyond the log's end, asked now: a cursor beyond this node's tail is only ahead. */
async function checkEnds(start: StartingPoint, log: EventLog): Promise<StartingPoint> {
  const suspects = [...start.at].filter(([partition, cursor]) => cursor > partition.tail);
  const names = [...new Set(suspects.map(([partition]) => partition.topic.topic))];
  const ends = new Map<string, Map<number, number>>();
  for (const name of names) {
    ends.set(name, new Map((await log.offsets(name)).map(({ partition, end }) => [partition, end])));
  }
  for (const [partition, cursor] of suspects) {
    const end = ends.get(partition.topic.topic)?.get(partition.partition);
    if (end !== undefined && cursor < end) continue;
    start.tell('future-position', 'fabric', partition);
    if (end === undefined) forgetMissing(start, partition.topic, ends.get(partition.topic.topic)?.size ?? 0);
    else start.at.set(partition, partition.tail);
  }
  return start;
}

/** The position spoke of a partition that does not exist: neither do the others above the log's count, nor the count that it claimed. */
function forgetMissing(start: StartingPoint, topic: TopicLog, countInLog: number): void {
  const count = Math.max(topic.partitionCount, countInLog);
  for (const partition of [...start.at.keys()]) if (partition.topic === topic && partition.partition >= count) start.at.delete(partition);
  const known = start.topics.get(topic.topic);
  if (known !== undefined) start.topics.set(topic.topic, { ...known, partitionCount: count });
}

async function addAtTime(start: StartingPoint, source: SubscriptionSource, timestampMs: number, log: EventLog): Promise<void> {
  const { topic, byTime } = source;
  const [firsts, offsets] = await Promise.all([log.offsetsAtTime(topic.topic, timestampMs), log.offsets(topic.topic)]);
  const lows = new Map(offsets.map(({ partition, low }) => [partition, low]));
  start.topics.set(topic.topic, { tag: topic.tag, partitionCount: topic.partitionCount, byTime });
  start.timeMs = Math.min(start.timeMs, timestampMs);
  for (const partition of dependedNow(source)) {
    const first = firsts.get(partition.partition) ?? partition.tail + 1;
    start.at.set(partition, first - 1);
    // The first record held is already at or after the time: what retention took before it may have been too.
    if (first > 0 && first === lows.get(partition.partition)) start.tell('expired', 'reader', partition);
  }
}

/** Where a reader begins that asked for everything since a time. */
export async function startSince(subscription: Subscription, sinceMs: number, log: EventLog, safeTimeMs: number): Promise<StartingPoint> {
  const start = new StartingPoint(safeTimeMs);
  for (const source of subscription.sources) await addAtTime(start, source, sinceMs, log);
  return start;
}
