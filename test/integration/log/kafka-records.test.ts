import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KafkaEventLog } from '../../../src/log/kafka/kafka-event-log.js';
import { collect, numbered, offsetsOf, SharedRecorder, TailRecorder, textOf, until } from '../../contract/event-log-contract.js';
import { createTopic } from '../../platform/create-topic.js';
import { provideCommand } from '../../platform/provisioned.js';
import { sharedKafka } from '../../platform/shared-services.js';
import { uniqueName } from '../../platform/unique-name.js';
import { waitFor } from '../../platform/wait-for.js';
import { KafkaLogHarness, startTail } from './kafka-log-harness.js';

let harness: KafkaLogHarness;
let log: KafkaEventLog;
beforeAll(async () => {
  harness = new KafkaLogHarness(sharedKafka().brokers);
  await harness.admin.connect();
  log = await harness.openLog();
  provideCommand('kcat');
});
afterAll(async () => {
  await harness?.close();
});

/** Writes lines with an independent producer (librdkafka). */
function writeByKcat(topic: string, codec: string, lines: readonly string[]): Promise<void> {
  const kcat = spawn('kcat', ['-P', '-b', harness.brokers.join(','), '-t', topic, '-z', codec, '-X', 'linger.ms=200'], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  kcat.stdin.end(lines.join('\n') + '\n');
  return new Promise((resolve, reject) => {
    kcat.once('error', reject);
    kcat.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`kcat ended with ${String(code)}`))));
  });
}

describe('codecs', () => {
  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd']) {
    test(`batches that another client packed with ${codec} are tailed, scanned and shared`, async () => {
      const topic = await harness.makeTopic();
      const lines = Array.from({ length: 500 }, (_, index) => `line ${index} ${'lorem ipsum '.repeat(20)}`);
      const { recorder, tail } = await startTail(log, [topic]);
      await writeByKcat(topic, codec, lines);
      await until(() => recorder.allValues().length === lines.length, 'the tail');
      expect(recorder.valuesOf(topic, 0)).toEqual(lines);
      await tail.stop();
      const scanned = await collect(log.scan({ topic, partition: 0, from: 137, to: 401 }));
      expect(scanned.flatMap((batch) => batch.records.map((record) => textOf(record.value)))).toEqual(lines.slice(137, 402));
      expect(scanned[0]!.from).toBe(137);
      const shared = new SharedRecorder();
      const member = log.share(uniqueName('group'), [topic], shared);
      await until(() => shared.values.length === lines.length, 'the member');
      await member.stop();
    });
  }
});

describe('transactions', () => {
  const write = async (topic: string, values: readonly string[], outcome: 'commit' | 'abort'): Promise<void> => {
    const producer = harness.kafka.producer({ transactionalId: uniqueName('transaction'), maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: values.map((value) => ({ value, partition: 0 })) });
    await transaction[outcome]();
    await producer.disconnect();
  };

  test('aborted records are not shown, and the tail passes the markers', async () => {
    const topic = await harness.makeTopic();
    const { recorder, tail } = await startTail(log, [topic]);
    await write(topic, ['a', 'b'], 'commit');
    await write(topic, ['c', 'd', 'e'], 'abort');
    await write(topic, ['f'], 'commit');
    // Offsets: a b marker, c d e marker, f marker.
    await until(() => recorder.batches.at(-1)?.to === 8, 'the last marker to be passed');
    expect(recorder.valuesOf(topic, 0)).toEqual(['a', 'b', 'f']);
    expect(recorder.holesOf(topic, 0)).toEqual([]);
    await write(topic, ['g', 'h'], 'abort');
    await until(() => recorder.batches.at(-1)?.to === 11, 'a fetch with nothing but aborted records to be passed');
    expect(recorder.valuesOf(topic, 0)).toEqual(['a', 'b', 'f']);
    expect(recorder.holesOf(topic, 0)).toEqual([]);
    await tail.stop();
  });

  test('a scan ends when all that is left of its range is markers and aborted records', async () => {
    const topic = await harness.makeTopic();
    await log.append(numbered(topic, 0, 'plain', 3));
    await write(topic, ['x', 'y'], 'abort');
    // Kafka answers the end of a transaction before its marker is written: until then the log ends in front of it.
    await waitFor(async () => (await log.offsets(topic))[0]?.end === 6, { what: 'the marker' });
    const batches = await collect(log.scan({ topic, partition: 0, from: 0, to: 5 }));
    expect(offsetsOf(batches)).toEqual([0, 1, 2]);
    expect(batches.at(-1)!.to).toBe(5);
    const markersOnly = await collect(log.scan({ topic, partition: 0, from: 3, to: 5 }));
    expect(offsetsOf(markersOnly)).toEqual([]);
    expect(markersOnly[0]!.from).toBe(3);
    expect(markersOnly.at(-1)!.to).toBe(5);
  });

  test('a member of a shared group is told of stretches without records, and commits them', async () => {
    const topic = await harness.makeTopic();
    const group = uniqueName('group');
    const recorder = new SharedRecorder();
    const member = log.share(group, [topic], recorder);
    await until(() => recorder.assigned.length > 0, 'the assignment');
    await write(topic, ['x', 'y'], 'abort');
    await until(() => recorder.batches.at(-1)?.to === 2, 'the empty stretch');
    expect(recorder.batches.every((batch) => batch.records.length === 0)).toBe(true);
    expect(recorder.batches[0]!.from).toBe(0);
    await log.append(numbered(topic, 0, 'after', 2));
    await until(() => recorder.values.length === 2, 'the records');
    expect(recorder.batches.at(-1)!.from).toBe(3);
    await write(topic, ['z'], 'abort');
    await until(() => recorder.batches.at(-1)?.to === 6, 'the last marker');
    await member.stop();
    const heir = new SharedRecorder();
    const second = log.share(group, [topic], heir);
    await until(() => heir.assigned.length > 0, 'the second assignment');
    expect(heir.assigned[0]![0]!.committed).toBe(7);
    await second.stop();
  });

  test('an open transaction is where the log ends, for offsets, scans and tails', async () => {
    const topic = await harness.makeTopic();
    const producer = harness.kafka.producer({ transactionalId: uniqueName('transaction'), maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    await log.append(numbered(topic, 0, 'plain', 2));
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ value: 'open', partition: 0 }] });
    await log.append(numbered(topic, 0, 'later', 2));
    expect(await log.offsets(topic)).toEqual([{ partition: 0, low: 0, end: 2 }]);
    expect(offsetsOf(await collect(log.scan({ topic, partition: 0, from: 0, to: 4 })))).toEqual([0, 1]);
    const { recorder, tail } = await startTail(log, [topic]);
    expect(recorder.partitions.get(topic)!.next.get(0)).toBe(2);
    await transaction.commit();
    await until(() => recorder.allValues().length === 3, 'what the transaction held back');
    expect(recorder.allValues()).toEqual(['open', 'later-0', 'later-1']);
    await tail.stop();
    expect(offsetsOf(await collect(log.scan({ topic, partition: 0, from: 0, to: 4 })))).toEqual([0, 1, 2, 3, 4]);
    await producer.disconnect();
  });
});

