import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readMetric } from '../../platform/node-fixture.js';
import { uniqueName } from '../../platform/unique-name.js';
import { waitFor } from '../../platform/wait-for.js';
import { expectExactEnd, hasAll } from './expect-events.js';
import { Http2Connection, askWhole, http1Client } from './proxy-client.js';
import type { Ask } from './proxy-client.js';
import { Proxy } from './proxy.js';
import type { ProxyKind } from './proxy.js';
import { ResumingReader } from './resuming-reader.js';
import { Counter, TwoNodes, balancerWaitSeconds, keepAliveMs } from './two-nodes.js';

export interface ProxyTraits {
  readonly kind: ProxyKind;
  /** Whether it asks nodes whether they are ready. One that does not notices a node that goes only when its port is closed. */
  readonly asksReadiness: boolean;
  /** Text of its idle time-outs in the shipped configuration; one proxy has short ones, so that nothing but keep-alives can hold a stream. */
  readonly timeouts: readonly (readonly [from: string, to: string])[];
  /** How long a stream without events must live: several of the shortened time-outs, and longer than what this proxy cuts when it is not told otherwise. */
  readonly quietMs: number;
}

const readersCount = 12;
const eventBytes = 16_384;
const slowEventsCount = 1_500;
/** Less than a broker takes in one batch. */
const eventsAtOnce = 50;
/** A proxy may hold so much more for one reader that takes nothing, while 24 MB are sent to it. */
const growthBytesMax = 6_000_000;

