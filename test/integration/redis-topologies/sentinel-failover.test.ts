import { expect, onTestFinished, test } from 'vitest';
import { readMetric } from '../../platform/node-fixture.js';
import { RedisSentinelSet } from '../../platform/redis-sentinel-set.js';
import type { SelvageNode } from '../../platform/selvage-node.js';
import { sharedKafka, sharedRedis } from '../../platform/shared-services.js';
import { waitFor } from '../../platform/wait-for.js';
import { Deployment, keys, numbers } from './nodes.js';

test.skipIf(sharedRedis().isProvided || sharedKafka().isProvided)(
  'streams go on and returns are exact while Sentinels replace the master; then window and limits are there again',
  { timeout: 120_000 },
  async () => {
    const redis = await RedisSentinelSet.start();
    onTestFinished(() => redis.close());
    const deployment = await Deployment.start(`redis+sentinel://${redis.sentinels}/${redis.masterName}`);
    onTestFinished(() => deployment.close());
    const [first, second] = deployment.nodes.slice() as [SelvageNode, SelvageNode];
    const staying = await Promise.all(keys.map((key, i) => deployment.open(deployment.nodes[i % 2]!, key, `stays ${key}`)));
    const leaving = await deployment.open(first, 'a', 'comes back');
    const crowded = [await deployment.open(first, 'a', 'crowd'), await deployment.open(second, 'a', 'crowd')];
    expect(await deployment.statusOfOneMore(first, 'crowd')).toBe(429);
    await deployment.write(0, 10);
    for (const stream of [...staying, leaving]) await stream.until(() => stream.datas.length === 10, 'ten events');
    await deployment.waitUntilIndexed();
    const lastEventId = leaving.lastId;
    leaving.close();

    await redis.master.kill();
    await deployment.write(10, 20);
    const back = await deployment.open(second, 'a', 'comes back', lastEventId);
    await back.until(() => back.datas.length === 10, 'what it missed during the failover');
    expect(back.datas).toEqual(numbers(10, 20));
    for (const node of deployment.nodes) {
      await waitFor(async () => (await readMetric(node, 'selvage_window_usable')) === 1, { timeoutMs: 40_000, what: 'the new master' });
    }
    await deployment.write(20, 30);
    await deployment.waitUntilIndexed();

    for (const stream of staying) {
      await stream.until(() => stream.datas.length === 30, 'thirty events');
      expect(stream.datas).toEqual(numbers(0, 30));
      expect(stream.last('selvage.gap')).toBe(null);
    }
    // Nothing of this is in its memory: it has what the new master has, or the log.
    const fresh = await deployment.addNode();
    const late = await deployment.open(fresh, 'a', 'comes back late', back.frames.findLast(({ data }) => data === '19')?.id ?? '');
    await late.until(() => late.datas.length === 10, 'what came after the failover');
    expect(late.datas).toEqual(numbers(20, 30));
    expect(await readMetric(fresh, 'selvage_resumes_total', { tier: 'window', outcome: 'complete' })).toBe(1);
    const whole = await deployment.open(fresh, 'a', 'comes back very late', lastEventId);
    await whole.until(() => whole.datas.length === 20, 'what came since before the failover');
    expect(whole.datas).toEqual(numbers(10, 30));
    // Both nodes count the user's streams in the new master.
    for (const node of deployment.nodes) {
      const isRefused = async (): Promise<boolean> => (await deployment.statusOfOneMore(node, 'crowd')) === 429;
      await waitFor(isRefused, { timeoutMs: 20_000, everyMs: 200, what: 'the limit over all nodes' });
    }
    for (const stream of [...staying, ...crowded, back, late, whole]) stream.close();
  },
);
