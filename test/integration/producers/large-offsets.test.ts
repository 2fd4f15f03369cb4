import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { KafkaCluster } from '../../platform/kafka-cluster.js';
import { KafkaFixture } from '../../platform/kafka-fixture.js';
import { startNode } from '../../platform/node-fixture.js';
import { makeRunFolder } from '../../platform/run-folder.js';
import { sharedKafka, sharedRedis } from '../../platform/shared-services.js';
import { SseReader } from '../../platform/sse-reader.js';

/** Where the log begins: beyond 32 bits, so that nothing on the way may take an offset for one. */
const firstOffset = 5_000_000_000;

/** Makes the empty log of a stopped broker begin at `offset`, as after years of records and retention: its one segment is named by it. */
function advanceEmptyLog(folder: string, topic: string, offset: number): void {
  const path = join(folder, `${topic}-0`);
  const base = String(offset).padStart(20, '0');
  for (const file of readdirSync(path)) {
    if (file.endsWith('.log')) renameSync(join(path, file), join(path, `${base}.log`));
    else if (/^\d{20}\./.test(file) || file === 'leader-epoch-checkpoint') rmSync(join(path, file));
  }
  // What the broker remembers of the old beginning.
  for (const name of ['recovery-point-offset-checkpoint', 'replication-offset-checkpoint', 'log-start-offset-checkpoint']) {
    writeFileSync(join(folder, name), '0\n0\n');
  }
}

test.skipIf(sharedKafka().isProvided)('offsets beyond 32 bits: live, resumed from the window, and read from the log', async () => {
  const folder = makeRunFolder('large-offsets');
  await using cluster = await KafkaCluster.start({ properties: { 'log.dirs': folder } });
  const kafka = await KafkaFixture.connect(cluster.brokers);
  const topic = await kafka.makeTopic(1);
  await cluster.stop();
  advanceEmptyLog(folder, topic, firstOffset);
  await cluster.start();
  expect(await kafka.endOf(topic)).toBe(firstOffset);

  await using node = await startNode({ brokers: cluster.brokers, redisUrl: sharedRedis().url, routes: [{ topic, channels: ['big'] }] });
  using live = await SseReader.open(node, 'channel=big');
  const values = Array.from({ length: 20 }, (_, n) => String(n));
  await kafka.send(
    topic,
    values.map((value) => ({ value })),
  );
  expect(await live.take(20)).toEqual(values);
  const ids = live.events.map(({ id }) => id ?? '');
  expect(ids.map((id) => Number.parseInt(id.split('-').at(-1) ?? '', 36))).toEqual(values.map((_, n) => firstOffset + n + 1));

  for (const env of [{}, { REDIS_URL: '' }]) {
    const redisUrl = 'REDIS_URL' in env ? null : sharedRedis().url;
    await using other = await startNode({ brokers: cluster.brokers, redisUrl, routes: [{ topic, channels: ['big'] }] });
    using resumed = await SseReader.open(other, 'channel=big', { lastEventId: ids[4] ?? null });
    expect(await resumed.take(15)).toEqual(values.slice(5));
    expect(resumed.gaps).toEqual([]);
  }
  using other = await SseReader.open(node, 'channel=big', { lastEventId: ids[19]?.replace(/[^-]*$/, '1') ?? null });
  await other.take(20);
  expect(other.gaps).toMatchObject([{ reason: 'expired' }]);
  await kafka.close();
});
