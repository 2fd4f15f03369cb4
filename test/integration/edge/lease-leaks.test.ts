import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import ioredis from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SelvageNode } from '../../platform/selvage-node.js';
import { sharedRedis } from '../../platform/shared-services.js';
import { uniqueName } from '../../platform/unique-name.js';
import { waitFor } from '../../platform/wait-for.js';
import { EdgeStream, metricOf, usageOf } from './edge-client.js';
import { edgeEnv, tokenOf } from './edge-nodes.js';

const connectsOfStorm = 300;
const usersOfStorm = 20;
const drawn = Math.floor(Math.random() * 2 ** 32);

/** Small and good enough (mulberry32): a storm can be had again from its seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Connects, asks, and cuts at a moment between before the last byte of the request and long after the head of the answer. Whether a head came. */
async function comeAndGo(node: SelvageNode, request: string, lifeMs: number, isCutShort: boolean): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port: node.port });
  let hasHead = false;
  socket.on('data', () => (hasHead = true));
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
  socket.write(isCutShort ? request.slice(0, -2) : request);
  await sleep(lifeMs);
  // A reset and an orderly end are noticed in different places.
  if (lifeMs % 2 < 1) socket.resetAndDestroy();
  else socket.destroy();
  return hasHead;
}

/** Requests of many users that end at every moment; both nodes at once. */
async function storm(nodes: readonly SelvageNode[], seed: number): Promise<{ readonly withHead: number }> {
  const random = randomFrom(seed);
  const subjects = Array.from({ length: usersOfStorm }, () => uniqueName('storm'));
  const tokens = await Promise.all(subjects.map((subject, i) => tokenOf(subject, { tenant: `tenant-${i % 3}` })));
  const channel = uniqueName('storm');
  const first = await EdgeStream.begin(nodes[0] as SelvageNode, [channel], { token: await tokenOf('first') });
  const position = first.lastId;
  first.close();
  const one = async (i: number): Promise<boolean> => {
    const node = nodes[i % nodes.length] as SelvageNode;
    const kind = random();
    const query = kind < 0.15 ? '&format=json&wait=20' : kind < 0.2 ? '&rewind=5' : '';
    const method = kind > 0.95 ? 'HEAD' : 'GET';
    const resume = random() < 0.4 ? `Last-Event-ID: ${position}\r\n` : '';
    const bearer = `Authorization: Bearer ${tokens[Math.floor(random() * tokens.length)]}\r\n`;
    const request = `${method} /v1/events?channel=${channel}${query} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n${bearer}${resume}\r\n`;
    // Half of them inside the few milliseconds that admission takes.
    const lifeMs = random() < 0.5 ? random() * 6 : random() * 400;
    const isCutShort = random() < 0.05;
    await sleep(random() * 600);
    return comeAndGo(node, request, lifeMs, isCutShort);
  };
  const heads = await Promise.all(Array.from({ length: connectsOfStorm }, (_, i) => one(i)));
  return { withHead: heads.filter(Boolean).length };
}

/** What is still held, by the words of each who counts. */
async function heldAt(node: SelvageNode): Promise<number> {
  const { openStreams } = await usageOf(node);
  const counted = Object.values(openStreams).flatMap((uses: readonly { readonly count: number }[]) => uses.map(({ count }) => count));
  return counted.reduce((sum, count) => sum + count, await metricOf(node, 'selvage_leases_held'));
}

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

  /** Every stream that Redis counts, and every stream that it counts for a tenant. */
  async function heldInRedis(): Promise<readonly string[]> {
    if (redis === null) return [];
    const keys = await redis.keys(`${SELVAGE_REDIS_PREFIX}:*:streams`);
    return (await Promise.all(keys.map(async (key) => (await redis.hkeys(key)).map((field) => `${key} ${field}`)))).flat();
  }

  test.each([1, 2])('of 300 connects that go at random moments none leaves a place behind (storm %i)', async (which) => {
    const seed = drawn ^ which;
    const { withHead } = await storm(nodes, seed);
    const startedMs = performance.now();
    let held: readonly unknown[] = [];
    const isAllGivenBack = async (): Promise<boolean> => {
      held = [...(await Promise.all(nodes.map((node) => heldAt(node)))), ...(await heldInRedis())];
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
