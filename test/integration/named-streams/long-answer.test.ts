import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { KafkaFixture } from '../../platform/kafka-fixture.js';
import { readMetric, startNode, writeConfigFile } from '../../platform/node-fixture.js';
import type { SelvageNode } from '../../platform/selvage-node.js';
import { sharedKafka, sharedRedis } from '../../platform/shared-services.js';
import { uniqueName } from '../../platform/unique-name.js';
import { waitFor } from '../../platform/wait-for.js';
import { OpenStream } from './open-stream.js';

const chunkCount = 10_000;
/** Of one channel, in the window. */
const windowEventsMax = 100;

let kafka: KafkaFixture;
let topic: string;
let node: SelvageNode;
beforeAll(async () => {
  const { brokers } = sharedKafka();
  kafka = await KafkaFixture.connect(brokers);
  topic = await kafka.makeTopic(1);
  const routes = [{ topic, channels: ['conversation.{key}'], keyed: 'murmur2', type: '{header:selvage-type|message}' }];
  const conversation = {
    name: 'conversation',
    path: '/conversations/{thread_id}',
    channels: 'conversation.{thread_id}',
    auth: 'none',
    permission: 'none',
    rewind: { to: ['user_message'] },
  };
  node = await startNode({
    brokers,
    redisUrl: sharedRedis().url,
    routes,
    env: {
      SELVAGE_CONFIG: writeConfigFile({ routes, streams: [conversation] }),
      SELVAGE_WINDOW_EVENTS_PER_CHANNEL_MAX: String(windowEventsMax),
      SELVAGE_RECENT_BYTES_MAX: '1048576',
      SELVAGE_LIMITS_EVENT_BYTES_MAX: '65536',
    },
  });
}, 60_000);
afterAll(async () => {
  await node.close();
  await kafka.close();
});

const say = (thread: string, type: string, ...values: readonly (string | number)[]): Promise<void> =>
  kafka.send(
    topic,
    values.map((value) => ({ key: thread, value: JSON.stringify(value), headers: { 'selvage-type': type } })),
  );

async function open(thread: string): Promise<OpenStream> {
  const stream = await OpenStream.open(`${node.url}/conversations/${thread}`);
  onTestFinished(() => stream.close());
  return stream;
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const datasOf = (stream: OpenStream, type: string): unknown[] =>
  stream.events.filter((event) => event.type === type).map(({ data }) => JSON.parse(data) as unknown);
const gapsOf = (stream: OpenStream): unknown[] =>
  stream.frames.filter(({ type }) => type === 'selvage.gap').map(({ data }) => JSON.parse(data) as unknown);

/** The node lets go of all but its last megabyte. */
const untilMemoryHoldsLess = (): Promise<true> =>
  waitFor(async () => (await readMetric(node, 'selvage_recent_events')) < chunkCount, { what: 'memory to hold less than the answer' });

/** The window has the whole topic; before that it still shows a beginning further back, and more of the answer can be found. */
async function untilIndexed(): Promise<void> {
  const end = Number((await kafka.admin.fetchTopicOffsets(topic))[0]?.high);
  await waitFor(async () => (await readMetric(node, 'selvage_window_high_offset', { topic })) >= end - 1, {
    timeoutMs: 30_000,
    what: 'the window',
  });
}

test('whoever joins in the middle of an answer that is longer than memory and window sees it whole, from the log', async () => {
  const thread = uniqueName('c');
  await say(thread, 'user_message', 'an older question');
  await say(thread, 'ai_response_complete', 'an older answer');
  await say(thread, 'user_message', 'the question');
  await say(thread, 'ai_response_start', 'x'.repeat(10));
  const witness = await open(thread);
  await witness.until(({ types }) => types.length >= 2, 'the question');
  await say(thread, 'ai_response_chunk', ...numbers(chunkCount));
  await witness.until((stream) => datasOf(stream, 'ai_response_chunk').length === chunkCount, 'the answer so far', 30_000);
  await untilMemoryHoldsLess();
  const scannedBefore = await readMetric(node, 'selvage_scanned_records_total');

  const late = await open(thread);
  await late.until((stream) => datasOf(stream, 'ai_response_chunk').length >= chunkCount, 'the whole answer', 30_000);
  await say(thread, 'ai_response_chunk', chunkCount);
  await say(thread, 'ai_response_complete', 'done');
  await late.until(({ types }) => types.includes('ai_response_complete'), 'the end of the answer');
  expect(gapsOf(late)).toEqual([]);
  expect(late.types.slice(0, 3)).toEqual(['user_message', 'ai_response_start', 'ai_response_chunk']);
  expect(datasOf(late, 'user_message')).toEqual(['the question']);
  expect(datasOf(late, 'ai_response_chunk')).toEqual(numbers(chunkCount + 1));
  expect(datasOf(late, 'ai_response_complete')).toEqual(['done']);
  expect(await readMetric(node, 'selvage_scanned_records_total')).toBeGreaterThan(scannedBefore);
});

test('an answer whose beginning lies beyond the bound: gap `too-far`, then what is known and what comes, without a hole', async () => {
  const boundOffsets = 20_000;
  const count = boundOffsets + 5_000;
  const thread = uniqueName('c');
  await say(thread, 'user_message', 'the question');
  const witness = await open(thread);
  await witness.until(({ types }) => types.length === 1, 'the question');
  for (let from = 0; from < count; from += 2_500) await say(thread, 'ai_response_chunk', ...numbers(2_500).map((n) => from + n));
  await witness.until((stream) => datasOf(stream, 'ai_response_chunk').at(-1) === count - 1, 'the answer so far', 30_000);
  await untilMemoryHoldsLess();
  await untilIndexed();

  const late = await open(thread);
  await late.until((stream) => datasOf(stream, 'ai_response_chunk').at(-1) === count - 1, 'what is known');
  await say(thread, 'ai_response_complete', 'done');
  await late.until(({ types }) => types.includes('ai_response_complete'), 'the end of the answer');
  expect(gapsOf(late)).toMatchObject([{ reason: 'too-far', from: null }]);
  expect(late.types).not.toContain('user_message');
  const chunks = datasOf(late, 'ai_response_chunk') as number[];
  expect(chunks.length).toBeGreaterThanOrEqual(windowEventsMax);
  expect(chunks).toEqual(numbers(chunks.length).map((n) => count - chunks.length + n));
});
