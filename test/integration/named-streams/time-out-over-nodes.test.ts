import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { KafkaFixture } from '../../platform/kafka-fixture.js';
import { readMetric, writeConfigFile } from '../../platform/node-fixture.js';
import { SelvageNode } from '../../platform/selvage-node.js';
import { sharedKafka, sharedRedis } from '../../platform/shared-services.js';
import { uniqueName } from '../../platform/unique-name.js';
import { waitFor } from '../../platform/wait-for.js';
import { OpenStream } from './open-stream.js';

vi.setConfig({ testTimeout: 120_000 });
const timeoutMs = 20_000;

let kafka: KafkaFixture;
let topic: string;
/** Two edges, and an indexer that may be taken away. */
const nodes: SelvageNode[] = [];
let indexer: SelvageNode;
beforeAll(async () => {
  kafka = await KafkaFixture.connect(sharedKafka().brokers);
  topic = await kafka.makeTopic(2);
  const config = {
    routes: [{ topic, channels: ['task.{key}'], keyed: 'murmur2', type: '{header:selvage-type|progress}', latest: { ttlSeconds: 3_600 } }],
    streams: [
      {
        name: 'task',
        path: '/tasks/{task_id}',
        channels: 'task.{task_id}',
        auth: 'none',
        permission: 'none',
        state: 'latest',
        until: ['complete', 'error'],
        timeout: { seconds: timeoutMs / 1_000, type: 'timeout', data: { message: 'No progress' } },
      },
    ],
  };
  const env = {
    HOST: '127.0.0.1',
    KAFKA_BROKERS: sharedKafka().brokers,
    REDIS_URL: sharedRedis().url,
    SELVAGE_CONFIG: writeConfigFile(config),
    SELVAGE_GROUP: uniqueName('time-out'),
    SELVAGE_DRAIN_BALANCER_WAIT_SECONDS: '0',
  };
  const edge = { env: { ...env, SELVAGE_ROLES: 'edge' } };
  nodes.push(...(await Promise.all([SelvageNode.start(edge), SelvageNode.start(edge)])));
  indexer = await SelvageNode.start({ env: { ...env, SELVAGE_ROLES: 'indexer' } });
}, 90_000);
afterAll(async () => {
  await Promise.all([...nodes, indexer].map((node) => node.close()));
  await kafka.close();
});

async function open(node: SelvageNode, task: string, lastEventId?: string): Promise<OpenStream> {
  const stream = await OpenStream.open(`${node.url}/tasks/${task}`, lastEventId === undefined ? {} : { lastEventId });
  onTestFinished(() => stream.close());
  return stream;
}

/** Waits for the window to have all that the topic has. */
async function indexed(): Promise<void> {
  const ends = await Promise.all([0, 1].map((partition) => kafka.endOf(topic, partition)));
  const isIndexed = async (partition: number): Promise<boolean> =>
    (await readMetric(indexer, 'selvage_window_high_offset', { topic, partition: String(partition) })) >= (ends[partition] ?? 0) - 1;
  await waitFor(async () => (await Promise.all([0, 1].map(isIndexed))).every(Boolean), {
    what: 'the window to have it',
    timeoutMs: 30_000,
  });
}

/** The bound is exact to a second by the product's word; the rest is this machine's. */
function expectAtItsTime(stream: OpenStream, saidMs: number): void {
  const tookMs = Date.now() - saidMs;
  expect(stream.types.at(-1)).toBe('timeout');
  expect(stream.data('selvage.close')).toMatchObject({ code: 'timeout', reconnect: 'stop' });
  expect(tookMs).toBeGreaterThanOrEqual(timeoutMs - 50);
  expect(tookMs).toBeLessThan(timeoutMs + 2_500);
}