/** What must be so whatever proxy stands in front. */
export function describeBehindAProxy(traits: ProxyTraits): void {
  describe(`behind ${traits.kind}`, () => {
    let pair: TwoNodes;
    let proxy: Proxy;
    /** The same with short time-outs. */
    let impatient: Proxy;
    let quiet: ResumingReader;
    const open: { close(): void }[] = [];
    const connect = (to = proxy): Ask => {
      const connection = new Http2Connection(to);
      open.push(connection);
      return connection.ask;
    };
    const follow = async (ask: Ask, channel: string): Promise<ResumingReader> => {
      const reader = await ResumingReader.open(ask, `channel=${channel}`);
      open.push(reader);
      return reader;
    };
    const followAll = (channel: string): Promise<ResumingReader[]> =>
      Promise.all(Array.from({ length: readersCount }, () => follow(connect(), channel)));

    beforeAll(async () => {
      pair = await TwoNodes.start();
      proxy = await Proxy.start(traits.kind, pair.nodes);
      impatient = await Proxy.start(traits.kind, pair.nodes, traits.timeouts);
      for (const one of [proxy, impatient]) {
        await waitFor(async () => (await askWhole(http1Client(one), '/')).status === 200, { what: `a node behind the proxy: ${one.log}` });
      }
      quiet = await follow(connect(impatient), uniqueName('quiet'));
    });
    afterAll(async () => {
      for (const one of open.splice(0).reverse()) one.close();
      await proxy?.close();
      await impatient?.close();
      await pair?.close();
    });

    test('each event arrives at once, over HTTP/1.1 and HTTP/2, and a reader that leaves is gone at the node', async () => {
      const channel = uniqueName('frames');
      for (const ask of [http1Client(proxy), connect()]) {
        const before = (await pair.streamCounts()).reduce((sum, count) => sum + count);
        const reader = await follow(ask, channel);
        for (let i = 1; i <= 5; i++) {
          const sentAtMs = performance.now();
          await pair.send(channel, [String(i)]);
          // The next is not sent before this one is there: a proxy that holds something back to fill a buffer never comes to 5.
          await waitFor(() => reader.datas.length === i, { what: `event ${i}`, timeoutMs: 5_000, everyMs: 2 });
          expect(performance.now() - sentAtMs).toBeLessThan(1_500);
        }
        reader.close();
        await waitFor(async () => (await pair.streamCounts()).reduce((sum, count) => sum + count) === before, {
          what: 'the end at the node',
        });
      }
    });

    test('a publish of many packets goes through, and so does the answer', async () => {
      const channel = uniqueName('published');
      const reader = await follow(connect(), channel);
      const data = 'x'.repeat(300_000);
      const body = JSON.stringify({ channel, data });
      const { status, headers } = await askWhole(connect(), '/v1/publish', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      expect(status).toBe(200);
      expect(headers['x-request-id']).toBeTruthy();
      await hasAll([reader], 1);
      expect(reader.datas).toEqual([data]);
    });

    test('a poll waits for an event; a long answer comes as the node compressed it', async () => {
      const channel = uniqueName('polled');
      const ask = connect();
      const first = await askWhole(ask, `/v1/events?channel=${channel}&format=json&wait=0`);
      const { position } = JSON.parse(first.body.toString()) as { position: string };
      const poll = `/v1/events?channel=${channel}&format=json&wait=20&lastEventId=${position}`;
      for (const [coding, decode] of [
        ['gzip', gunzipSync],
        ['br', brotliDecompressSync],
      ] as const) {
        const answering = askWhole(ask, poll, { headers: { 'accept-encoding': coding } });
        if (coding === 'gzip') {
          await sleep(300);
          await pair.send(channel, ['"y"'.padEnd(5_000)]);
        }
        const { status, headers, body } = await answering;
        expect([status, headers['content-encoding']]).toEqual([200, coding]);
        const { events } = JSON.parse(decode(body).toString()) as { events: { data: unknown }[] };
        expect(events.map(({ data }) => data)).toEqual(['y']);
      }
    });

    test("the client's address is the one that connected to the proxy, whatever the client says", async () => {
      const path = `/${uniqueName('nowhere')}`;
      const headers = { 'x-forwarded-for': '203.0.113.9', forwarded: 'for=203.0.113.9', 'x-real-ip': '203.0.113.9' };
      await askWhole(http1Client(proxy, '127.0.0.77'), path, { headers });
      const line = (): string | undefined =>
        pair.nodes.flatMap((node) => node.logTail(500).split('\n')).find((text) => text.includes(path));
      await waitFor(() => line() !== undefined, { what: 'the line of a refused request' });
      expect((JSON.parse(line()!) as { address: string }).address).toBe('127.0.0.77');
    });

    test('one HTTP/2 connection carries a hundred streams', async () => {
      const channel = uniqueName('many');
      using connection = new Http2Connection(proxy);
      const readers = await Promise.all(Array.from({ length: 100 }, () => follow(connection.ask, channel)));
      await pair.send(channel, ['1', '2', '3']);
      await hasAll(readers, 3);
      expect(new Set(readers.map(({ datas }) => datas.join()))).toEqual(new Set(['1,2,3']));
      const [first = 0, second = 0] = await pair.streamCounts();
      // By the number of streams, not by connection of the client.
      expect(Math.min(first, second)).toBeGreaterThan(25);
      for (const reader of readers) reader.close();
    });

    test('a reader that takes nothing is not held in the proxy, and has everything once it reads again', async () => {
      const channel = uniqueName('slow');
      const slow = await follow(connect(), channel);
      const quick = await follow(connect(), channel);
      slow.pause();
      const before = proxy.residentBytes;
      expect(before).toBeGreaterThan(1_000_000);
      const padding = 'z'.repeat(eventBytes);
      for (let at = 0; at < slowEventsCount; at += eventsAtOnce) {
        await pair.send(
          channel,
          Array.from({ length: eventsAtOnce }, (_, i) => JSON.stringify([at + i, padding])),
        );
      }
      await hasAll([quick], slowEventsCount);
      const grownBytes = proxy.residentBytes - before;
      console.log(`${traits.kind}: ${(grownBytes / 1e6).toFixed(1)} MB more while 24 MB were sent to a reader that took nothing`);
      expect(grownBytes).toBeLessThan(growthBytesMax);
      expect(slow.datas.length).toBeLessThan(slowEventsCount);
      slow.resume();
      await hasAll([slow], slowEventsCount);
      const numbers = slow.datas.map((data) => (JSON.parse(data) as [number])[0]);
      expect(numbers).toEqual(Array.from({ length: slowEventsCount }, (_, at) => at));
      expect([slow.connects, slow.gaps]).toEqual([1, []]);
      slow.close();
      quick.close();
    });

    test('a quiet stream stays open for longer than time-outs, by keep-alives alone', { timeout: 40_000 }, async () => {
      await waitFor(() => Date.now() - quiet.openedAtMs > traits.quietMs, { what: 'a long silence', timeoutMs: traits.quietMs + 5_000 });
      expect([quiet.connects, quiet.cuts, quiet.datas]).toEqual([1, 0, []]);
      expect(Date.now() - quiet.lastByteAtMs).toBeLessThan(keepAliveMs * 4);
    });

    /** The node that took more of the streams opened since: what is done to it concerns some of them. */
    const busierSince = async (before: readonly number[]): Promise<0 | 1> => {
      const after = await pair.streamCounts();
      const taken = after.map((count, at) => count - before[at]!);
      return taken[0]! >= taken[1]! ? 0 : 1;
    };

    test('readers of a killed node go on at the other with nothing lost or twice, and nobody is refused', async () => {
      const channel = uniqueName('killed');
      const before = await pair.streamCounts();
      const readers = await followAll(channel);
      const victim = await busierSince(before);
      const counter = new Counter(pair, channel);
      await hasAll(readers, 5);
      await pair.nodes[victim].kill();
      const answers = await Promise.all(Array.from({ length: 10 }, () => askWhole(http1Client(proxy), '/')));
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
      await expectExactEnd(readers, counter);
      expect(readers.some(({ cuts }) => cuts > 0)).toBe(true);
      for (const reader of readers) reader.close();
      await pair.nodes[victim].start();
      await waitFor(async () => isServedBy(pair, victim), { what: 'requests for the node that is back', timeoutMs: 20_000 });
    });

    /** Whether a request through the proxy reaches the node. */
    const isServedBy = async (nodes: TwoNodes, index: 0 | 1): Promise<boolean> => {
      const count = (): Promise<number> => readMetric(nodes.nodes[index], 'selvage_http_requests_total', { route: 'landing' });
      const before = await count();
      await askWhole(http1Client(proxy), '/');
      return (await count()) > before;
    };

    test('a node that drains under load loses nothing: streams, publishes and polls go on', async () => {
      const channel = uniqueName('drained');
      const before = await pair.streamCounts();
      const readers = await followAll(channel);
      const leaving = pair.nodes[await busierSince(before)];
      const publishing = publishSteadily(connect(), uniqueName('others'));
      const polling = await pollSteadily(connect(), channel);
      const counter = new Counter(pair, channel);
      await hasAll(readers, 5);
      const ended = leaving.stop();
      if (traits.asksReadiness) await expectNothingNew(leaving);
      expect(await ended).toBe(0);
      const sent = await expectExactEnd(readers, counter);
      expect(readers.filter(({ closes }) => closes[0] === 'draining').length).toBeGreaterThan(1);
      const { statuses } = await publishing.stop();
      expect([...new Set(statuses)]).toEqual([200]);
      await waitFor(() => polling.datas.length >= sent.length, { what: 'every event by polls' });
      await polling.stop();
      expect(polling.datas).toEqual(sent);
      for (const reader of readers) reader.close();
      await leaving.start();
    });

    /** From two questions for its readiness on a node that is to stop gets no more streams, while those that it has stay. */
    const expectNothingNew = async (leaving: TwoNodes['nodes'][number]): Promise<void> => {
      await sleep(2_500);
      expect(balancerWaitSeconds).toBeGreaterThan(3);
      const opened = (): Promise<number> => readMetric(leaving, 'selvage_connections_opened_total');
      const before = await opened();
      const channel = uniqueName('new');
      const fresh = await Promise.all(Array.from({ length: 8 }, () => follow(connect(), channel)));
      expect(await opened()).toBe(before);
      expect(await readMetric(leaving, 'selvage_connections')).toBeGreaterThan(1);
      for (const reader of fresh) reader.close();
    };
  });
}

/** Publishes one event after another through the proxy until told to stop. */
function publishSteadily(ask: Ask, channel: string): { stop(): Promise<{ readonly statuses: readonly number[] }> } {
  const statuses: number[] = [];
  let isStopped = false;
  const running = (async () => {
    while (!isStopped) {
      const asked = {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ channel, data: statuses.length }),
      };
      statuses.push(
        await askWhole(ask, '/v1/publish', asked).then(
          ({ status }) => status,
          () => -1,
        ),
      );
      await sleep(20);
    }
  })();
  return {
    async stop() {
      isStopped = true;
      await running;
      return { statuses };
    },
  };
}

/** Polls a channel from now on, each time from where the last answer ended, until told to stop. A 503 is asked again, as its `Retry-After` says. */
async function pollSteadily(ask: Ask, channel: string): Promise<{ readonly datas: readonly string[]; stop(): Promise<void> }> {
  const datas: string[] = [];
  const poll = async (query: string): Promise<string | null> => {
    const { status, body } = await askWhole(ask, `/v1/events?channel=${channel}&format=json${query}`);
    if (status === 503) return null;
    const page = JSON.parse(body.toString()) as { events: { data: unknown }[]; position: string };
    datas.push(...page.events.map(({ data }) => String(data)));
    return page.position;
  };
  let isStopped = false;
  let position = await poll('&wait=0');
  const running = (async () => {
    while (!isStopped) {
      const next = await poll(`&wait=1&lastEventId=${position}`);
      if (next === null) await sleep(100);
      else position = next;
    }
  })();
  return {
    datas,
    async stop() {
      isStopped = true;
      await running;
    },
  };
}
