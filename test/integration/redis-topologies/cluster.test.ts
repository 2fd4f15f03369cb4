import { expect, onTestFinished, test } from 'vitest';
import { readMetric } from '../../platform/node-fixture.js';
import { RedisCluster } from '../../platform/redis-cluster.js';
import type { SelvageNode } from '../../platform/selvage-node.js';
import { sharedKafka, sharedRedis } from '../../platform/shared-services.js';
import { waitFor } from '../../platform/wait-for.js';
import { Deployment, keys, numbers } from './nodes.js';

test.skipIf(sharedRedis().isProvided || sharedKafka().isProvided)(
  'window and limits of two nodes live in a Redis Cluster, and survive the loss of one of its masters',
  { timeout: 120_000 },
  async () => {
    const redis = await RedisCluster.start();
    onTestFinished(() => redis.close());
    const deployment = await Deployment.start(`redis+cluster://${redis.addresses}`, { SELVAGE_WINDOW_BUCKETS: '8' });
    onTestFinished(() => deployment.close());
    const [first, second] = deployment.nodes.slice() as [SelvageNode, SelvageNode];
    const crowd = (n: number): string => `crowd ${n}`;
    const users = Array.from({ length: 12 }, (_, n) => crowd(n));
    const staying = await Promise.all(keys.map((key, i) => deployment.open(deployment.nodes[i % 2]!, key, `stays ${key}`)));
    // Users' places are spread over the masters as channels are.
    const crowded = await Promise.all(users.flatMap((user) => [deployment.open(first, 'a', user), deployment.open(second, 'b', user)]));
    for (const user of users) expect(await deployment.statusOfOneMore(second, user)).toBe(429);
    await deployment.write(0, 10);
    for (const stream of staying) await stream.until(() => stream.datas.length === 10, 'ten events');
    await deployment.waitUntilIndexed();

    const beginnings = staying.map((stream) => stream.frames.find(({ data }) => data === '0')?.id ?? '');
    const fresh = await deployment.addNode();
    const readAll = async (subject: string, to: number): Promise<void> => {
      for (const [i, key] of keys.entries()) {
        const stream = await deployment.open(fresh, key, `${subject} ${key}`, beginnings[i]);
        await stream.until(() => stream.datas.length === to - 1, `${to - 1} events of ${key}`);
        expect(stream.datas).toEqual(numbers(1, to));
        expect(stream.last('selvage.gap')).toBe(null);
        stream.close();
      }
    };
    await readAll('early', 10);
    // Every one of them from the Cluster: this node was not there when they came.
    expect(await readMetric(fresh, 'selvage_resumes_total', { tier: 'window', outcome: 'complete' })).toBe(keys.length);

    const lost = redis.nodes[0]!;
    await lost.kill();
    await deployment.write(10, 20);
    for (const stream of staying) await stream.until(() => stream.datas.length === 20, 'twenty events');
    await readAll('meanwhile', 20);
    await lost.start(); // empty
    await deployment.waitUntilIndexed();
    await deployment.write(20, 30);
    for (const stream of staying) {
      await stream.until(() => stream.datas.length === 30, 'thirty events');
      expect(stream.datas).toEqual(numbers(0, 30));
      expect(stream.last('selvage.gap')).toBe(null);
    }
    await readAll('late', 30);
    const areAllRefused = async (): Promise<boolean> => {
      const asked = await Promise.all(users.map((user) => deployment.statusOfOneMore(second, user)));
      return asked.every((status) => status === 429);
    };
    await waitFor(areAllRefused, { timeoutMs: 30_000, everyMs: 300, what: 'the limit of every user over both nodes' });
    for (const stream of [...staying, ...crowded]) stream.close();
  },
);
