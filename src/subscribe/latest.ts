import type { PartitionLog } from '../hub/topic-log.js';
import { keepsLatest } from '../routing/latest-rule.js';
import { compareEvents, isSameEvent, uniteEvent } from '../routing/merge-events.js';
import type { RoutedEvent } from '../routing/routed-event.js';
import type { Clock } from '../std/clock.js';
import type { LatestAnswer, LatestFound, ReplayWindow } from '../window/replay-window.js';
import type { ResolvedSubscription } from './resolve-subscription.js';
import type { StartingPoint } from './starting-point.js';

/** So many of a channel's newest events in memory are looked through for one whose route keeps the latest. */
const lookedThroughMax = 16;

const unknown: LatestFound = { kind: 'unknown' };
const nothingVouched: LatestAnswer = { high: null, channels: [] };

/**
 * Moves a start to the present state of its channels, where their latest event is kept: that event first, then everything above the `high` that
 * it was read with, or above the tail where this node's memory has what came since. Only in `partitions`; in order within each. What the window
 * does not know may be in memory, or in a log that keeps the current state; when nobody can know it, the reader is told.
 */
export async function addPresentState(
  start: StartingPoint,
  latest: ResolvedSubscription['latest'],
  partitions: readonly PartitionLog[],
  window: ReplayWindow | null,
  clock: Clock,
): Promise<readonly RoutedEvent[]> {
  const events: RoutedEvent[] = [];
  for (const partition of partitions) {
    const channels = latest.get(partition.topic.topic);
    if (channels !== undefined) events.push(...(await addLatest(start, partition, channels, window, clock.nowMs())));
  }
  return events;
}

async function addLatest(
  start: StartingPoint,
  partition: PartitionLog,
  channels: readonly string[],
  window: ReplayWindow | null,
  nowMs: number,
): Promise<readonly RoutedEvent[]> {
  const answer = await window?.latest(partition.topic.topic, partition.partition, channels).catch(() => null);
  const inMemory = channels.map((channel) => findInMemory(partition, channel, nowMs));
  const { at, found } = unite(partition, answer ?? nothingVouched, inMemory, start.at.get(partition) ?? partition.tail);
  const isLost = found.some(({ kind }) => kind === 'unknown');
  if (isLost && partition.topic.latestIsInLog) {
    // The log holds the state of every key: it is read from its beginning, as any replay is.
    start.at.set(partition, -1);
    return [];
  }
  if (isLost) start.tell('store-lost', 'fabric', partition);
  start.at.set(partition, at);
  const events: RoutedEvent[] = [];
  // One above `at` comes by itself: everything above is read.
  for (const one of found) if (one.kind === 'event' && one.event.offset <= at) addOnce(events, one.event);
  return events.sort(compareEvents);
}

interface KnownState {
  /** The reader goes on above it. */
  readonly at: number;
  /** For each channel. */
  readonly found: readonly LatestFound[];
}

/** The state by the window's answer and by what memory has of each channel; a reader would begin at `begin` without it. */
function unite(
  { tail, recent }: PartitionLog,
  { high, channels }: LatestAnswer,
  inMemory: readonly (LatestFound | null)[],
  begin: number,
): KnownState {
  // A window that lags, or is made anew, tells an old state. What memory has of a channel is newer; nothing in it counts if it has all that came since.
  const isNewer = high !== null && high < tail && inMemory.every((one) => (one === null ? recent.start <= high : one.kind !== 'unknown'));
  if (isNewer) return { at: tail, found: inMemory.map((one, i) => one ?? channels[i] ?? unknown) };
  const at = high ?? begin;
  const found = inMemory.map((one, i) => {
    const answered = channels[i] ?? unknown;
    // Memory that ends below `at` may lack the newest.
    return answered.kind === 'unknown' && tail >= at ? (one ?? unknown) : answered;
  });
  return { at, found };
}

/** The latest event of several channels is one event; a window finds it under each. */
function addOnce(events: RoutedEvent[], event: RoutedEvent): void {
  const at = events.findIndex((other) => isSameEvent(event, other));
  if (at < 0) events.push(event);
  else events[at] = uniteEvent(events[at] as RoutedEvent, event);
}

/** The channel's latest event, if it has come lately: memory has everything that came since it began. Null: it has nothing of the channel. */
function findInMemory({ recent }: PartitionLog, channel: string, nowMs: number): LatestFound | null {
  const newest = recent.newest(channel, lookedThroughMax);
  const event = newest.findLast(({ latest }) => latest !== null && keepsLatest(latest, channel));
  if (event === undefined) return newest.length < lookedThroughMax ? null : unknown;
  return event.timestampMs + (event.latest?.ttlMs ?? 0) > nowMs ? { kind: 'event', event } : { kind: 'none' };
}
