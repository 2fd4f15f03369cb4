import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { KafkaFixture } from '../../platform/kafka-fixture.js';
import { readMetric, startNode } from '../../platform/node-fixture.js';
import { RedisServer } from '../../platform/redis-server.js';
import type { SelvageNode } from '../../platform/selvage-node.js';
import { sharedKafka, sharedRedis } from '../../platform/shared-services.js';
import { SseReader } from '../../platform/sse-reader.js';
import { uniqueName } from '../../platform/unique-name.js';
import { waitFor } from '../../platform/wait-for.js';

vi.setConfig({ testTimeout: 120_000 });

/** The present state of a channel, when what keeps it was emptied, is away, or is all that has it. */
const { brokers, isProvided } = sharedKafka();
let kafka: KafkaFixture;
beforeAll(async () => {
  kafka = await KafkaFixture.connect(brokers);
});
afterAll(() => kafka.close());

interface Scene extends AsyncDisposable {
  readonly topic: string;
  readonly redis: RedisServer;
  readonly node: SelvageNode;
  /** Writes one event of the channel `task.<task>`. */
  say(task: string, ...values: readonly string[]): Promise<void>;
  /** Likewise, so old by its record time. */
  sayOld(ageMs: number, task: string, ...values: readonly string[]): Promise<void>;
  open(task: string, lastEventId?: string | null): Promise<SseReader>;
  /** The node ends by force, and starts with nothing in memory. */
  forget(): Promise<void>;
}

/** A node with a Redis of its own, and a route that keeps the latest event of every channel. */
async function prepare(isCompacted: boolean): Promise<Scene> {
  const redis = await RedisServer.start();
  const readers: SseReader[] = [];
  const topic = await kafka.makeTopic(1, isCompacted ? { 'cleanup.policy': 'compact' } : {});
  const route = { topic, channels: ['task.{key}'], keyed: 'murmur2', latest: { ttlSeconds: 3_600 } };
  const node = await startNode({
    brokers,
    redisUrl: redis.url,
    routes: [isCompacted ? { ...route, compacted: 'current-state' } : route],
    env: { SELVAGE_STREAM_KEEP_ALIVE_MS: '500' },
  });
  const scene: Scene = {
    topic,
    redis,
    node,
    say: (task, ...values) => scene.sayOld(0, task, ...values),
    sayOld: (ageMs, task, ...values) =>
      kafka.send(
        topic,
        values.map((value) => ({ key: task, value, timestamp: String(Date.now() - ageMs) })),
      ),
    async open(task, lastEventId = null) {
      const reader = await SseReader.open(node, `channel=task.${task}`, { lastEventId });
      readers.push(reader);
      return reader;
    },
    async forget() {
      await node.kill();
      await node.start();
    },
    async [Symbol.asyncDispose]() {
      for (const reader of readers) reader.close();
      await Promise.all([node.close(), redis.close()]);
    },
  };
  return scene;
}

/** Waits for the window to have all that was said. After a kill the indexer is away for as long as its session lasts. */
async function untilIndexed({ node, topic }: Pick<Scene, 'node' | 'topic'>): Promise<void> {
  const end = await kafka.endOf(topic);
  const high = (): Promise<number> => readMetric(node, 'selvage_window_high_offset', { topic });
  await waitFor(async () => (await high()) === end - 1, { what: 'the window to have it', timeoutMs: 30_000 });
}

/** Says `values` and returns when a fresh reader is told the last of them as the present state, which Redis alone can know. */
async function keep(scene: Scene, task: string, ...values: readonly string[]): Promise<void> {
  const witness = await scene.open(task);
  // Older than the window: an indexer that begins anew on an empty one does not come by them again.
  await scene.sayOld(600_000, task, ...values);
  await witness.take(values.length);
  await untilIndexed(scene);
  await scene.forget();
  const reader = await scene.open(task);
  expect(await reader.take(1)).toEqual([values.at(-1)]);
  expect(reader.gaps).toEqual([]);
}

