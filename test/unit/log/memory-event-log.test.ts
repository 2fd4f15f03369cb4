import { expect, test } from 'vitest';
import type { LogBatch } from '../../../src/log/event-log.js';
import type { Environment, Timer } from '../../../src/std/clock.js';
import { MemoryEventLog } from '../../../src/log/memory/memory-event-log.js';
import { collect, numbered, offsetsOf, SharedRecorder, TailRecorder } from '../../contract/event-log-contract.js';

/** Time that moves only when told. */
class ManualEnvironment implements Environment {
  nowMs = 1_000_000;
  #due: { at: number; order: number; run: () => void; periodMs: number | null }[] = [];
  #order = 0;
  readonly clock = { nowMs: () => this.nowMs, tickMs: () => this.nowMs };
  readonly timers = {
    after: (delayMs: number, run: () => void): Timer => this.#add(delayMs, run, null),
    every: (periodMs: number, run: () => void): Timer => this.#add(periodMs, run, periodMs),
    soon: (run: () => void): void => void this.#add(0, run, null),
  };
  random = (): number => 0.5;

  #add(delayMs: number, run: () => void, periodMs: number | null): Timer {
    const entry = { at: this.nowMs + delayMs, order: this.#order++, run, periodMs };
    this.#due.push(entry);
    return { cancel: () => void (this.#due = this.#due.filter((other) => other !== entry)) };
  }

  async advance(ms: number): Promise<void> {
    const until = this.nowMs + ms;
    for (;;) {
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      const next = this.#due.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (next === undefined) break;
      this.nowMs = Math.max(this.nowMs, next.at);
      if (next.periodMs === null) this.#due = this.#due.filter((other) => other !== next);
      else next.at += next.periodMs;
      next.run();
    }
    this.nowMs = until;
  }
}

const make = (options: ConstructorParameters<typeof MemoryEventLog>[0] = {}) => {
  const environment = new ManualEnvironment();
  const log = new MemoryEventLog(options, environment);
  return { environment, log, broker: log.broker };
};

test('a partition keeps at most so many records, and its low end moves', async () => {
  const { log, broker } = make({ partitionRecordsMax: 100 });
  broker.createTopic('t', { partitionCount: 1 });
  for (let round = 0; round < 100; round++) await log.append(numbered('t', 0, 'x', 100));
  expect(await log.offsets('t')).toEqual([{ partition: 0, low: 9_900, end: 10_000 }]);
});

test('a partition keeps at most so many bytes, but always the newest record', async () => {
  const { log, broker, environment } = make({ partitionBytesMax: 10_000 });
  broker.createTopic('t', { partitionCount: 1 });
  for (let round = 0; round < 50; round++) await log.append([{ topic: 't', key: 'k', value: 'x'.repeat(1_000) }]);
  const { low, end } = (await log.offsets('t'))[0]!;
  expect(end - low).toBe(9);
  await log.append([{ topic: 't', key: 'k', value: 'x'.repeat(50_000) }]);
  expect(await log.offsets('t')).toEqual([{ partition: 0, low: 50, end: 51 }]);
  const scanned = collect(log.scan({ topic: 't', partition: 0, from: 50, to: 50 }));
  await environment.advance(10);
  expect(offsetsOf(await scanned)).toEqual([50]);
});

test('what a caller does to its buffer after appending does not change the log', async () => {
  const { log, broker, environment } = make();
  broker.createTopic('t', { partitionCount: 1 });
  const value = Buffer.from('before');
  await log.append([{ topic: 't', key: null, value }]);
  value.write('behind');
  const scanned = collect(log.scan({ topic: 't', partition: 0, from: 0, to: 0 }));
  await environment.advance(10);
  expect(Buffer.from((await scanned)[0]!.records[0]!.value!).toString()).toBe('before');
});

test('nothing is called back inside an append', async () => {
  const { log, broker, environment } = make();
  broker.createTopic('t', { partitionCount: 1 });
  const recorder = new TailRecorder();
  log.tail(['t'], recorder);
  await environment.advance(10);
  await log.append(numbered('t', 0, 'x', 3));
  expect(recorder.allValues()).toEqual([]);
  await environment.advance(1);
  expect(recorder.allValues()).toEqual(['x-0', 'x-1', 'x-2']);
});

test('offsets above 32 bits are carried whole', async () => {
  const { log, broker, environment } = make();
  const first = 12_345_678_901;
  broker.createTopic('t', { partitionCount: 1, firstOffset: first });
  const recorder = new TailRecorder();
  log.tail(['t'], recorder);
  await environment.advance(10);
  await log.append(numbered('t', 0, 'x', 2));
  await environment.advance(10);
  expect(recorder.partitions.get('t')!.next.get(0)).toBe(first);
  expect(recorder.batches.flatMap((batch) => batch.offsets)).toEqual([first, first + 1]);
});

test('offsets without records pass as progress, never as a hole', async () => {
  const { log, broker, environment } = make();
  broker.createTopic('t', { partitionCount: 1 });
  const recorder = new TailRecorder();
  log.tail(['t'], recorder);
  await environment.advance(10);
  broker.skipOffsets('t', 0, 5);
  await environment.advance(10);
  await log.append(numbered('t', 0, 'x', 1));
  broker.skipOffsets('t', 0, 2);
  await environment.advance(10);
  expect(recorder.batches.at(-1)!.to).toBe(7);
  expect(recorder.holesOf('t', 0)).toEqual([]);
});

test('retention that passes a tail that is cut off is a hole; a topic made again is a reset', async () => {
  const { log, broker, environment } = make();
  const other = new MemoryEventLog({ broker }, environment);
  broker.createTopic('t', { partitionCount: 1 });
  const recorder = new TailRecorder();
  log.tail(['t'], recorder);
  await environment.advance(10);
  log.setReachable(false);
  await environment.advance(10);
  expect(recorder.health.at(-1)!.delivering).toBe(false);
  await expect(log.append(numbered('t', 0, 'x', 1))).rejects.toMatchObject({ retriable: true });
  await other.append(numbered('t', 0, 'x', 10));
  broker.trim('t', 0, 6);
  log.setReachable(true);
  await environment.advance(10);
  expect(recorder.health.at(-1)!.delivering).toBe(true);
  expect(recorder.holesOf('t', 0)).toEqual([{ from: 0, to: 5 }]);
  broker.deleteTopic('t');
  broker.createTopic('t', { partitionCount: 1 });
  await other.append(numbered('t', 0, 'anew', 20));
  await environment.advance(1_000);
  expect(recorder.resets).toEqual([{ topic: 't', partition: 0, low: 0 }]);
  expect(recorder.valuesOf('t', 0).filter((value) => value.startsWith('anew')).length).toBe(20);
});

test('a member that crashes keeps its partitions until its session lapses, then others go on from what it committed', async () => {
  const { log, broker, environment } = make();
  const heirLog = new MemoryEventLog({ broker }, environment);
  broker.createTopic('t', { partitionCount: 1 });
  const [first, heir] = [new SharedRecorder(), new SharedRecorder()];
  log.share('g', ['t'], first);
  await environment.advance(10);
  heirLog.share('g', ['t'], heir);
  await environment.advance(10);
  await heirLog.append(numbered('t', 0, 'x', 5));
  await environment.advance(10);
  expect(first.values.length).toBe(5);
  log.crash(8_000);
  await heirLog.append(numbered('t', 0, 'y', 5));
  await environment.advance(7_900);
  expect(heir.values).toEqual([]);
  await environment.advance(200);
  expect(heir.assigned.at(-1)).toEqual([{ topic: 't', partition: 0, committed: 5, low: 0, end: 10 }]);
  expect(heir.values).toEqual([0, 1, 2, 3, 4].map((index) => `y-${index}`));
});

test('the commit of a batch that outlived its division is refused', async () => {
  const { log, broker, environment } = make();
  broker.createTopic('t', { partitionCount: 1 });
  const slow = new SharedRecorder();
  let finish: () => void = () => {};
  let wasStale = false;
  slow.onBatch = (_batch: LogBatch, isStale: () => boolean) =>
    new Promise<void>((resolve) => (finish = () => ((wasStale = isStale()), resolve())));
  log.share('g', ['t'], slow);
  await environment.advance(10);
  await log.append(numbered('t', 0, 'x', 5));
  await environment.advance(10);
  const late = new SharedRecorder();
  log.share('g', ['t'], late);
  await environment.advance(10);
  finish();
  await environment.advance(10);
  expect(wasStale).toBe(true);
  expect(broker.group('g').committedOf({ topic: 't', partition: 0 })).toBe(null);
});

test('compaction leaves offsets and takes superseded records', async () => {
  const { log, broker, environment } = make();
  broker.createTopic('t', { partitionCount: 1, compacted: true });
  await log.append(['a', 'b', 'a', 'c', 'a'].map((key, index) => ({ topic: 't', key, value: String(index) })));
  broker.compact('t', 0);
  const scanned = collect(log.scan({ topic: 't', partition: 0, from: 0, to: 4 }));
  await environment.advance(10);
  expect(offsetsOf(await scanned)).toEqual([1, 3, 4]);
  expect((await log.describe(['t'])).get('t')).toMatchObject({ compacted: true });
});