test('it counts from the last event by its record time, over kills of nodes and reconnects to the other', async () => {
  const [first, second] = nodes as [SelvageNode, SelvageNode];
  const task = uniqueName('t');
  await kafka.send(topic, [{ key: task, value: '"an earlier one"' }]);
  const saidMs = Date.now();
  await kafka.send(topic, [{ key: task, value: '"the last"', timestamp: String(saidMs) }]);

  let stream = await open(first, task);
  await stream.until(({ events }) => events.at(-1)?.data === '"the last"', 'the present state');
  await first.kill();
  await stream.until(({ isEnded }) => isEnded, 'the cut');
  stream = await open(second, task, stream.lastId);
  await stream.until(({ frames }) => frames.length > 0, 'the head on the other node');
  await first.start();
  stream.close();
  await second.kill();
  onTestFinished(() => (second.isRunning ? undefined : second.start()));
  // It has just started: of the task it has nothing in memory.
  stream = await open(first, task, stream.lastId);
  await stream.until(({ frames }) => frames.length > 0, 'the head on the node that has come back');
  expect(stream.isEnded).toBe(false);
  await stream.until(({ isEnded }) => isEnded, 'the time-out', timeoutMs + 10_000);
  expectAtItsTime(stream, saidMs);
  expect(stream.types).toEqual(['timeout']);
  expect((await open(first, task, stream.lastId)).status).toBe(204);
  await second.start();
  expect((await open(second, task, stream.lastId)).status).toBe(204);
});

test('an event puts it off, and it counts anew from that one, on another node too', async () => {
  const [first, second] = nodes as [SelvageNode, SelvageNode];
  const task = uniqueName('t');
  // By its record time most of the time has passed already.
  await kafka.send(topic, [{ key: task, value: '1', timestamp: String(Date.now() - timeoutMs + 6_000) }]);
  const streams = [await open(first, task), await open(second, task)];
  for (const stream of streams) await stream.until(({ types }) => types.length === 1, 'the present state');
  const saidMs = Date.now();
  await kafka.send(topic, [{ key: task, value: '2', timestamp: String(saidMs) }]);
  for (const stream of streams) await stream.until(({ types }) => types.length === 2, 'the event');
  const late = await open(second, task, streams[0]?.lastId);
  for (const stream of [...streams, late]) {
    await stream.until(({ isEnded }) => isEnded, 'the time-out', timeoutMs + 10_000);
    expectAtItsTime(stream, saidMs);
  }
  expect(streams.map(({ types }) => types)).toEqual(Array(2).fill(['progress', 'progress', 'timeout']));
  expect(late.types).toEqual(['timeout']);
});

test('what is not in the window yet counts too, on a node that has just started', async () => {
  const [first, second] = nodes as [SelvageNode, SelvageNode];
  const task = uniqueName('t');
  // The window knows of one that is about to run out.
  const earlierMs = Date.now() - timeoutMs + 9_000;
  await kafka.send(topic, [{ key: task, value: '1', timestamp: String(earlierMs) }]);
  await indexed();
  await indexer.kill();
  onTestFinished(() => indexer.start());
  const witness = await open(second, task);
  await witness.until(({ types }) => types.length === 1, 'the present state');
  const saidMs = Date.now();
  await kafka.send(topic, [{ key: task, value: '2', timestamp: String(saidMs) }]);
  await witness.until(({ types }) => types.length === 2, 'the event');
  await first.kill();
  await first.start();
  const resumed = await open(first, task, witness.lastId);
  for (const stream of [witness, resumed]) {
    await stream.until(({ isEnded }) => isEnded, 'the time-out', timeoutMs + 10_000);
    expectAtItsTime(stream, saidMs);
  }
  expect(resumed.types).toEqual(['timeout']);
});

test('whoever comes when it has passed is told the state, the time-out and the end, on both nodes', async () => {
  const task = uniqueName('t');
  await kafka.send(topic, [{ key: task, value: '1', timestamp: String(Date.now() - timeoutMs - 1_000) }]);
  for (const node of nodes) {
    const stream = await open(node, task);
    await stream.until(({ isEnded }) => isEnded, 'the end');
    expect(stream.types).toEqual(['progress', 'timeout']);
  }
});
