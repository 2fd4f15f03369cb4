import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LogError } from '../../src/log/event-log.js';
import type { LogRecord } from '../../src/protocol/log-record.js';
import type { AppendRecord, AssignedPartition, EventLog, LogBatch, SharedListener, TailListener } from '../../src/log/event-log.js';

/** What a suite needs besides the port itself: what operators and time do to a log. */
export interface EventLogHarness {
  /** A connected log; several share one cluster. Closed by the suite. */
  open(): Promise<EventLog>;
  createTopic(topic: string, partitionCount: number): Promise<void>;
  addPartitions(topic: string, partitionCount: number): Promise<void>;
  deleteTopic(topic: string): Promise<void>;
  trim(topic: string, partition: number, low: number): Promise<void>;
  close(): Promise<void>;
}

/** A name that nothing else uses. */
export const unique = (stem: string): string => `${stem}-${process.pid}-${Math.random().toString(36).slice(2, 10)}`;

/** Waits for a condition, up to `timeoutMs`. */
export async function until(condition: () => boolean, what: string, timeoutMs = 20_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Values of the form `<prefix>-<number>`, all in one partition. */
export function numbered(topic: string, partition: number, prefix: string, count: number, from = 0): AppendRecord[] {
  return Array.from({ length: count }, (_, index) => ({ topic, partition, key: null, value: `${prefix}-${from + index}` }));
}

export const textOf = (value: Uint8Array | null): string | null => (value === null ? null : Buffer.from(value).toString());

/** Everything that a tail told, copied. */
export class TailRecorder implements TailListener {
  readonly values = new Map<string, string[]>();
  readonly batches: { topic: string; partition: number; from: number; to: number; offsets: number[]; end: number }[] = [];
  readonly partitions = new Map<string, { count: number; next: Map<number, number> }>();
  readonly confirmed: { topic: string; count: number; askedAtTickMs: number }[] = [];
  readonly resets: { topic: string; partition: number; low: number }[] = [];
  readonly health: { delivering: boolean; reason: string }[] = [];

  onPartitions(topic: string, count: number, added: readonly { partition: number; next: number }[]): void {
    const known = this.partitions.get(topic) ?? { count, next: new Map() };
    known.count = count;
    for (const { partition, next } of added) known.next.set(partition, next);
    this.partitions.set(topic, known);
  }
  onPartitionCountConfirmed(topic: string, count: number, askedAtTickMs: number): void {
    this.confirmed.push({ topic, count, askedAtTickMs });
  }
  onBatch(batch: LogBatch): void {
    const { topic, partition, from, to, end } = batch;
    this.batches.push({ topic, partition, from, to, end, offsets: batch.records.map((record) => record.offset) });
    const values = this.values.get(`${topic}/${partition}`) ?? [];
    for (const record of batch.records) values.push(textOf(record.value) ?? '');
    this.values.set(`${topic}/${partition}`, values);
  }
  onReset(topic: string, partition: number, low: number): void {
    this.resets.push({ topic, partition, low });
  }
  onHealth(health: { delivering: boolean; reason: string }): void {
    this.health.push(health);
  }
  valuesOf(topic: string, partition: number): string[] {
    return this.values.get(`${topic}/${partition}`) ?? [];
  }
  allValues(): string[] {
    return [...this.values.values()].flat();
  }
  /** Stretches of a partition must follow one another without overlap; where they do not is a hole. */
  holesOf(topic: string, partition: number): { from: number; to: number }[] {
    const holes = [];
    let next = this.partitions.get(topic)?.next.get(partition) ?? 0;
    for (const batch of this.batches.filter((one) => one.topic === topic && one.partition === partition)) {
      if (batch.from < next) throw new Error(`batch from ${batch.from} after ${next}`);
      if (batch.from > next) holes.push({ from: next, to: batch.from - 1 });
      if (batch.offsets.some((offset) => offset < batch.from || offset > batch.to)) throw new Error('a record lies outside its batch');
      next = batch.to + 1;
    }
    return holes;
  }
}

/** A member that goes on from what is committed, else from the low end, and records everything. */
export class SharedRecorder implements SharedListener {
  readonly assigned: AssignedPartition[][] = [];
  readonly values: string[] = [];
  readonly batches: LogBatch[] = [];
  revocations = 0;
  /** Runs before a batch is counted; a rejection is a failed write. */
  beforeBatch: (batch: LogBatch, isStale: () => boolean) => Promise<void> = () => Promise.resolve();

  async onAssigned(assigned: readonly AssignedPartition[]): Promise<readonly { topic: string; partition: number; next: number }[]> {
    this.assigned.push([...assigned]);
    return assigned.map(({ topic, partition, committed, low }) => ({ topic, partition, next: committed ?? low }));
  }
  onRevoked(): void {
    this.revocations++;
  }
  async onBatch(batch: LogBatch, isStale: () => boolean): Promise<void> {
    await this.beforeBatch(batch, isStale);
    this.batches.push(batch);
    for (const record of batch.records) this.values.push(textOf(record.value) ?? '');
  }
}

/** A record may make its parts when it is asked for them. */
const copyRecord = ({ offset, timestampMs, key, value, headers }: LogRecord): LogRecord => ({ offset, timestampMs, key, value, headers });

export async function collect(batches: AsyncIterable<LogBatch>): Promise<LogBatch[]> {
  const collected = [];
  for await (const batch of batches) collected.push({ ...batch, records: batch.records.map(copyRecord) });
  return collected;
}

export const offsetsOf = (batches: readonly LogBatch[]): number[] =>
  batches.flatMap((batch) => batch.records.map((record) => record.offset));

const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, index) => from + index);

