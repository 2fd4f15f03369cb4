import { expect, test } from 'vitest';
import { TailPositions } from '../../../src/log/kafka/tail-positions.js';
import { TailRecorder } from '../../contract/event-log-contract.js';
import { silentLogger } from '../../contract/event-log-silent-logger.js';

const make = () => {
  const recorder = new TailRecorder();
  const positions = new TailPositions(recorder, null, silentLogger);
  positions.absorb(positions.look('t', 0), [{ partition: 0, low: 0, end: 100 }], true);
  const deliver = (from: number, to: number): boolean =>
    positions.deliver({ topic: 't', partition: 0, from, to, records: [], end: to + 1 });
  return { recorder, positions, deliver };
};

test('an answer that is older than what was read meanwhile is no reset, however often it comes', () => {
  const { recorder, positions, deliver } = make();
  for (let round = 0; round < 20; round++) {
    const next = 100 + round * 10;
    const look = positions.look('t', round * 2_000);
    deliver(next, next + 9);
    positions.absorb(look, [{ partition: 0, low: 0, end: next }], false);
  }
  expect(recorder.resets).toEqual([]);
});

test('an end below what was read is believed when it is seen again later, and only then', () => {
  const { recorder, positions } = make();
  positions.absorb(positions.look('t', 1_000), [{ partition: 0, low: 0, end: 7 }], false);
  positions.absorb(positions.look('t', 1_010), [{ partition: 0, low: 0, end: 7 }], false);
  expect(recorder.resets).toEqual([]);
  expect(positions.isSuspicious()).toBe(true);
  const { toSeek } = positions.absorb(positions.look('t', 1_400), [{ partition: 0, low: 0, end: 7 }], false);
  expect(recorder.resets).toEqual([{ topic: 't', partition: 0, low: 0 }]);
  expect(toSeek).toEqual([{ partition: 0, next: 0 }]);
  expect(positions.isSuspicious()).toBe(false);
});

test('a suspicion that is not confirmed is forgotten', () => {
  const { recorder, positions } = make();
  positions.absorb(positions.look('t', 1_000), [{ partition: 0, low: 0, end: 7 }], false);
  positions.absorb(positions.look('t', 3_000), [{ partition: 0, low: 0, end: 100 }], false);
  positions.absorb(positions.look('t', 5_000), [{ partition: 0, low: 0, end: 7 }], false);
  expect(recorder.resets).toEqual([]);
});

test('a topic that was seen to be gone begins anew, even where it has outgrown what was read', () => {
  const { recorder, positions } = make();
  positions.missed('t');
  positions.missed('t');
  positions.absorb(positions.look('t', 1_000), [{ partition: 0, low: 0, end: 500 }], false);
  expect(recorder.resets).toEqual([{ topic: 't', partition: 0, low: 0 }]);
});

test('what was delivered before is cut away, and what lies between is a hole', () => {
  const { recorder, positions, deliver } = make();
  expect(deliver(90, 99)).toBe(false);
  expect(deliver(95, 104)).toBe(true);
  expect(deliver(120, 129)).toBe(true);
  expect(recorder.batches.map(({ from, to }) => [from, to])).toEqual([[100, 104], [120, 129]]); // prettier-ignore
  expect(positions.nextOf('t', 0)).toBe(130);
});
