import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KafkaEventLog } from '../../../src/log/kafka/kafka-event-log.js';
import { collect, numbered, offsetsOf, SharedRecorder, TailRecorder, until } from '../../contract/event-log-contract.js';
import { freePort } from '../../platform/free-port.js';
import { KafkaCluster } from '../../platform/kafka-cluster.js';
import { sharedKafka } from '../../platform/shared-services.js';
import { uniqueName } from '../../platform/unique-name.js';
import { KafkaLogHarness, startTail } from './kafka-log-harness.js';

describe.skipIf(sharedKafka().isProvided)('a broker that goes away', () => {
  let cluster: KafkaCluster;
  let harness: KafkaLogHarness;
  let log: KafkaEventLog;
  beforeAll(async () => {
    // The broker's own default: every fresh group waits three seconds for others.
    cluster = await KafkaCluster.start({ properties: { 'group.initial.rebalance.delay.ms': '3000' } });
    harness = new KafkaLogHarness(cluster.brokers);
    await harness.admin.connect();
    log = await harness.openLog();
  });
  afterAll(async () => {
    await harness?.close();
    await cluster?.close();
  });

  /** Writes one record after another until stopped; gives what was acknowledged. */
  const keepWriting = (topic: string, partitionCount: number) => {
    const acknowledged: string[] = [];
    let isOver = false;
    const writing = (async () => {
      for (let count = 0; !isOver; count++) {
        const record = { topic, partition: count % partitionCount, key: null, value: `w-${count}` };
        await log.append([record]).then(
          () => acknowledged.push(record.value),
          () => undefined,
        );
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    return {
      acknowledged,
      stop: async () => {
        isOver = true;
        await writing;
      },
    };
  };

  const expectAllOnce = async (
    recorder: TailRecorder,
    topic: string,
    partitionCount: number,
    acknowledged: readonly string[],
  ): Promise<void> => {
    await until(() => acknowledged.every((value) => recorder.allValues().includes(value)), 'every acknowledged record', 60_000);
    const values = recorder.allValues();
    expect(new Set(values).size).toBe(values.length);
    for (let partition = 0; partition < partitionCount; partition++) expect(recorder.holesOf(topic, partition)).toEqual([]);
    expect(recorder.resets).toEqual([]);
  };

  test('killed and started again under load: nothing is lost, nothing comes twice', async () => {
    const topic = await harness.makeTopic(4);
    const { recorder, tail } = await startTail(log, [topic]);
    const shared = new SharedRecorder();
    const member = log.share(uniqueName('group'), [topic], shared);
    const writer = keepWriting(topic, 4);
    await until(() => writer.acknowledged.length > 100, 'some records');
    await cluster.kill();
    await until(() => recorder.health.at(-1)?.delivering === false, 'the tail to say that it does not deliver');
    await cluster.start();
    await until(() => recorder.health.at(-1)?.delivering === true, 'the tail to deliver again', 30_000);
    const countBefore = writer.acknowledged.length;
    await until(() => writer.acknowledged.length > countBefore + 100, 'more records', 60_000);
    await writer.stop();
    await expectAllOnce(recorder, topic, 4, writer.acknowledged);
    await until(() => writer.acknowledged.every((value) => shared.values.includes(value)), 'the member to have every record', 60_000);
    await member.stop();
    await tail.stop();
  }, 180_000);

  test('stopped for 20 s: the tail says so, comes back by itself and goes on without a hole', async () => {
    const topic = await harness.makeTopic(2);
    const { recorder, tail } = await startTail(log, [topic]);
    const writer = keepWriting(topic, 2);
    await until(() => writer.acknowledged.length > 50, 'some records');
    await cluster.stop();
    await new Promise((resolve) => setTimeout(resolve, 20_000));
    expect(recorder.health.at(-1)?.delivering).toBe(false);
    await cluster.start();
    const startedAt = Date.now();
    await until(() => recorder.health.at(-1)?.delivering === true, 'the tail to deliver again', 30_000);
    console.log(`delivering again ${Date.now() - startedAt} ms after the broker answers (3,000 ms of it is the broker's own wait)`);
    const countBefore = writer.acknowledged.length;
    await until(() => writer.acknowledged.length > countBefore + 50, 'more records', 60_000);
    await writer.stop();
    await expectAllOnce(recorder, topic, 2, writer.acknowledged);
    await tail.stop();
  }, 180_000);

  test('hanging for 16 s with its connections open: the tail says so within seconds and goes on without a loss', async () => {
    const topic = await harness.makeTopic(2);
    const { recorder, tail } = await startTail(log, [topic]);
    await log.append(numbered(topic, 0, 'before', 5));
    await until(() => recorder.allValues().length === 5, 'the first records');
    cluster.pause();
    await until(() => recorder.health.at(-1)?.delivering === false, 'the tail to say that it does not deliver', 6_000);
    await new Promise((resolve) => setTimeout(resolve, 16_000));
    cluster.resume();
    await until(() => recorder.health.at(-1)?.delivering === true, 'the tail to deliver again', 40_000);
    let isWritten = false;
    while (!isWritten) isWritten = await log.append(numbered(topic, 0, 'after', 5)).then(() => true, () => false); // prettier-ignore
    await until(() => recorder.allValues().length >= 10, 'the records after');
    expect(recorder.valuesOf(topic, 0)).toEqual([...'01234'].flatMap((n) => `before-${n}`).concat([...'01234'].map((n) => `after-${n}`)));
    expect(recorder.holesOf(topic, 0)).toEqual([]);
    await tail.stop();
  }, 120_000);

  test('scans work again after a restart, and say that they failed during the outage', async () => {
    const topic = await harness.makeTopic();
    await log.append(numbered(topic, 0, 'x', 50));
    expect(offsetsOf(await collect(log.scan({ topic, partition: 0, from: 0, to: 49 }))).length).toBe(50);
    await cluster.kill();
    await expect(collect(log.scan({ topic, partition: 0, from: 0, to: 49 }))).rejects.toMatchObject({ name: 'LogError', retriable: true });
    await cluster.start();
    let read: number[] = [];
    const deadline = Date.now() + 30_000;
    while (read.length < 50 && Date.now() < deadline)
      read = await collect(log.scan({ topic, partition: 0, from: 0, to: 49 })).then(offsetsOf, () => []);
    expect(read.length).toBe(50);
  }, 120_000);
});

test('a broker that is not there yet is waited for, until the caller gives up', async () => {
  const harness = new KafkaLogHarness(`127.0.0.1:${String(await freePort())}`);
  const log = harness.makeLog();
  const giveUp = new AbortController();
  const connecting = log.connect(giveUp.signal);
  const settled = connecting.then(
    () => 'connected',
    () => 'rejected',
  );
  const early = await Promise.race([settled, new Promise((resolve) => setTimeout(resolve, 3_000, 'waiting'))]);
  expect(early).toBe('waiting');
  const recorder = new TailRecorder();
  const tail = log.tail(['anything'], recorder);
  await until(() => recorder.health.at(-1)?.delivering === false, 'the tail to say that it does not deliver');
  giveUp.abort();
  expect(await settled).toBe('rejected');
  await expect(connecting).rejects.toMatchObject({ name: 'LogError' });
  await tail.stop();
  const startedAt = Date.now();
  await log.close();
  expect(Date.now() - startedAt).toBeLessThan(12_000);
}, 60_000);
