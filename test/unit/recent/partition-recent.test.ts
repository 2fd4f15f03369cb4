import { expect, test } from 'vitest';
import { PartitionRecent } from '../../../src/recent/partition-recent.js';
import { isSameEvent } from '../../../src/routing/merge-events.js';
import type { RecordEvent } from '../../../src/routing/record-event.js';
import { recordEvent } from '../../platform/record-event.js';

const eventOf = (offset: number, channels: readonly string[], length: number, index = 0): RecordEvent =>
  recordEvent({ offset, channels, index, data: 'x'.repeat(length) });

function recentOf(...events: readonly RecordEvent[]): PartitionRecent {
  const recent = new PartitionRecent();
  for (const event of events) recent.add(event);
  recent.advance(events.at(-1)?.offset ?? -1);
  return recent;
}

const offsetsOf = (recent: PartitionRecent, after: number, bytesMax: number, channels = ['a', 'b']): readonly number[] =>
  recent.page(channels, after, 100, bytesMax).events.map(({ offset }) => offset);

test('a page ends behind the record that passes its bytes, and proves no more than it holds', () => {
  const recent = recentOf(...[0, 1, 2, 3, 4, 5].map((offset) => eventOf(offset, [offset % 2 === 0 ? 'a' : 'b'], 1_000)));
  expect(offsetsOf(recent, -1, 2_500)).toEqual([0, 1, 2]);
  expect(recent.page(['a', 'b'], -1, 100, 2_500).provenTo).toBe(2);
  expect(offsetsOf(recent, 2, 2_500)).toEqual([3, 4, 5]);
  expect(recent.page(['a', 'b'], 2, 100, 2_500).provenTo).toBe(5);
  expect(recent.page(['a'], -1, 100, 1_500).provenTo).toBe(2);
});

test('a page holds one record at least, and never part of one', () => {
  const recent = recentOf(eventOf(0, ['a'], 9_000), eventOf(1, ['a'], 9_000), eventOf(1, ['b'], 9_000, 1), eventOf(2, ['a'], 10));
  expect(offsetsOf(recent, -1, 1)).toEqual([0]);
  expect(offsetsOf(recent, 0, 1)).toEqual([1, 1]);
  expect(offsetsOf(recent, 1, 1)).toEqual([2]);
  expect(offsetsOf(recent, 2, 1)).toEqual([]);
});

test('a page that is not full proves everything up to the tail', () => {
  const recent = recentOf(eventOf(0, ['a'], 10));
  recent.advance(7);
  expect(recent.page(['a'], -1, 100, 1).provenTo).toBe(7);
  expect(recent.page(['c'], -1, 100, 1).provenTo).toBe(7);
});

test('an event of two channels is known for one when both are asked for it', () => {
  const recent = recentOf(eventOf(0, ['a', 'b'], 1), eventOf(0, ['b'], 1, 1));
  const [ofA] = recent.newest('a', 1);
  const [ofB, second] = recent.newest('b', 2);
  expect([isSameEvent(ofA!, ofB), isSameEvent(ofA!, second)]).toEqual([true, false]);
});
