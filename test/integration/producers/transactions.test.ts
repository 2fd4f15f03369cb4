import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodePosition } from '../../../src/protocol/position.js';
import { KafkaFixture } from '../../platform/kafka-fixture.js';
import { startNode } from '../../platform/node-fixture.js';
import type { SelvageNode } from '../../platform/selvage-node.js';
import { sharedKafka, sharedRedis } from '../../platform/shared-services.js';
import { SseReader } from '../../platform/sse-reader.js';
import { waitFor } from '../../platform/wait-for.js';
import { hasGo, openFranz, openJava } from './foreign-producers.js';
import type { ForeignProducer } from './foreign-producers.js';

const { brokers } = sharedKafka();
const names = hasGo ? (['franz', 'java', 'kafkajs'] as const) : (['java', 'kafkajs'] as const);
let kafka: KafkaFixture;
let node: SelvageNode;
const topics = new Map<string, string>();
const producers = new Map<string, ForeignProducer>();

beforeAll(async () => {
  kafka = await KafkaFixture.connect(brokers);
  if (hasGo) producers.set('franz', openFranz());
  producers.set('java', openJava()).set('kafkajs', sendByKafkajs);
  for (const name of names) topics.set(name, await kafka.makeTopic(1));
  node = await startNode({
    brokers,
    redisUrl: sharedRedis().url,
    routes: names.map((name) => ({ topic: topics.get(name), channels: [name] })),
    env: { SELVAGE_STREAM_KEEP_ALIVE_MS: '200' },
  });
}, 300_000);

afterAll(async () => {
  await node.close();
  await kafka.close();
});

let transactionCount = 0;
const sendByKafkajs: ForeignProducer = async ({ topic, transaction }, records) => {
  const producer = kafka.kafka.producer({ transactionalId: `${topic}-${transactionCount++}`, idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  const open = await producer.transaction();
  await open.send({ topic, messages: records.map(({ key, value }) => ({ key, value })) });
  await (transaction === 'commit' ? open.commit() : open.abort());
  await producer.disconnect();
};

/** The last offset that a reader of the one-partition topic has had, by its position. */
function offsetOf(reader: SseReader): number {
  const topic = decodePosition(reader.lastId ?? '')?.topics[0];
  return topic?.kind === 'offsets' ? (topic.cursors.get(0) ?? -1) : -1;
}

test.each(names)(
  'transactions of %s: what was committed is shown once, what was aborted never, and markers at the end hold nobody up',
  async (name) => {
    const topic = topics.get(name) ?? '';
    const send = async (transaction: 'commit' | 'abort', values: readonly string[]): Promise<void> => {
      await producers.get(name)?.(
        { brokers, topic, transaction },
        values.map((value) => ({ key: 'k', value })),
      );
    };
    const live = await SseReader.open(node, `channel=${name}`);
    const before = live.lastId;
    await send('abort', ['never 1', 'never 2']);
    await send('commit', ['once 1', 'once 2', 'once 3']);
    await send('abort', ['never 3']);
    const end = 9; // six records and three markers, which brokers write a moment after the client is told
    await waitFor(async () => (await kafka.endOf(topic)) === end, { what: 'the last marker' });
    expect(await live.take(3)).toEqual(['once 1', 'once 2', 'once 3']);
    await live.until(() => offsetOf(live) === end - 1, 'a position past the last marker');

    await node.stop();
    await node.start();
    // Nothing in memory: what lies before the markers comes from the window or the log.
    const fresh = await SseReader.open(node, `channel=${name}`);
    const resumed = await SseReader.open(node, `channel=${name}`, { lastEventId: before });
    const atTheEnd = await SseReader.open(node, `channel=${name}`, { lastEventId: live.lastId });
    const since = await SseReader.open(node, `channel=${name}&since=10m`);
    expect(await resumed.take(3)).toEqual(['once 1', 'once 2', 'once 3']);
    expect(await since.take(3)).toEqual(['once 1', 'once 2', 'once 3']);
    for (const reader of [fresh, resumed, atTheEnd, since]) await reader.until(() => offsetOf(reader) === end - 1, 'the end of the log');
    await send('commit', ['live']);
    for (const reader of [fresh, resumed, atTheEnd, since]) {
      await reader.until(() => reader.datas.includes('live'), 'the live event');
      expect(reader.datas.filter((data) => data === 'live' || data.startsWith('never'))).toEqual(['live']);
      expect(reader.gaps).toEqual([]);
      reader.close();
    }
  },
);

test('records of an open transaction wait for its commit, and nothing behind them is shown early or lost', async () => {
  const topic = topics.get('kafkajs') ?? '';
  const reader = await SseReader.open(node, 'channel=kafkajs');
  const producer = kafka.kafka.producer({ transactionalId: `${topic}-open`, idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  const open = await producer.transaction();
  await open.send({ topic, messages: [{ value: 'in the transaction' }] });
  await kafka.send(topic, [{ value: 'behind it' }]);
  const resumed = await SseReader.open(node, 'channel=kafkajs', { lastEventId: reader.lastId });
  const shownEarly = [...reader.datas, ...resumed.datas];
  await open.commit();
  expect(shownEarly).toEqual([]);
  expect(await reader.take(2)).toEqual(['in the transaction', 'behind it']);
  expect(await resumed.take(2)).toEqual(['in the transaction', 'behind it']);
  await producer.disconnect();
});
