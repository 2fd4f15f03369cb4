import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestContext } from 'vitest';
import { uniqueName } from '../platform/unique-name.js';
import { waitFor } from '../platform/wait-for.js';
import { ClientNodes } from './client-nodes.js';
import { FailoverProxy } from './failover-proxy.js';
import type { ClientStream, ReceivedEvent, SseClient } from './sse-client.js';

const startMs = 60_000;
/** Events of a stream that is interrupted. */
const runLength = 200;
const keepAlivesMin = 5;

/** What the application was given that is not the fabric's own. */
const received = (stream: ClientStream): readonly ReceivedEvent[] => stream.events.filter(({ type }) => !type.startsWith('selvage.'));
const numbersOf = (stream: ClientStream): readonly number[] => received(stream).map(({ data }) => Number(data));
const countTo = (length: number): readonly number[] => Array.from({ length }, (_, i) => i);

/**
 * The promises to every reader, kept for one client: real nodes on real Kafka and Redis behind an address that never changes. One describe block, with nodes of its own;
 * `makeClient` runs once.
 */
export function testClient(name: string, makeClient: () => SseClient | Promise<SseClient>): void {
  describe(name, () => {
    let client: SseClient;
    let nodes: ClientNodes;

    beforeAll(async () => {
      client = await makeClient();
      nodes = await ClientNodes.start(client.origin);
    }, startMs);
    afterAll(async () => {
      await Promise.all([nodes?.close(), client?.close?.()]);
    });

    /** A stream through a proxy of its own, before the given nodes; both end with the test. */
    async function follow(
      { onTestFinished }: TestContext,
      path: string,
      ports: readonly number[],
      options: { types: readonly string[]; lastEventId?: string },
    ): Promise<{ stream: ClientStream; proxy: FailoverProxy }> {
      const proxy = await FailoverProxy.open(...ports);
      const stream = await client.connect(`${proxy.url}/v1/events?${path}`, options);
      onTestFinished(async () => {
        await stream.close();
        await proxy.close();
      });
      await waitFor(() => stream.openedCount > 0 && proxy.answered.includes('selvage.'), { what: `${name} to be connected` });
      return { stream, proxy };
    }

    const all = (stream: ClientStream, length: number): Promise<boolean> =>
      waitFor(() => received(stream).length >= length, { timeoutMs: 30_000, what: `${length} events` });

    test.concurrent('receives typed and default events in order, as they were published', async (context) => {
      const channel = uniqueName('plain');
      const types = ['message', 'progress', 'selvage.position'];
      const { stream } = await follow(context, `channel=${channel}`, [nodes.first.port], { types });
      const positions = await nodes.publish(
        { channel, data: 'a default event' },
        { channel, type: 'progress', data: { task_id: 't1', progress: 40 } },
        { channel, type: 'progress', data: 'several\nlines\r\nof\rtext\n' },
        { channel, data: 'schöne Grüße, 日本語, 👩‍👩‍👧‍👦, \u2028 and \ufeff' },
        { channel, data: '  two spaces, then: a colon' },
        { channel, type: 'progress', data: 'x'.repeat(100_000) },
        { channel, data: 'the last' },
      );
      await all(stream, 7);
      expect(received(stream)).toEqual([
        { type: 'message', data: 'a default event', id: positions[0] },
        { type: 'progress', data: '{"task_id":"t1","progress":40}', id: positions[1] },
        { type: 'progress', data: 'several\nlines\nof\ntext\n', id: positions[2] },
        { type: 'message', data: 'schöne Grüße, 日本語, 👩‍👩‍👧‍👦, \u2028 and \ufeff', id: positions[3] },
        { type: 'message', data: '  two spaces, then: a colon', id: positions[4] },
        { type: 'progress', data: 'x'.repeat(100_000), id: positions[5] },
        { type: 'message', data: 'the last', id: positions[6] },
      ]);
      expect(stream.events[0]).toMatchObject({ type: 'selvage.position', data: '{}' });
      expect(stream.openedCount).toBe(1);
    });

    test.concurrent('is not woken by keep-alives or moving positions', async (context) => {
      const channel = uniqueName('quiet');
      const { stream, proxy } = await follow(context, `channel=${channel}`, [nodes.first.port], { types: ['message'] });
      await waitFor(
        async () => {
          // Some of them fall into the partition of the channel: its position moves without an event.
          await nodes.publish(...countTo(20).map(() => ({ channel: uniqueName('other'), data: 'for others' })));
          return proxy.answered.split('event: selvage.position').length > 3;
        },
        { what: 'positions', everyMs: 100 },
      );
      await waitFor(() => proxy.answered.split(':\n').length > keepAlivesMin, { what: 'keep-alives' });
      expect(received(stream)).toEqual([]);
      if (client.hearsEveryName) expect(new Set(stream.events.map(({ type }) => type))).toEqual(new Set(['selvage.position']));
      else expect(stream.events).toEqual([]);
      await nodes.publish({ channel, data: 'now' });
      await all(stream, 1);
      expect(received(stream)).toMatchObject([{ type: 'message', data: 'now' }]);
      expect(stream.openedCount).toBe(1);
    });

    test.concurrent('comes back after clean ends by the server, once and in order', async (context) => {
      const channel = uniqueName('ended');
      const { stream } = await follow(context, `channel=${channel}`, [nodes.hasty.port], { types: ['message', 'selvage.close'] });
      let sent = 0;
      await waitFor(
        async () => {
          await nodes.publish({ channel, data: sent++ });
          return stream.openedCount >= 3;
        },
        { timeoutMs: 20_000, what: 'a second return', everyMs: 20 },
      );
      await nodes.publish({ channel, data: sent++ });
      await all(stream, sent);
      expect(numbersOf(stream)).toEqual(countTo(sent));
      const closes = stream.events.filter(({ type }) => type === 'selvage.close');
      expect(closes.length).toBeGreaterThanOrEqual(2);
      for (const { data } of closes) expect(JSON.parse(data)).toMatchObject({ code: 'max-age', reconnect: 'resume' });
      expect(stream.events.some(({ type }) => type === 'selvage.gap')).toBe(false);
    });

    test.concurrent('is told of a gap after a position that is not of this log', async (context) => {
      const channel = uniqueName('foreign');
      const options = { types: ['message', 'selvage.gap'], lastEventId: '1zzzz.zzzzz-c-1-5' };
      const { stream } = await follow(context, `channel=${channel}`, [nodes.first.port], options);
      await waitFor(() => stream.events.some(({ type }) => type === 'selvage.gap'), { what: 'the gap' });
      const [position] = await nodes.publish({ channel, data: 'after the gap' });
      await all(stream, 1);
      const gap = stream.events.find(({ type }) => type === 'selvage.gap')!;
      expect(JSON.parse(gap.data)).toEqual({ reason: 'other-cluster', from: options.lastEventId, to: gap.id });
      expect(received(stream)).toEqual([{ type: 'message', data: 'after the gap', id: position }]);
    });

    test.concurrent('resumes at a position that another stream has had', async (context) => {
      const channel = uniqueName('handed');
      const positions = await nodes.publish(...countTo(10).map((data) => ({ channel, data })));
      const { stream } = await follow(context, `channel=${channel}`, [nodes.first.port], {
        types: ['message'],
        lastEventId: positions[3]!,
      });
      await all(stream, 6);
      await nodes.publish({ channel, data: 10 });
      await all(stream, 7);
      expect(numbersOf(stream)).toEqual([4, 5, 6, 7, 8, 9, 10]);
    });

    test.concurrent('is over after the terminal event, and does not come back for ever', async (context) => {
      const channel = uniqueName('until');
      const types = ['message', 'done', 'selvage.close'];
      const { stream, proxy } = await follow(context, `channel=${channel}&until=done`, [nodes.first.port], { types });
      await nodes.publish({ channel, data: 'work' }, { channel, type: 'done', data: 'result' }, { channel, data: 'more, for nobody' });
      await waitFor(() => stream.isOver, { what: `${name} to give up` });
      expect(received(stream)).toMatchObject([
        { type: 'message', data: 'work' },
        { type: 'done', data: 'result' },
      ]);
      const close = stream.events.find(({ type }) => type === 'selvage.close');
      expect(JSON.parse(close!.data)).toEqual({ code: 'ended', reconnect: 'stop', retryMs: 0 });
      const statuses = [...proxy.answered.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
      expect(statuses).toEqual(client.endsOn204 ? ['200', '204'] : ['200']);
    });

    // Alone and last: it takes a node from the others.
    test('resumes through a killed node, and on that node when it is back, once and in order', async (context) => {
      const channel = uniqueName('killed');
      const types = ['message', 'selvage.gap'];
      const { stream } = await follow(context, `channel=${channel}`, [nodes.first.port, nodes.second.port], { types });
      const positions: string[] = [];
      for (const data of countTo(runLength)) {
        positions.push(...(await nodes.publish({ channel, data })));
        if (data === runLength / 4) void nodes.first.kill();
      }
      await all(stream, runLength);
      await waitFor(() => stream.openedCount >= 2, { what: 'the return' });
      expect(numbersOf(stream)).toEqual(countTo(runLength));
      expect(stream.events.filter(({ type }) => type === 'selvage.gap')).toEqual([]);
      expect(nodes.first.isRunning).toBe(false);

      // Its memory is empty: what is older comes from the window, or from the log.
      await nodes.first.start();
      const begun = await follow(context, `channel=${channel}`, [nodes.first.port], { types, lastEventId: positions[9]! });
      await nodes.publish({ channel, data: runLength });
      await all(begun.stream, runLength + 1 - 10);
      expect(numbersOf(begun.stream)).toEqual(countTo(runLength + 1).slice(10));
      expect(begun.stream.events.filter(({ type }) => type === 'selvage.gap')).toEqual([]);
    });
  });
}