/** The contract of `EventLog`, for every implementation of it. */
export function describeEventLog(name: string, start: () => Promise<EventLogHarness>): void {
  describe(`event log: ${name}`, () => {
    let harness: EventLogHarness;
    let log: EventLog;
    beforeAll(async () => {
      harness = await start();
      log = await harness.open();
    }, 60_000);
    afterAll(async () => {
      await log?.close();
      await harness?.close();
    }, 30_000);

    const makeTopic = async (partitionCount = 1): Promise<string> => {
      const topic = unique('contract');
      await harness.createTopic(topic, partitionCount);
      return topic;
    };
    const startTail = async (topics: string[], recorder = new TailRecorder()) => {
      const tail = log.tail(topics, recorder);
      await until(
        () => topics.every((topic) => recorder.partitions.has(topic)) && recorder.health.some((one) => one.delivering),
        'the tail to start',
      );
      return { recorder, tail };
    };

    test('names its cluster in a way that stays', async () => {
      expect(log.clusterId()).not.toBe('');
      const other = await harness.open();
      expect(other.clusterId()).toBe(log.clusterId());
      await other.close();
    });

    test('describes the topics that exist and leaves out the others', async () => {
      const topic = await makeTopic(3);
      const described = await log.describe([topic, unique('absent')]);
      expect([...described.keys()]).toEqual([topic]);
      expect(described.get(topic)).toMatchObject({ topic, partitionCount: 3, compacted: false });
    });

    test('creates a missing topic once, and leaves an existing one as it is', async () => {
      const topic = unique('ensured');
      expect(await log.ensureTopic(topic, 2)).toBe(true);
      expect(await log.ensureTopic(topic, 5)).toBe(true);
      expect((await log.describe([topic])).get(topic)?.partitionCount).toBe(2);
    });

    test('appends in the order given and tells each record its offset', async () => {
      const topic = await makeTopic(2);
      const records = [...numbered(topic, 0, 'a', 3), ...numbered(topic, 1, 'b', 2), ...numbered(topic, 0, 'c', 2)];
      const results = await log.append(records);
      expect(results.map(({ partition, offset }) => [partition, offset])).toEqual([
        [0, 0],
        [0, 1],
        [0, 2],
        [1, 0],
        [1, 1],
        [0, 3],
        [0, 4],
      ]);
      const read = await collect(log.scan({ topic, partition: 0, from: 0, to: 4 }));
      expect(read.flatMap((batch) => batch.records.map((record) => textOf(record.value)))).toEqual(['a-0', 'a-1', 'a-2', 'c-0', 'c-1']);
    });

    test('chooses partitions by key as the Java client does', async () => {
      const topic = await makeTopic(12);
      const keys = ['run-1', 'run-2', 'a', '', 'stage:42', 'äöü', '0123456789abcdef'];
      const results = await log.append(keys.map((key) => ({ topic, key, value: 'v' })));
      expect(results.map((result) => result.partition)).toEqual(keys.map((key) => javaPartition(key, 12)));
    });

    test('chooses partitions by key as librdkafka does, where that is asked', async () => {
      const topic = await makeTopic(12);
      // The check value of CRC-32: 0xcbf43926.
      const [result] = await log.append([{ topic, key: '123456789', partitionHash: 'crc32', value: 'v' }]);
      expect(result?.partition).toBe(0xcbf43926 % 12);
    });

    test('keeps keys, values, headers, tombstones and record times', async () => {
      const topic = await makeTopic();
      await log.append([
        { topic, key: 'k', value: new Uint8Array([0, 255, 10]), headers: { h: 'wert', empty: '' }, timestampMs: 1_700_000_000_123 },
        { topic, key: null, value: null },
      ]);
      const [first, second] = (await collect(log.scan({ topic, partition: 0, from: 0, to: 1 }))).flatMap((batch) => batch.records);
      expect(first).toMatchObject({ offset: 0, timestampMs: 1_700_000_000_123 });
      expect(textOf(first!.key)).toBe('k');
      expect([...first!.value!]).toEqual([0, 255, 10]);
      expect(Buffer.from(first!.headers['h'] as Uint8Array).toString()).toBe('wert');
      expect(Buffer.from(first!.headers['empty'] as Uint8Array).length).toBe(0);
      expect(second).toMatchObject({ offset: 1, key: null, value: null });
    });

    test('refuses to append to a topic that does not exist', async () => {
      await expect(log.append([{ topic: unique('absent'), key: null, value: 'x' }])).rejects.toBeInstanceOf(LogError);
    }, 30_000);

    test('appending nothing is no work', async () => {
      expect(await log.append([])).toEqual([]);
    });

    test('concurrent appends keep the order of each caller', async () => {
      const topic = await makeTopic();
      const all = await Promise.all(range(0, 20).map((caller) => log.append(numbered(topic, 0, `caller${caller}`, 10))));
      expect(
        all
          .flat()
          .map((result) => result.offset)
          .sort((a, b) => a - b),
      ).toEqual(range(0, 200));
      for (const results of all) expect(results.map((result) => result.offset)).toEqual(range(results[0]!.offset, 10));
    });

    test('tells low and end of every partition', async () => {
      const topic = await makeTopic(2);
      await log.append(numbered(topic, 1, 'x', 5));
      await harness.trim(topic, 1, 2);
      expect(await log.offsets(topic)).toEqual([
        { partition: 0, low: 0, end: 0 },
        { partition: 1, low: 2, end: 5 },
      ]);
      await expect(log.offsets(unique('absent'))).rejects.toBeInstanceOf(LogError);
    });

    test('finds offsets by time', async () => {
      const topic = await makeTopic(2);
      const at = 1_700_000_000_000;
      await log.append(range(0, 5).map((index) => ({ topic, partition: 0, key: null, value: 'x', timestampMs: at + index * 1000 })));
      expect(await log.offsetsAtTime(topic, at + 2_500)).toEqual(new Map([[0, 3], [1, 0]])); // prettier-ignore
      expect((await log.offsetsAtTime(topic, at - 5)).get(0)).toBe(0);
      expect((await log.offsetsAtTime(topic, at + 60_000)).get(0)).toBe(5);
    });

    describe('tail', () => {
      test('starts at the end, says where, and delivers what comes after, once and in order', async () => {
        const topic = await makeTopic(2);
        await log.append([...numbered(topic, 0, 'old', 3), ...numbered(topic, 1, 'old', 1)]);
        const { recorder, tail } = await startTail([topic]);
        expect(recorder.partitions.get(topic)).toEqual({ count: 2, next: new Map([[0, 3], [1, 1]]) }); // prettier-ignore
        for (let round = 0; round < 10; round++)
          await log.append([...numbered(topic, 0, 'a', 5, round * 5), ...numbered(topic, 1, 'b', 5, round * 5)]);
        await until(() => recorder.allValues().length >= 100, '100 records');
        expect(recorder.valuesOf(topic, 0)).toEqual(range(0, 50).map((index) => `a-${index}`));
        expect(recorder.valuesOf(topic, 1)).toEqual(range(0, 50).map((index) => `b-${index}`));
        expect(recorder.holesOf(topic, 0)).toEqual([]);
        expect(recorder.holesOf(topic, 1)).toEqual([]);
        const last = recorder.batches.filter((batch) => batch.partition === 0).at(-1)!;
        expect(last.to).toBe(52);
        expect(last.end).toBeGreaterThanOrEqual(last.to + 1);
        await tail.stop();
      });

      test('follows several topics, and calls back no more after it was stopped', async () => {
        const [one, two] = [await makeTopic(), await makeTopic()];
        const { recorder, tail } = await startTail([one, two]);
        await log.append([...numbered(one, 0, 'one', 3), ...numbered(two, 0, 'two', 3)]);
        await until(() => recorder.allValues().length === 6, 'both topics');
        await tail.stop();
        await log.append(numbered(one, 0, 'late', 3));
        await new Promise((resolve) => setTimeout(resolve, 300));
        expect(recorder.allValues().length).toBe(6);
      });

      test('every tail gets every record', async () => {
        const topic = await makeTopic(3);
        const tails = [await startTail([topic]), await startTail([topic])];
        await log.append(range(0, 3).flatMap((partition) => numbered(topic, partition, `p${partition}`, 4)));
        for (const { recorder, tail } of tails) {
          await until(() => recorder.allValues().length === 12, '12 records');
          await tail.stop();
        }
      });

      test('confirms partition counts again and again', async () => {
        const topic = await makeTopic(2);
        const { recorder, tail } = await startTail([topic]);
        await until(() => recorder.confirmed.filter((one) => one.topic === topic && one.count === 2).length >= 2, 'two confirmations');
        await tail.stop();
      });

      test('reads partitions that are added from their beginning', async () => {
        const topic = await makeTopic(1);
        const { recorder, tail } = await startTail([topic]);
        await harness.addPartitions(topic, 3);
        await log.append(range(0, 3).flatMap((partition) => numbered(topic, partition, `p${partition}`, 4)));
        await until(() => recorder.allValues().length === 12, '12 records');
        expect(recorder.partitions.get(topic)).toEqual({ count: 3, next: new Map([[0, 0], [1, 0], [2, 0]]) }); // prettier-ignore
        await tail.stop();
      }, 30_000);

      test('follows a topic from its beginning that is made after the tail', async () => {
        const [present, coming] = [await makeTopic(), unique('coming')];
        const { recorder, tail } = await startTail([present]);
        await tail.stop();
        const second = new TailRecorder();
        const wide = log.tail([present, coming], second);
        await until(() => second.partitions.has(present), 'the tail to start');
        await harness.createTopic(coming, 2);
        await log.append([...numbered(coming, 0, 'c', 3), ...numbered(present, 0, 'p', 3)]);
        await until(() => second.allValues().length === 6, '6 records');
        expect(second.partitions.get(coming)).toEqual({ count: 2, next: new Map([[0, 0], [1, 0]]) }); // prettier-ignore
        expect(recorder.allValues()).toEqual([]);
        await wide.stop();
      }, 30_000);

      test('tells of a topic that was deleted and made again, and goes on', async () => {
        const topic = await makeTopic();
        const { recorder, tail } = await startTail([topic]);
        await log.append(numbered(topic, 0, 'before', 50));
        await until(() => recorder.allValues().length === 50, '50 records');
        await harness.deleteTopic(topic);
        await harness.createTopic(topic, 1);
        await log.append(numbered(topic, 0, 'after', 3));
        await until(() => recorder.allValues().length >= 53, 'the records of the new topic');
        expect(recorder.resets.length).toBeGreaterThanOrEqual(1);
        expect(recorder.resets.at(-1)).toEqual({ topic, partition: 0, low: 0 });
        expect(recorder.valuesOf(topic, 0).slice(50)).toEqual(['after-0', 'after-1', 'after-2']);
        await tail.stop();
      }, 60_000);
    });

    describe('scan', () => {
      test('reads exactly the range, in order', async () => {
        const topic = await makeTopic(2);
        await log.append(numbered(topic, 1, 'x', 500));
        const batches = await collect(log.scan({ topic, partition: 1, from: 100, to: 399 }));
        expect(offsetsOf(batches)).toEqual(range(100, 300));
        expect(batches[0]!.from).toBe(100);
        expect(batches.at(-1)!.to).toBe(399);
        for (let at = 1; at < batches.length; at++) expect(batches[at]!.from).toBe(batches[at - 1]!.to + 1);
      });

      test('ends at the end of the log when the range goes beyond', async () => {
        const topic = await makeTopic();
        await log.append(numbered(topic, 0, 'x', 5));
        const batches = await collect(log.scan({ topic, partition: 0, from: 3, to: 1_000 }));
        expect(offsetsOf(batches)).toEqual([3, 4]);
        expect(batches.at(-1)!.to).toBe(4);
        expect(await collect(log.scan({ topic, partition: 0, from: 5, to: 9 }))).toEqual([]);
        expect(await collect(log.scan({ topic, partition: 0, from: 3, to: 2 }))).toEqual([]);
      });

      test('shows a hole where retention took the beginning', async () => {
        const topic = await makeTopic();
        await log.append(numbered(topic, 0, 'x', 20));
        await harness.trim(topic, 0, 12);
        const batches = await collect(log.scan({ topic, partition: 0, from: 3, to: 15 }));
        expect(batches[0]!.from).toBe(12);
        expect(offsetsOf(batches)).toEqual([12, 13, 14, 15]);
      });

      test('shows a hole that takes the whole range', async () => {
        const topic = await makeTopic();
        await log.append(numbered(topic, 0, 'x', 20));
        await harness.trim(topic, 0, 12);
        const batches = await collect(log.scan({ topic, partition: 0, from: 3, to: 7 }));
        expect(batches.length).toBe(1);
        expect(batches[0]).toMatchObject({ from: 8, to: 7, records: [] });
      });

      test('waits for its consumer, and can be broken off', async () => {
        const topic = await makeTopic();
        for (let round = 0; round < 5; round++)
          await log.append(range(0, 200).map(() => ({ topic, partition: 0, key: null, value: 'x'.repeat(10_000) })));
        let seen = 0;
        for await (const batch of log.scan({ topic, partition: 0, from: 0, to: 999 })) {
          await new Promise((resolve) => setTimeout(resolve, 20));
          seen += batch.records.length;
          if (seen >= 150) break;
        }
        expect(seen).toBeLessThan(1_000);
        expect(offsetsOf(await collect(log.scan({ topic, partition: 0, from: 990, to: 999 })))).toEqual(range(990, 10));
      });

      test('many scans at once are all served, of one partition and of several', async () => {
        const topic = await makeTopic(6);
        await log.append(range(0, 6).flatMap((partition) => numbered(topic, partition, `p${partition}`, 200)));
        const asked = range(0, 24).map((index) => ({ topic, partition: index % 6, from: index, to: 150 + index }));
        const answers = await Promise.all(asked.map((one) => collect(log.scan(one))));
        answers.forEach((batches, index) => expect(offsetsOf(batches)).toEqual(range(index, 151)));
      }, 60_000);

      test('ends with an error when it is aborted or there is no such partition', async () => {
        const topic = await makeTopic();
        await log.append(numbered(topic, 0, 'x', 5));
        const aborted = AbortSignal.abort(new Error('enough'));
        await expect(collect(log.scan({ topic, partition: 0, from: 0, to: 4 }, aborted))).rejects.toBeInstanceOf(LogError);
        await expect(collect(log.scan({ topic, partition: 7, from: 0, to: 4 }))).rejects.toBeInstanceOf(LogError);
        await expect(collect(log.scan({ topic: unique('absent'), partition: 0, from: 0, to: 4 }))).rejects.toBeInstanceOf(LogError);
      }, 30_000);
    });

    describe('shared group', () => {
      test('starts where it is told and goes on from what was committed', async () => {
        const topic = await makeTopic();
        const group = unique('group');
        await log.append(numbered(topic, 0, 'x', 20));
        const first = new SharedRecorder();
        const member = log.share(group, [topic], first);
        await until(() => first.values.length === 20, '20 records');
        expect(first.assigned[0]).toEqual([{ topic, partition: 0, committed: null, low: 0, end: 20 }]);
        await member.stop();
        await log.append(numbered(topic, 0, 'y', 5));
        const second = new SharedRecorder();
        const heir = log.share(group, [topic], second);
        await until(() => second.values.length === 5, '5 records');
        expect(second.assigned[0]).toEqual([{ topic, partition: 0, committed: 20, low: 0, end: 25 }]);
        expect(second.values).toEqual(range(0, 5).map((index) => `y-${index}`));
        await heir.stop();
      }, 30_000);

      test('may skip ahead', async () => {
        const topic = await makeTopic();
        await log.append(numbered(topic, 0, 'x', 20));
        const recorder = new SharedRecorder();
        recorder.onAssigned = async (assigned) => assigned.map(({ partition }) => ({ topic, partition, next: 15 }));
        const member = log.share(unique('group'), [topic], recorder);
        await until(() => recorder.values.length === 5, '5 records');
        expect(recorder.batches[0]!.from).toBe(15);
        await member.stop();
      }, 30_000);

      test('tries a batch again, from the same place, until it is written', async () => {
        const topic = await makeTopic();
        const recorder = new SharedRecorder();
        let failures = 0;
        recorder.beforeBatch = async () => {
          if (failures < 3) {
            failures++;
            throw new Error('the store is away');
          }
        };
        const member = log.share(unique('group'), [topic], recorder);
        await log.append(numbered(topic, 0, 'x', 5));
        await until(() => recorder.values.length >= 5, '5 records');
        expect(failures).toBe(3);
        expect(recorder.values).toEqual(range(0, 5).map((index) => `x-${index}`));
        await member.stop();
      }, 30_000);

      test('members divide the partitions, and one that leaves hands over without a loss', async () => {
        const topic = await makeTopic(4);
        const group = unique('group');
        const recorders = [new SharedRecorder(), new SharedRecorder()];
        const members = recorders.map((recorder) => log.share(group, [topic], recorder));
        await until(() => recorders.every((recorder) => recorder.assigned.at(-1)?.length === 2), 'two partitions each', 30_000);
        await log.append(range(0, 4).flatMap((partition) => numbered(topic, partition, `p${partition}`, 10)));
        await until(() => recorders[0]!.values.length + recorders[1]!.values.length >= 40, '40 records');
        expect(recorders[0]!.values.length).toBe(20);
        await members[1]!.stop();
        await log.append(range(0, 4).flatMap((partition) => numbered(topic, partition, `q${partition}`, 10)));
        await until(() => recorders[0]!.values.length >= 60, 'the rest', 30_000);
        expect(recorders[0]!.assigned.at(-1)!.length).toBe(4);
        expect(recorders[1]!.values.length).toBe(20);
        await members[0]!.stop();
      }, 90_000);
    });

    test('closes promptly with a tail, a scan and a member under way', async () => {
      const topic = await makeTopic();
      const other = await harness.open();
      const recorder = new TailRecorder();
      other.tail([topic], recorder);
      const shared = new SharedRecorder();
      other.share(unique('group'), [topic], shared);
      await other.append(numbered(topic, 0, 'x', 50));
      await until(() => shared.values.length === 50, 'the member');
      const scanned = other.scan({ topic, partition: 0, from: 0, to: 49 })[Symbol.asyncIterator]();
      await scanned.next();
      const started = Date.now();
      await other.close();
      expect(Date.now() - started).toBeLessThan(10_000);
    }, 30_000);
  });
}

/** The Java client's own arithmetic, written down apart from the code under test (BigInt, one step a line). */
function javaPartition(key: string, partitionCount: number): number {
  const data = Buffer.from(key);
  const m = 0x5bd1e995n;
  const mask = 0xffffffffn;
  let h = (0x9747b28cn ^ BigInt(data.length)) & mask;
  const length4 = Math.floor(data.length / 4);
  for (let i = 0; i < length4; i++) {
    let k = BigInt(data.readUInt32LE(i * 4));
    k = (k * m) & mask;
    k ^= k >> 24n;
    k = (k * m) & mask;
    h = ((h * m) & mask) ^ k;
  }
  const rest = data.length % 4;
  const at = length4 * 4;
  if (rest === 3) h ^= BigInt(data[at + 2]!) << 16n;
  if (rest >= 2) h ^= BigInt(data[at + 1]!) << 8n;
  if (rest >= 1) h = ((h ^ BigInt(data[at]!)) * m) & mask;
  h ^= h >> 13n;
  h = (h * m) & mask;
  h ^= h >> 15n;
  return Number(h & 0x7fffffffn) % partitionCount;
}
