import { afterAll, beforeAll, expect, test } from 'vitest';
import { KafkaFixture } from '../../platform/kafka-fixture.js';
import { startNode } from '../../platform/node-fixture.js';
import type { SelvageNode } from '../../platform/selvage-node.js';
import { sharedKafka, sharedRedis } from '../../platform/shared-services.js';
import { SseReader } from '../../platform/sse-reader.js';
import { uniqueName } from '../../platform/unique-name.js';
import { waitFor } from '../../platform/wait-for.js';
import { roundTrip } from '../http/raw-client.js';

const { brokers } = sharedKafka();
let kafka: KafkaFixture;
beforeAll(async () => {
  kafka = await KafkaFixture.connect(brokers);
});
afterAll(() => kafka.close());

const readersCount = 2_000;
const balancerWaitSeconds = 1;
const windowSeconds = 6;

/** Follows a channel over nodes, as a client does: when its stream ends it comes back elsewhere with its last id. */
class Follower {
  expected = 0;
  faults = 0;
  closedAtMs: number | null = null;
  #reader: SseReader | null = null;

  async open(node: SelvageNode, elsewhere: SelvageNode, lastEventId: string | null = null): Promise<void> {
    const onEvent = ({ data }: { data: string }): void => {
      if (Number(data) !== this.expected) this.faults++;
      this.expected = Number(data) + 1;
    };
    const reader = await SseReader.open(node, 'channel=all', { lastEventId, onEvent });
    this.#reader = reader;
    void reader
      .until(() => reader.ended !== null, 'the end', 600_000)
      .then(
        () => {
          if (reader.closes[0] !== 'draining') return;
          this.closedAtMs = Date.now();
          this.faults += reader.gaps.length;
          return this.open(elsewhere, node, reader.lastId);
        },
        () => undefined,
      );
  }

  close(): void {
    this.#reader?.close();
  }
}

async function startPair(): Promise<{ topic: string; nodes: [SelvageNode, SelvageNode] }> {
  const topic = await kafka.makeTopic(1);
  const start = (): Promise<SelvageNode> =>
    startNode({
      brokers,
      redisUrl: sharedRedis().url,
      routes: [{ topic, channels: ['all'] }],
      env: {
        SELVAGE_GROUP: group,
        SELVAGE_DRAIN_BALANCER_WAIT_SECONDS: String(balancerWaitSeconds),
        SELVAGE_DRAIN_WINDOW_SECONDS: String(windowSeconds),
      },
    });
  const group = uniqueName('drain');
  return { topic, nodes: [await start(), await start()] };
}

test(
  'a node under load that is told to stop loses nothing, sends its readers away evenly and is gone in time',
  { timeout: 120_000 },
  async () => {
    const { topic, nodes } = await startPair();
    const [leaving, staying] = nodes;
    const followers = Array.from({ length: readersCount }, () => new Follower());
    for (let at = 0; at < readersCount; at += 100)
      await Promise.all(
        followers
          .slice(at, at + 100)
          .map((follower, i) => (i % 2 === 0 ? follower.open(leaving, staying) : follower.open(staying, leaving))),
      );
    let sent = 0;
    let isSending = true;
    const sending = (async () => {
      while (isSending) {
        await kafka.send(topic, [{ value: String(sent++) }]);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    })();
    await waitFor(() => followers.every(({ expected }) => expected > 2), { what: 'events everywhere', timeoutMs: 30_000 });
    const termMs = Date.now();
    const code = await leaving.stop();
    const exitMs = Date.now() - termMs;
    await waitFor(() => followers.filter(({ closedAtMs }) => closedAtMs !== null).length === readersCount / 2, {
      what: 'all ends',
      timeoutMs: 10_000,
    });
    isSending = false;
    await sending;
    await waitFor(() => followers.every(({ expected }) => expected === sent), { what: 'every event at every reader', timeoutMs: 30_000 });
    expect(followers.reduce((sum, { faults }) => sum + faults, 0)).toBe(0);
    expect(code).toBe(0);
    expect(exitMs).toBeLessThan((balancerWaitSeconds + windowSeconds + 5) * 1_000);
    const perSecond = Array.from({ length: Math.ceil(exitMs / 1_000) }, () => 0);
    for (const { closedAtMs } of followers)
      if (closedAtMs !== null) perSecond[Math.min(perSecond.length - 1, Math.floor((closedAtMs - termMs) / 1_000))]!++;
    console.log(`${readersCount / 2} streams of ${readersCount} sent away, exit after ${exitMs} ms; ends per second since SIGTERM:`);
    for (const [second, count] of perSecond.entries())
      console.log(`  ${String(second).padStart(2)} s ${String(count).padStart(4)} ${'#'.repeat(Math.ceil(count / 5))}`);
    const share = readersCount / 2 / windowSeconds;
    expect(perSecond[0]).toBe(0);
    expect(Math.max(...perSecond)).toBeLessThan(share * 2);
    expect(perSecond.filter((count) => count > share / 3).length).toBeGreaterThanOrEqual(windowSeconds - 1);
    for (const follower of followers) follower.close();
    for (const node of nodes) await node.close();
  },
);

test('while it drains a node says so, and takes no reader; a second signal ends it at once', { timeout: 60_000 }, async () => {
  const topic = await kafka.makeTopic(1);
  await using node = await startNode({
    brokers,
    redisUrl: null,
    routes: [{ topic, channels: ['all'] }],
    env: { SELVAGE_DRAIN_BALANCER_WAIT_SECONDS: '30', SELVAGE_DRAIN_WINDOW_SECONDS: '30' },
  });
  using reader = await SseReader.open(node, 'channel=all');
  node.signal('SIGTERM');
  await waitFor(async () => !(await node.isReady()), { what: 'not ready' });
  const report = (await (await fetch(`${node.adminUrl}/healthz/ready`)).json()) as {
    conditions: { name: string; isMet: boolean; reason: string }[];
  };
  expect(report.conditions.find(({ isMet }) => !isMet)).toEqual({ name: 'accepting', isMet: false, reason: 'draining' });
  // The balancer may still send readers: they are served until the wait is over.
  expect((await roundTrip(node.port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')).status).toBe(200);
  expect(reader.ended).toBeNull();
  const secondMs = Date.now();
  node.signal('SIGTERM');
  await node.ended();
  expect(Date.now() - secondMs).toBeLessThan(2_000);
});
