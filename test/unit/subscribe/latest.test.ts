import { expect, test } from 'vitest';
import { TopicLog } from '../../../src/hub/topic-log.js';
import type { PartitionLog } from '../../../src/hub/topic-log.js';
import type { ReplayWindow } from '../../../src/window/replay-window.js';
import { addPresentState } from '../../../src/subscribe/latest.js';
import { StartingPoint } from '../../../src/subscribe/starting-point.js';
import { event, topic } from '../../contract/replay-window-contract.js';
import { recordEvent } from '../../platform/record-event.js';
import { openMemoryWindow } from '../window/open-memory-window.js';

const rule = { ttlMs: 3_600_000, bytesMax: 1_000 };
const startMs = 1_700_000_000_000;

/** Events of `a` and `b` by offset, in memory or in the window, of routes that keep the latest event unless it says otherwise. */
type Said = Readonly<Record<number, 'a' | 'b' | 'a, not kept'>>;

/** A partition of which memory has `said` above `start`. */
function remember(start: number, tail: number, said: Said): PartitionLog {
  const partition = new TopicLog(topic, 'tag', 0, true).partition(0);
  partition.recent.restart(start);
  for (const [offset, what] of Object.entries(said)) {
    const latest = what === 'a, not kept' ? null : rule;
    partition.recent.add(recordEvent({ topic, offset: Number(offset), timestampMs: startMs, channels: [what[0] ?? ''], latest }));
  }
  partition.recent.advance(tail);
  return partition;
}

/** A window that was begun at the beginning and has `said` up to `high`; null: one that has nothing. */
async function indexed(high: number | null, said: Said = {}): Promise<ReplayWindow> {
  const describeTopic = (): { fingerprint: string; generation: string } => ({ fingerprint: 'f', generation: '' });
  const { window } = await openMemoryWindow({ ageMs: 60_000, eventsPerChannelMax: 100, describeTopic });
  const events = Object.entries(said).map(([offset, what]) => event(Number(offset), [what], { latest: rule }));
  if (high !== null) await window.write({ topic, partition: 0, from: 0, to: high, events });
  return window;
}

/** What a reader of `channels` begins with: the events' offsets, its cursor, and a gap's reason. */
async function begin(
  partition: PartitionLog,
  window: ReplayWindow | null,
  channels = ['a'],
  passedMs = 0,
): Promise<{ offsets: number[]; at: number | undefined; gap: string | undefined }> {
  const start = new StartingPoint(0);
  start.at.set(partition, partition.tail);
  const clock = { nowMs: () => startMs + passedMs, tickMs: () => passedMs };
  const events = await addPresentState(start, new Map([[topic, channels]]), [partition], window, clock);
  return { offsets: events.map(({ offset }) => offset), at: start.at.get(partition), gap: start.gap?.reason };
}

test('the state is that of the window, and everything above it follows', async () => {
  const partition = remember(9, 9, {});
  expect(await begin(partition, await indexed(5, { 1: 'a', 3: 'a' }))).toEqual({ offsets: [3], at: 5, gap: undefined });
  expect(await begin(partition, await indexed(5))).toEqual({ offsets: [], at: 5, gap: undefined });
});

test('a window that lags, or is made anew, does not take a reader back behind what memory has', async () => {
  const newer = remember(6, 9, { 8: 'a' });
  const older = { 1: 'a', 2: 'b' } as const;
  expect(await begin(newer, await indexed(5, older))).toEqual({ offsets: [8], at: 9, gap: undefined });
  expect(await begin(newer, await indexed(0))).toEqual({ offsets: [8], at: 9, gap: undefined });
  // Of b memory has nothing, and it does not reach down to the window: one may have come between.
  expect(await begin(newer, await indexed(5, older), ['a', 'b'])).toEqual({ offsets: [1, 2], at: 5, gap: undefined });
  const reaching = remember(5, 9, { 8: 'a' });
  expect(await begin(reaching, await indexed(5, older), ['a', 'b'])).toEqual({ offsets: [2, 8], at: 9, gap: undefined });
});

test('events of memory that are not kept are not the state, and many of them may hide it', async () => {
  const few = remember(5, 9, { 7: 'a', 8: 'a, not kept', 9: 'a, not kept' });
  expect(await begin(few, await indexed(5, { 1: 'a' }))).toEqual({ offsets: [7], at: 9, gap: undefined });
  const many: Record<number, 'a' | 'a, not kept'> = { 6: 'a' };
  for (let offset = 7; offset < 40; offset++) many[offset] = 'a, not kept';
  expect(await begin(remember(5, 39, many), await indexed(5, { 1: 'a' }))).toEqual({ offsets: [1], at: 5, gap: undefined });
});

test('without the window memory tells the state, and that its lifetime is over; what it does not know is a gap', async () => {
  const partition = remember(5, 9, { 8: 'a' });
  for (const window of [null, await indexed(null)]) {
    expect(await begin(partition, window)).toEqual({ offsets: [8], at: 9, gap: undefined });
    expect(await begin(partition, window, ['a'], rule.ttlMs)).toEqual({ offsets: [], at: 9, gap: undefined });
    expect(await begin(partition, window, ['a', 'b'])).toEqual({ offsets: [8], at: 9, gap: 'store-lost' });
  }
});

test('memory that ends below the window tells nothing: the newest may have come since', async () => {
  const partition = remember(2, 6, { 5: 'a' });
  expect(await begin(partition, await indexed(9, { 8: 'a' }))).toEqual({ offsets: [8], at: 9, gap: undefined });
  const window = await indexed(5, { 1: 'a' });
  await window.write({ topic, partition: 0, from: 8, to: 9, events: [] });
  expect(await begin(partition, window)).toEqual({ offsets: [], at: 9, gap: 'store-lost' });
});