test('retention that passes a tail which is behind shows as a hole', async () => {
  const topic = await harness.makeTopic();
  const { recorder, tail } = await startTail(log, [topic]);
  const shared = new SharedRecorder();
  const member = log.share(uniqueName('group'), [topic], shared);
  await log.append(numbered(topic, 0, 'before', 10));
  await until(() => recorder.allValues().length === 10 && shared.values.length === 10, 'the first records');
  // An open transaction holds every reader at offset 10 while the log goes on.
  const producer = harness.kafka.producer({ transactionalId: uniqueName('transaction'), maxInFlightRequests: 1, idempotent: true });
  await producer.connect();
  const transaction = await producer.transaction();
  await transaction.send({ topic, messages: [{ value: 'hidden', partition: 0 }] });
  await log.append(numbered(topic, 0, 'after', 10));
  await harness.trim(topic, 0, 15);
  await transaction.abort();
  await producer.disconnect();
  await until(() => recorder.allValues().length === 16 && shared.values.length === 16, 'what is left');
  expect(recorder.holesOf(topic, 0)).toEqual([{ from: 10, to: 14 }]);
  expect(recorder.valuesOf(topic, 0).slice(10)).toEqual([4, 5, 6, 7, 8, 9].map((index) => `after-${index}`));
  expect(recorder.resets).toEqual([]);
  expect(shared.batches.find((batch) => batch.from > 10)!.from).toBe(15);
  await tail.stop();
  await member.stop();
});

test('a topic that is deleted and made again at once is noticed and read from its beginning', async () => {
  const topic = await harness.makeTopic(2);
  const other = await harness.makeTopic();
  const { recorder, tail } = await startTail(log, [topic, other]);
  await log.append([...numbered(topic, 0, 'before', 30), ...numbered(topic, 1, 'before', 30)]);
  await until(() => recorder.allValues().length === 60, 'the first records');
  await harness.admin.deleteTopics({ topics: [topic] });
  const makeAgain = (): Promise<boolean> => createTopic(harness.admin, topic, 2).then(() => true);
  await waitFor(makeAgain, { what: 'the topic, made again', timeoutMs: 30_000 });
  const writer = await harness.openLog();
  await writer.append([...numbered(topic, 0, 'after', 5), ...numbered(topic, 1, 'after', 5)]);
  await until(() => recorder.allValues().length >= 70, 'the new records', 30_000);
  expect(recorder.valuesOf(topic, 0).slice(30)).toEqual([0, 1, 2, 3, 4].map((index) => `after-${index}`));
  expect(recorder.valuesOf(topic, 1).slice(30)).toEqual([0, 1, 2, 3, 4].map((index) => `after-${index}`));
  expect(recorder.resets.map(({ partition }) => partition).sort()).toEqual([0, 1]);
  await log.append(numbered(other, 0, 'other', 3));
  await until(() => recorder.valuesOf(other, 0).length === 3, 'the other topic');
  await tail.stop();
}, 60_000);

