import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { SelvageNode } from '../../platform/selvage-node.js';
import { uniqueName } from '../../platform/unique-name.js';
import { EdgeStream, metricOf, usageOf } from './edge-client.js';
import { tokenOf } from './edge-nodes.js';

export const connectsOfStorm = 300;
const usersOfStorm = 20;

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

/** Longest wait for the head of an answer. */
const headMs = 10_000;

/** Connects, asks, and cuts so long after that; where it `waits`, after the head of the answer. Whether a head came. */
async function comeAndGo(node: SelvageNode, request: string, lifeMs: number, waits: boolean): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port: node.port });
  let hasHead = false;
  const head = new Promise<void>((resolve) => {
    socket.once('data', () => {
      hasHead = true;
      resolve();
    });
    socket.once('close', resolve);
  });
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
  socket.write(request);
  if (waits) await Promise.race([head, sleep(headMs, undefined, { ref: false })]);
  await sleep(lifeMs);
  // A reset and an orderly end are noticed in different places.
  if (lifeMs % 2 < 1) socket.resetAndDestroy();
  else socket.destroy();
  return hasHead;
}

/** Requests of many users that end at every moment; both nodes at once. */
export async function storm(nodes: readonly SelvageNode[], seed: number): Promise<{ readonly withHead: number }> {
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
    // One in twenty goes in the middle of its request, half of the others inside the few milliseconds that admission takes.
    const isCutShort = random() < 0.05;
    const isPoll = kind < 0.15;
    const waits = !isCutShort && !isPoll && random() < 0.6;
    const lifeMs = random() * (waits || isPoll ? 100 : 6);
    await sleep(random() * 600);
    return comeAndGo(node, isCutShort ? request.slice(0, -2) : request, lifeMs, waits);
  };
  const heads = await Promise.all(Array.from({ length: connectsOfStorm }, (_, i) => one(i)));
  return { withHead: heads.filter(Boolean).length };
}

/** Every stream that Redis counts for a user or a tenant. */
export async function heldInRedis(redis: Redis, prefix: string): Promise<readonly string[]> {
  const keys = await redis.keys(`${prefix}:*:streams`);
  return (await Promise.all(keys.map(async (key) => (await redis.hkeys(key)).map((field) => `${key} ${field}`)))).flat();
}

/** What is still held, by the words of each who counts. */
export async function heldAt(node: SelvageNode): Promise<number> {
  const { openStreams } = await usageOf(node);
  const counted = Object.values(openStreams).flatMap((uses: readonly { readonly count: number }[]) => uses.map(({ count }) => count));
  return counted.reduce((sum, count) => sum + count, await metricOf(node, 'selvage_leases_held'));
}