test
  .skipIf(isProvided)
  .concurrent('of a compacted topic it is made anew from the log after Redis was emptied, and comes at once', async () => {
    await using scene = await prepare(true);
    const [task, other] = [uniqueName('t'), uniqueName('t')];
    await keep(scene, task, '1', '2');
    await scene.say(other, 'another');
    await scene.redis.flush();
    const reader = await scene.open(task);
    await reader.until(() => reader.datas.at(-1) === '2', 'the present state');
    expect(reader.gaps).toEqual([]);
    await scene.say(task, '3');
    await reader.until(() => reader.datas.at(-1) === '3', 'the next change');
    const late = await scene.open(task);
    expect(await late.take(1)).toEqual(['3']);
    const ofOther = await scene.open(other);
    expect(await ofOther.take(1)).toEqual(['another']);
    expect([...late.gaps, ...ofOther.gaps]).toEqual([]);
  });

test.skipIf(isProvided).concurrent('of a compacted topic a node that starts on an empty Redis keeps it again', async () => {
  await using scene = await prepare(true);
  const task = uniqueName('t');
  await keep(scene, task, '1', '2');
  await scene.node.kill();
  await scene.redis.flush();
  await scene.node.start();
  const reader = await scene.open(task);
  await reader.until(() => reader.datas.at(-1) === '2', 'the present state');
  // The window has it again: it is told alone, and the log is not read for it.
  const isKeptAgain = async (): Promise<boolean> => {
    const scanned = await readMetric(scene.node, 'selvage_scanned_records_total');
    using fresh = await scene.open(task);
    const datas = await fresh.take(1);
    return datas[0] === '2' && (await readMetric(scene.node, 'selvage_scanned_records_total')) === scanned;
  };
  await waitFor(isKeptAgain, { what: 'the window to have it again', timeoutMs: 30_000 });
});

test.skipIf(isProvided).concurrent('of a compacted topic it comes from the log while Redis is away', async () => {
  await using scene = await prepare(true);
  const task = uniqueName('t');
  await keep(scene, task, '1', '2');
  await scene.redis.kill();
  for (const round of ['on a node that has lost it', 'on a node that starts without it']) {
    const reader = await scene.open(task);
    await reader.until(() => reader.datas.at(-1) === '2', `the present state ${round}`);
    expect(reader.gaps).toEqual([]);
    if (round.endsWith('lost it')) await scene.forget();
    else await scene.say(task, '3').then(() => reader.until(() => reader.datas.at(-1) === '3', 'the next change'));
  }
});

test
  .skipIf(isProvided)
  .concurrent('of another topic an emptied Redis is a gap, then live; the next event makes it known again', async () => {
    await using scene = await prepare(false);
    const [task, quiet] = [uniqueName('t'), uniqueName('t')];
    await keep(scene, quiet, '1');
    await keep(scene, task, '1');
    await scene.redis.flush();
    const reader = await scene.open(task);
    expect(reader.gaps).toMatchObject([{ reason: 'store-lost', from: null }]);
    await scene.say(task, '2');
    expect(await reader.take(1)).toEqual(['2']);
    await untilIndexed(scene);
    await scene.forget();
    const late = await scene.open(task);
    expect(await late.take(1)).toEqual(['2']);
    expect(late.gaps).toEqual([]);
    // Nothing has come of this one since: nobody can know it.
    const ofQuiet = await scene.open(quiet);
    expect(ofQuiet.gaps).toMatchObject([{ reason: 'store-lost' }]);
    // The gap's own position is good: coming back with it tells none.
    const again = await scene.open(quiet, ofQuiet.lastId);
    await scene.say(quiet, '2');
    expect(await again.take(1)).toEqual(['2']);
    expect(again.gaps).toEqual([]);
  });

