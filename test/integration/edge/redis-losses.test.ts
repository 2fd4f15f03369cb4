import { setTimeout as sleep } from 'node:timers/promises';
import ioredis from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RedisServer } from '../../platform/redis-server.js';
import { SelvageNode } from '../../platform/selvage-node.js';
import { uniqueName } from '../../platform/unique-name.js';
import { waitFor } from '../../platform/wait-for.js';
import { EdgeStream, metricOf, poll, publish } from './edge-client.js';
import { edgeEnv, tokenOf } from './edge-nodes.js';
import { connectsOfStorm, heldAt, heldInRedis, storm } from './storm.js';

const limit = 5;

describe('Redis', () => {
  const prefix = uniqueName('losses');
  let server: RedisServer;
  let nodes: [SelvageNode, SelvageNode];
  beforeAll(async () => {
    server = await RedisServer.start();
    const env = edgeEnv({ redisUrl: server.url, env: { SELVAGE_REDIS_PREFIX: prefix, SELVAGE_LIMITS_CONNECTIONS_PER_TENANT_MAX: '20' } });
    nodes = await Promise.all([SelvageNode.start({ env }), SelvageNode.start({ env })]);
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.close()));
    await server.close();
  });

  const isAlone = async (node: SelvageNode): Promise<boolean> => (await metricOf(node, 'selvage_limits_fallback')) === 1;

  test('that is killed ends no stream; each node holds the limit alone, and over both again when it is back', async () => {
    const [a, b] = nodes;
    const channel = uniqueName('away');
    const token = await tokenOf(uniqueName('alice'));
    const open = (node: SelvageNode): Promise<EdgeStream> => EdgeStream.begin(node, [channel], { token });
    const streams = await Promise.all([a, a, a, b, b].map(open));
    expect((await poll(a, [channel], token)).body).toMatchObject({ limit, present: limit });
    await server.kill();
    await publish(a, token, channel, 0);
    for (const stream of streams) await stream.until(() => stream.datas.length === 1, 'the event');
    await waitFor(async () => (await isAlone(a)) && (await isAlone(b)), { what: 'both nodes to know' });
    streams.push(...(await Promise.all([a, a, b, b, b].map(open))));
    for (const node of nodes) expect((await poll(node, [channel], token)).body).toMatchObject({ limit, present: limit });
    await publish(b, token, channel, 1);
    for (const stream of streams) await stream.until(() => stream.datas.at(-1) === '1', 'the second event');

    const backMs = performance.now();
    await server.start();
    await waitFor(async () => (await poll(a, [channel], token)).body.present === 2 * limit, {
      what: 'all to be counted',
      timeoutMs: 15_000,
    });
    await waitFor(async () => (await poll(b, [channel], token)).body.present === 2 * limit, {
      what: 'all to be counted',
      timeoutMs: 15_000,
    });
    console.log(`limits hold over both nodes ${Math.round(performance.now() - backMs)} ms after Redis was started again`);
    // Nobody is closed for what happened meanwhile.
    await publish(b, token, channel, 2);
    for (const stream of streams) await stream.until(() => stream.datas.at(-1) === '2', 'the third event');
    for (const stream of streams.splice(0, 6)) stream.close();
    await waitFor(async () => (await poll(a, [channel], token)).status === 200, { what: 'a place' });
    streams.push(await open(a));
    expect((await poll(b, [channel], token)).body).toMatchObject({ limit, present: limit });
    for (const stream of streams) stream.close();
  });

  test('that stands still during a storm has no lease too many when it moves on', async () => {
    const redis = new ioredis.Redis(server.url);
    const seed = Math.floor(Math.random() * 2 ** 32);
    await waitFor(async () => !(await isAlone(nodes[0])) && !(await isAlone(nodes[1])), { what: 'shared limits' });
    const raging = storm(nodes, seed);
    await sleep(200);
    server.pause();
    await sleep(1_500);
    server.resume();
    const { withHead } = await raging;
    const startedMs = performance.now();
    let held: readonly unknown[] = [];
    const isAllGivenBack = async (): Promise<boolean> => {
      held = [...(await Promise.all(nodes.map((node) => heldAt(node)))), ...(await heldInRedis(redis, prefix))];
      return held.every((one) => one === 0);
    };
    await waitFor(isAllGivenBack, { timeoutMs: 15_000, what: 'all places to be given back' }).catch((error: unknown) => {
      throw new Error(`${String(error)}: still held ${JSON.stringify(held)} (seed ${seed})`);
    });
    redis.disconnect();
    console.log(
      `${withHead} of ${connectsOfStorm} saw a head; everything given back ${Math.round(performance.now() - startedMs)} ms after the storm`,
    );
  });
});
