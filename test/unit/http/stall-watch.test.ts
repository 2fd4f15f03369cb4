import { expect, test } from 'vitest';
import { StallWatch } from '../../../src/http/stall-watch.js';
import type { Timers } from '../../../src/std/clock.js';
import { noMetrics } from '../../../src/telemetry/no-metrics.js';

function setUp() {
  let sweep: () => void = () => undefined;
  const timers: Timers = {
    after: () => ({ cancel: () => undefined }),
    every: (_, callback) => {
      sweep = callback;
      return { cancel: () => (sweep = () => undefined) };
    },
    soon: () => undefined,
  };
  const watch = new StallWatch(timers, noMetrics);
  const connection = { sweepOfLastWrite: 0, pokes: [] as boolean[], poke: (rearm: boolean) => void connection.pokes.push(rearm) };
  return { watch, connection, sweep: (times = 1) => Array.from({ length: times }, () => sweep()) };
}

test('a stalled connection is poked every sweep until it flows', () => {
  const { watch, connection, sweep } = setUp();
  watch.stalled(connection);
  sweep(3);
  expect(connection.pokes).toEqual([true, true, true]);
  watch.flowing(connection);
  sweep(3);
  expect(connection.pokes).toHaveLength(3);
});

test('a connection that wrote much is poked twice once it is quiet, and not while it writes', () => {
  const { watch, connection, sweep } = setUp();
  watch.unsure(connection);
  for (let i = 0; i < 4; i++) {
    sweep();
    connection.sweepOfLastWrite = watch.sweep;
  }
  expect(connection.pokes).toEqual([]);
  sweep(6);
  expect(connection.pokes).toEqual([false, false]);
});

test('a connection that is forgotten, or a watch that is stopped, pokes nothing', () => {
  const { watch, connection, sweep } = setUp();
  watch.stalled(connection);
  watch.unsure(connection);
  watch.forget(connection);
  sweep(4);
  watch.stalled(connection);
  watch.stop();
  sweep(4);
  expect(connection.pokes).toEqual([]);
});