test
  .skipIf(isProvided)
  .concurrent('of another topic a Redis that is away is a gap, then live; when it is back, it is known again', async () => {
    await using scene = await prepare(false);
    const task = uniqueName('t');
    await keep(scene, task, '1');
    await scene.redis.kill();
    const reader = await scene.open(task);
    expect(reader.gaps).toMatchObject([{ reason: 'store-lost', from: null }]);
    await scene.say(task, '2');
    expect(await reader.take(1)).toEqual(['2']);
    await scene.redis.start();
    await untilIndexed(scene);
    await scene.forget();
    const late = await scene.open(task);
    expect(await late.take(1)).toEqual(['2']);
    expect(late.gaps).toEqual([]);
  });

test.skipIf(isProvided).concurrent('what memory has is known, with Redis emptied or away', async () => {
  await using scene = await prepare(false);
  const task = uniqueName('t');
  const witness = await scene.open(task);
  await scene.say(task, '1', '2');
  await witness.take(2);
  for (const end of [() => scene.redis.flush(), () => scene.redis.kill()]) {
    await end();
    const reader = await scene.open(task);
    expect(await reader.take(1)).toEqual(['2']);
    expect(reader.gaps).toEqual([]);
  }
});

test.concurrent('it is kept past the window: a node that has just started tells it at once', async () => {
  const windowSeconds = 34; // the shortest that the program takes
  const topic = await kafka.makeTopic(1);
  const group = uniqueName('kept');
  const options = {
    brokers,
    redisUrl: sharedRedis().url,
    routes: [{ topic, channels: ['task.{key}'], keyed: 'murmur2', latest: { ttlSeconds: 3_600 } }],
    env: { SELVAGE_GROUP: group, SELVAGE_RECENT_AGE_SECONDS: '33', SELVAGE_WINDOW_AGE_SECONDS: String(windowSeconds) },
  };
  await using first = await startNode(options);
  using witness = await SseReader.open(first, 'channel=task.a');
  await kafka.send(topic, [{ key: 'a', value: 'old' }]);
  await witness.take(1);
  await sleep((windowSeconds + 4) * 1_000);
  await kafka.send(topic, [{ key: 'b', value: 'newer' }]);
  await using second = await startNode(options);
  using reader = await SseReader.open(second, 'channel=task.a');
  expect(await reader.take(1)).toEqual(['old']);
  expect(reader.gaps).toEqual([]);
  using rewound = await SseReader.open(second, 'channel=task.a&rewind=1');
  await kafka.send(topic, [{ key: 'a', value: 'new' }]);
  for (const one of [reader, rewound]) await one.until(() => one.datas.at(-1) === 'new', 'the next event');
  expect(reader.datas).toEqual(['old', 'new']);
  // The window itself no longer has it.
  expect(rewound.datas).toEqual(['new']);
});

test.concurrent('it is told once to a reader of two of its channels, with a window and without', async () => {
  for (const redisUrl of [sharedRedis().url, null]) {
    const topic = await kafka.makeTopic(1);
    const route = { topic, channels: ['task.{key}', 'watch.{key}'], keyed: 'murmur2', latest: { ttlSeconds: 3_600 } };
    await using node = await startNode({ brokers, redisUrl, routes: [route] });
    using witness = await SseReader.open(node, 'channel=watch.a');
    await kafka.send(topic, [{ key: 'a', value: '1' }]);
    await witness.take(1);
    if (redisUrl !== null) await untilIndexed({ node, topic });
    using reader = await SseReader.open(node, 'channel=task.a&channel=watch.a');
    using enveloped = await SseReader.open(node, 'channel=task.a&channel=watch.a&format=envelope');
    await enveloped.take(1);
    await kafka.send(topic, [{ key: 'a', value: '2' }]);
    await reader.until(() => reader.datas.at(-1) === '2', 'the next event');
    await enveloped.until(() => enveloped.datas.length === 2, 'the next event');
    expect(reader.datas).toEqual(['1', '2']);
    const channels = ['task.a', 'watch.a'];
    expect(enveloped.datas.map((data) => JSON.parse(data) as object)).toMatchObject([
      { channels, data: 1 },
      { channels, data: 2 },
    ]);
    expect(reader.gaps).toEqual([]);
  }
});
