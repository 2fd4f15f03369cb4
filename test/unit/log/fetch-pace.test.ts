import { expect, test } from 'vitest';
import { FetchPace } from '../../../src/log/kafka/fetch-pace.js';

/** A clock that the test moves; timers only note how long they were asked to wait. */
function makeBench(shareMax = 0.1, busyShare = 0) {
  let tickMs = 1_000;
  let freeAtTickMs = 0;
  const waits: number[] = [];
  const environment = {
    clock: { nowMs: () => tickMs, tickMs: () => tickMs },
    timers: {
      after: (delayMs: number, callback: () => void) => {
        waits.push(delayMs);
        freeAtTickMs = tickMs + delayMs;
        callback();
        return { cancel: () => {} };
      },
      every: () => ({ cancel: () => {} }),
      soon: (callback: () => void) => callback(),
    },
    random: () => 0.5,
  };
  const pace = new FetchPace(environment, { shareMax, busyShare: () => busyShare });
  /** One fetch with `batches` batches, each read in `costMs` and listened to in `listenerMs`. */
  const fetch = (batches: number, costMs: number, listenerMs = 0): void => {
    tickMs = Math.max(tickMs, freeAtTickMs);
    pace.onAnswered();
    for (let batch = 0; batch < batches; batch++) {
      tickMs += costMs + listenerMs;
      void pace.afterBatch(listenerMs);
    }
  };
  return { pace, waits, fetch, pass: (ms: number) => (tickMs += ms) };
}

test('dense fetches are spaced so that they take the agreed share of the core', () => {
  const { pace, waits, fetch } = makeBench(0.1);
  for (let count = 0; count < 500; count++) fetch(5, 0.1);
  // 0.5 ms to read a fetch and 0.15 to send it, nine times over.
  expect(pace.paceMs).toBeCloseTo((0.5 + 0.15) * 9, 1);
  expect(waits.at(-1)).toBeCloseTo(pace.paceMs - 0.1, 1);
});

test('what else keeps the core busy is not for fetching', () => {
  const { pace, fetch } = makeBench(0.1, 0.5);
  for (let count = 0; count < 500; count++) fetch(1, 0.1);
  expect(pace.paceMs).toBeCloseTo((0.1 + 0.15) * 19, 1);
  const full = makeBench(0.1, 1);
  for (let count = 0; count < 500; count++) full.fetch(1, 0.1);
  expect(full.pace.paceMs).toBe(20);
});

test('sparse fetches are not delayed, whatever a fetch costs', () => {
  const { waits, fetch, pass } = makeBench();
  for (let count = 0; count < 500; count++) {
    fetch(5, 1);
    pass(25);
  }
  expect(waits).toEqual([]);
});

test('the pause has a longest length', () => {
  const { pace, waits, fetch } = makeBench();
  for (let count = 0; count < 500; count++) fetch(200, 0.2);
  expect(pace.paceMs).toBe(20);

  expect(Math.max(0, ...waits)).toBeLessThanOrEqual(20);
});

test('the batches of one fetch share one pause', () => {
  const { waits, fetch } = makeBench();
  for (let count = 0; count < 100; count++) fetch(10, 0.05);
  expect(waits.length).toBeLessThanOrEqual(100);
});

test("the listener's own time does not slow fetching down", () => {
  const { pace, fetch } = makeBench();
  for (let count = 0; count < 500; count++) fetch(5, 0.02, 3);
  expect(pace.paceMs).toBeCloseTo((0.1 + 0.15) * 9, 1);
});
