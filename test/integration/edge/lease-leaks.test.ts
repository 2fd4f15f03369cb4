import ioredis from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SelvageNode } from '../../platform/selvage-node.js';
import { sharedRedis } from '../../platform/shared-services.js';
import { waitFor } from '../../platform/wait-for.js';
import { edgeEnv } from './edge-nodes.js';
import { connectsOfStorm, heldAt, heldInRedis, storm } from './storm.js';

const drawn = Math.floor(Math.random() * 2 ** 32);

describe.each(['two nodes on Kafka and Redis', 'the embedded default'])('%s', (where) => {
  const isEmbedded = where.startsWith('the');
  const nodes: SelvageNode[] = [];
  const redis = isEmbedded ? null : new ioredis.Redis(sharedRedis().url);
  const { KAFKA_BROKERS, REDIS_URL, SELVAGE_REDIS_PREFIX, ...alone } = edgeEnv({
    env: { SELVAGE_LIMITS_CONNECTIONS_PER_TENANT_MAX: '20', SELVAGE_LIMITS_CONNECTIONS_PER_ADDRESS_MAX: '1000' },
  });
  const env = isEmbedded ? alone : { ...alone, KAFKA_BROKERS, REDIS_URL, SELVAGE_REDIS_PREFIX };
  beforeAll(async () => {
    nodes.push(...(await Promise.all(Array.from({ length: isEmbedded ? 1 : 2 }, () => SelvageNode.start({ env })))));
  });
  afterAll(async () => {
    redis?.disconnect();
    await Promise.all(nodes.map((node) => node.close()));
  });

  test.each([1, 2])('of 300 connects that go at random moments none leaves a place behind (storm %i)', async (which) => {
    const seed = drawn ^ which;
    const { withHead } = await storm(nodes, seed);
    const startedMs = performance.now();
    let held: readonly unknown[] = [];
    const isAllGivenBack = async (): Promise<boolean> => {
      held = [
        ...(await Promise.all(nodes.map((node) => heldAt(node)))),
        ...(redis === null ? [] : await heldInRedis(redis, SELVAGE_REDIS_PREFIX)),
      ];
      return held.every((one) => one === 0);
    };
    await waitFor(isAllGivenBack, { timeoutMs: 5_000, what: 'all places to be given back' }).catch((error: unknown) => {
      throw new Error(`${String(error)}: still held ${JSON.stringify(held)} (seed ${seed})`);
    });
    console.log(
      `${where}: ${withHead} of ${connectsOfStorm} saw a head; everything given back ${Math.round(performance.now() - startedMs)} ms after the storm`,
    );
    // Some went before they were admitted, some after.
    expect(withHead).toBeGreaterThan(connectsOfStorm / 10);
    expect(withHead).toBeLessThan(connectsOfStorm);
    expect(nodes.every(({ isRunning }) => isRunning)).toBe(true);
  });
});
