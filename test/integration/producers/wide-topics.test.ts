import { afterAll, beforeAll, expect, test } from 'vitest';
import { KafkaFixture } from '../../platform/kafka-fixture.js';
import { startNode } from '../../platform/node-fixture.js';
import type { SelvageNode } from '../../platform/selvage-node.js';
import { sharedKafka, sharedRedis } from '../../platform/shared-services.js';
import { SseReader } from '../../platform/sse-reader.js';
import { waitFor } from '../../platform/wait-for.js';

const { brokers } = sharedKafka();
const widths = [12, 100, 200];
/** The default of 512 is too little for what 100 partitions may grow to. */
const positionBytesMax = 900;
let kafka: KafkaFixture;
let node: SelvageNode;
const topics = new Map<number, string>();
let timed: string;

beforeAll(async () => {
  kafka = await KafkaFixture.connect(brokers);
  for (const width of widths) topics.set(width, await kafka.makeTopic(width, {}, `wide-${width}`));
  timed = await kafka.makeTopic(200, {}, 'wide-timed');
  node = await startNode({
    brokers,
    redisUrl: sharedRedis().url,
    routes: [
      ...widths.map((width) => ({ topic: topics.get(width), channels: [`all-${width}`] })),
      { topic: timed, channels: ['timed'], position: 'time' },
    ],
    env: { SELVAGE_STREAM_KEEP_ALIVE_MS: '200', SELVAGE_STREAM_POSITION_BYTES_MAX: String(positionBytesMax) },
  });
});

afterAll(async () => {
  await node.close();
  await kafka.close();
});

/** One record into each partition, told apart by `round`. */
const sendRound = (topic: string, width: number, round: string): Promise<void> =>
  kafka.send(
    topic,
    Array.from({ length: width }, (_, partition) => ({ partition, value: `${round} ${partition}` })),
  );
const rounds = (width: number, ...names: string[]): string[] =>
  names.flatMap((round) => Array.from({ length: width }, (_, partition) => `${round} ${partition}`)).sort();

test.each([12, 100])('every record of an unkeyed topic of %i partitions comes once, live and resumed', async (width) => {
  const topic = topics.get(width) ?? '';
  const live = await SseReader.open(node, `channel=all-${width}`);
  await sendRound(topic, width, 'one');
  await live.take(width);
  const halfWay = live.events[Math.floor(width / 2)];
  const had = live.datas.slice(0, Math.floor(width / 2) + 1);
  await sendRound(topic, width, 'two');
  await live.take(2 * width);
  expect([...live.datas].sort()).toEqual(rounds(width, 'one', 'two'));
  for (const { id } of live.events) expect(id?.length).toBeLessThanOrEqual(positionBytesMax);
  using resumed = await SseReader.open(node, `channel=all-${width}`, { lastEventId: halfWay?.id ?? null });
  await resumed.take(2 * width - had.length);
  expect([...had, ...resumed.datas].sort()).toEqual(rounds(width, 'one', 'two'));
  expect([...live.gaps, ...resumed.gaps]).toEqual([]);
  live.close();
});

async function askUntilRefused(url: string): Promise<Response | null> {
  const answer = await fetch(url);
  if (answer.status !== 200) return answer;
  await answer.body?.cancel(); // the tail is not there yet
  return null;
}

test('an unkeyed topic of 200 partitions is refused before the stream opens, with the reason and the way out', async () => {
  // The topic is empty and its position short: room is asked for what it grows to.
  const answer = await waitFor(() => askUntilRefused(`${node.url}/v1/events?channel=all-200`), { what: 'a refusal' });
  const problem = (await answer.json()) as { type: string; detail: string };
  expect(answer.status).toBe(400);
  expect(problem.type).toBe('urn:selvage:error:subscription-too-wide');
  expect(problem.detail).toContain('"position: time"');
});

test('by time, 200 partitions resume at least once on a short position, also without memory', async () => {
  const live = await SseReader.open(node, 'channel=timed');
  await sendRound(timed, 200, 'one');
  await live.take(200);
  for (const { id } of live.events) expect(id?.length).toBeLessThanOrEqual(64);
  live.close();
  await sendRound(timed, 200, 'two');
  await node.kill();
  await node.start();
  using resumed = await SseReader.open(node, 'channel=timed', { lastEventId: live.lastId });
  await resumed.until(() => rounds(200, 'two').every((value) => resumed.datas.includes(value)), 'all of the second round');
  expect(resumed.gaps).toEqual([]);
  await sendRound(timed, 200, 'three');
  await resumed.until(() => rounds(200, 'three').every((value) => resumed.datas.includes(value)), 'all of the third round');
});

test('a keyed topic of 200 partitions has positions of one partition', async () => {
  const topic = await kafka.makeTopic(200, {}, 'wide-keyed');
  await using own = await startNode({ brokers, redisUrl: null, routes: [{ topic, channels: ['k.{key}'], keyed: 'murmur2' }] });
  using reader = await SseReader.open(own, 'channel=k.seven');
  const values = Array.from({ length: 20 }, (_, n) => String(n));
  await kafka.send(
    topic,
    values.map((value) => ({ key: 'seven', value })),
  );
  expect(await reader.take(20)).toEqual(values);
  for (const { id } of reader.events) expect(id?.length).toBeLessThanOrEqual(30);
  await own.kill();
  await own.start();
  using resumed = await SseReader.open(own, 'channel=k.seven', { lastEventId: reader.events[9]?.id ?? null });
  expect(await resumed.take(10)).toEqual(values.slice(10));
});