test('partitions are added under load without a loss', async () => {
  const topic = await harness.makeTopic(3);
  const { recorder, tail } = await startTail(log, [topic]);
  let written = 0;
  let isOver = false;
  const writing = (async () => {
    while (!isOver) {
      await log.append(Array.from({ length: 20 }, () => ({ topic, key: `key-${written}`, value: `v-${written++}` })));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  await until(() => recorder.allValues().length > 200, 'some records');
  await harness.admin.createPartitions({ topicPartitions: [{ topic, count: 8 }] });
  await until(() => recorder.partitions.get(topic)!.count === 8, 'the new partitions');
  const byHand = numbered(topic, 7, 'new', 5);
  await (await harness.openLog()).append(byHand);
  isOver = true;
  await writing;
  await until(() => recorder.allValues().length >= written + 5, 'all records');
  const values = recorder.allValues();
  expect(new Set(values).size).toBe(values.length);
  expect(values.length).toBe(written + 5);
  for (let partition = 0; partition < 8; partition++) expect(recorder.holesOf(topic, partition)).toEqual([]);
  await tail.stop();
});

test('a busy topic is never taken for one that begins anew, however often its ends are asked', async () => {
  const topic = await harness.makeTopic(12);
  const busy = await harness.openLog({ tail: { lookMs: 20 } });
  const { recorder, tail } = await startTail(busy, [topic]);
  let written = 0;
  for (const deadline = Date.now() + 4_000; Date.now() < deadline;) {
    await log.append(Array.from({ length: 12 }, (_, partition) => ({ topic, partition, key: null, value: `v-${written++}` })));
  }
  await until(() => recorder.allValues().length >= written, 'all records');
  expect(recorder.resets).toEqual([]);
  expect(recorder.allValues().length).toBe(written);
  expect(recorder.confirmed.length).toBeGreaterThan(20);
  await tail.stop();
});

test('a topic of 200 partitions is tailed whole', async () => {
  const topic = await harness.makeTopic(200, 'wide');
  const { recorder, tail } = await startTail(log, [topic], new TailRecorder());
  expect(recorder.partitions.get(topic)!.next.size).toBe(200);
  for (let round = 0; round < 5; round++) {
    await log.append(Array.from({ length: 200 }, (_, partition) => ({ topic, partition, key: null, value: `${round}/${partition}` })));
  }
  await until(() => recorder.allValues().length === 1_000, '1,000 records', 30_000);
  for (let partition = 0; partition < 200; partition++) {
    expect(recorder.valuesOf(topic, partition)).toEqual([0, 1, 2, 3, 4].map((round) => `${round}/${partition}`));
  }
  await tail.stop();
}, 90_000);

test('a listener that throws does not stop the tail', async () => {
  const topic = await harness.makeTopic();
  const recorder = new TailRecorder();
  const record = recorder.onBatch.bind(recorder);
  let failures = 0;
  recorder.onBatch = (batch) => {
    if (failures++ === 0) throw new Error('a listener fails');
    record(batch);
  };
  const { tail } = await startTail(log, [topic], recorder);
  await log.append(numbered(topic, 0, 'first', 1));
  await until(() => failures === 1, 'the failure');
  await log.append(numbered(topic, 0, 'second', 1));
  await until(() => recorder.allValues().length === 1, 'the next record');
  expect(recorder.valuesOf(topic, 0)).toEqual(['second-0']);
  await tail.stop();
});

test('records of many sizes keep their order through requests of bounded size', async () => {
  const topic = await harness.makeTopic();
  const records = Array.from({ length: 60 }, (_, index) => ({
    topic,
    partition: 0,
    key: String(index),
    value: 'ü'.repeat(index % 3 === 0 ? 100_000 : 10),
  }));
  const results = await log.append(records);
  expect(results.map(({ offset }) => offset)).toEqual(records.map((_, index) => index));
  const read = await collect(log.scan({ topic, partition: 0, from: 0, to: 59 }));
  expect(read.flatMap((batch) => batch.records.map((record) => textOf(record.key)))).toEqual(records.map(({ key }) => key));
});

test('a record that the broker refuses fails alone', async () => {
  const topic = await harness.makeTopic();
  const huge = log.append([{ topic, partition: 0, key: null, value: Buffer.alloc(2_000_000, 'x') }]);
  const small = log.append(numbered(topic, 0, 'small', 3));
  await expect(huge).rejects.toThrow(topic);
  expect((await small).length).toBe(3);
  expect((await log.append(numbered(topic, 0, 'later', 1)))[0]!.offset).toBe(3);
});
