import { describe, expect, test } from 'vitest';
import { uniqueName } from '../platform/unique-name.js';
import { poll, publish, publishAll } from './http-client.js';
import { StreamClient } from './stream-client.js';
import type { TargetOf } from './target.js';

interface Envelope {
  readonly channel: string;
  readonly type: string;
  readonly time: string;
  readonly data: unknown;
}

/** What a reader may ask for: types, ends, beginnings, several channels. */
export function describeSubscriptions(targetOf: TargetOf): void {
  describe('a type filter', () => {
    test('lets its types pass alone, and the position moves over the others', async () => {
      const target = targetOf();
      const channel = uniqueName('type');
      using client = await StreamClient.follow(target, `channel=${channel}&type=a,b&type=c`);
      const results = await publishAll(
        target,
        ['a', 'x', 'b', undefined, 'c', 'message'].map((type) => ({
          channel,
          data: type ?? 'none',
          ...(type === undefined ? {} : { type }),
        })),
      );
      await client.take(3);
      expect(client.ownEvents).toEqual([
        { type: 'a', data: 'a', lastEventId: results[0]?.position },
        { type: 'b', data: 'b', lastEventId: results[2]?.position },
        { type: 'c', data: 'c', lastEventId: results[4]?.position },
      ]);
      const { position, events } = await poll(target, `channel=${channel}&type=a&wait=0`, { 'Last-Event-ID': results[4]?.position ?? '' });
      expect(events).toEqual([]);
      expect(position).toBe(results[5]?.position);
    });

    test('of message means events without a type', async () => {
      const target = targetOf();
      const channel = uniqueName('message');
      using client = await StreamClient.follow(target, `channel=${channel}&type=message`);
      await publishAll(target, [
        { channel, type: 'x', data: 1 },
        { channel, data: 2 },
      ]);
      await client.take(1);
      expect(client.datas).toEqual(['2']);
    });
  });

  describe('until', () => {
    test('ends the stream behind the terminal event, and a resume is answered 204', async () => {
      const target = targetOf();
      const channel = uniqueName('until');
      using client = await StreamClient.follow(target, `channel=${channel}&until=done,failed`);
      const before = client.text.length;
      const [first, last] = await publishAll(target, [
        { channel, type: 'step', data: 1 },
        { channel, type: 'done', data: 2 },
        { channel, type: 'step', data: 'too late' },
      ]);
      await client.until(() => client.isEnded, 'the end of the stream');
      expect(client.text.slice(before).replaceAll(/^:\n/gm, '')).toBe(
        `event: step\ndata: 1\nid: ${first?.position ?? ''}\n\n` +
          `event: done\ndata: 2\nid: ${last?.position ?? ''}~e\n\n` +
          'event: selvage.close\ndata: {"code":"ended","reconnect":"stop","retryMs":0}\n\n',
      );
      for (const accept of ['text/event-stream', 'application/json']) {
        const again = await StreamClient.open(target, `/v1/events?channel=${channel}&until=done,failed`, {
          headers: { Accept: accept, 'Last-Event-ID': `${last?.position ?? ''}~e` },
        });
        await again.whole();
        expect([again.status, again.rest]).toEqual([204, '']);
      }
    });

    test('lets its types pass every filter', async () => {
      const target = targetOf();
      const channel = uniqueName('passes');
      using client = await StreamClient.follow(target, `channel=${channel}&until=done&type=a`);
      await publishAll(target, [
        { channel, type: 'b', data: 'b' },
        { channel, type: 'a', data: 'a' },
        { channel, type: 'done', data: 'end' },
      ]);
      await client.until(() => client.isEnded, 'the end of the stream');
      expect(client.datas).toEqual(['a', 'end']);
    });

    test('ends a replay as well', async () => {
      const target = targetOf();
      const channel = uniqueName('replayed');
      const { position } = await publish(target, channel, 0);
      const [done] = await publishAll(target, [
        { channel, type: 'done', data: 1 },
        { channel, data: 2 },
      ]);
      using client = await StreamClient.follow(target, `channel=${channel}&until=done&lastEventId=${position}`);
      await client.until(() => client.isEnded, 'the end of the stream');
      expect(client.ownEvents).toEqual([{ type: 'done', data: '1', lastEventId: `${done?.position ?? ''}~e` }]);
    });

    test('is not over for a reader that did not ask for an end', async () => {
      const target = targetOf();
      const channel = uniqueName('goes-on');
      const { position } = await publish(target, channel, 0, 'done');
      await publish(target, channel, 1);
      using client = await StreamClient.follow(target, `channel=${channel}&lastEventId=${position}~e`);
      await client.take(1);
      expect(client.datas).toEqual(['1']);
      expect(client.gaps).toEqual([]);
    });
  });

  describe('a beginning', () => {
    test('without anything is now', async () => {
      const target = targetOf();
      const channel = uniqueName('now');
      await publish(target, channel, 'before');
      // Whoever has been told a position has the node's tail behind it.
      using other = await StreamClient.follow(target, `channel=${channel}&since=0`);
      await other.take(1);
      using client = await StreamClient.follow(target, `channel=${channel}`);
      await publish(target, channel, 'after');
      await client.take(1);
      expect(client.datas).toEqual(['after']);
    });

    test.each(['since=0', 'since=10m', 'since=2020-01-01', 'since=2020-01-01T00:00:00Z'])('of %s is everything since', async (since) => {
      const target = targetOf();
      const channel = uniqueName('since');
      await publishAll(target, [
        { channel, data: 1 },
        { channel, data: 2 },
      ]);
      using client = await StreamClient.follow(target, `channel=${channel}&${since}`);
      await publish(target, channel, 3);
      await client.take(3);
      expect(client.datas).toEqual(['1', '2', '3']);
      expect(client.gaps).toEqual([]);
    });

    test('of since in the future is now', async () => {
      const target = targetOf();
      const channel = uniqueName('tomorrow');
      await publish(target, channel, 'before');
      using client = await StreamClient.follow(target, `channel=${channel}&since=${Date.now() + 86_400_000}`);
      await publish(target, channel, 'after');
      await client.until(() => client.datas.includes('after'), 'the live event');
      expect(client.gaps).toEqual([]);
    });

    test('of rewind is the last events of the channel, each with its own id', async () => {
      const target = targetOf();
      const channel = uniqueName('rewind');
      const results = await publishAll(
        target,
        [0, 1, 2, 3, 4].flatMap((data) => [
          { channel, data },
          { channel: `${channel}-other`, data },
        ]),
      );
      using seen = await StreamClient.follow(target, `channel=${channel}&since=0`);
      await seen.take(5);
      using client = await StreamClient.follow(target, `channel=${channel}&rewind=2`);
      await publish(target, channel, 5);
      await client.take(3);
      expect(client.datas).toEqual(['3', '4', '5']);
      expect(client.ownEvents[0]?.lastEventId).toBe(results[6]?.position);
    });
  });

  describe('several channels on one stream', () => {
    test('are told apart by an envelope, and a resume has them all', async () => {
      const target = targetOf();
      const [a, b] = [uniqueName('several-a'), uniqueName('several-b')];
      using client = await StreamClient.follow(target, `channels=${a},${b}&channel=${a}&format=envelope`);
      const startMs = Date.now();
      await publishAll(
        target,
        [0, 1, 2, 3, 4, 5].map((n) => ({ channel: n % 2 === 0 ? a : b, type: 'n', data: { n } })),
      );
      const events = await client.take(6);
      const envelopes = events.map(({ data }) => JSON.parse(data) as Envelope);
      expect(envelopes.map(({ channel, type, data }) => [channel, type, data]).sort()).toEqual(
        [0, 1, 2, 3, 4, 5].map((n) => [n % 2 === 0 ? a : b, 'n', { n }]).sort(),
      );
      for (const envelope of envelopes) {
        expect(Object.keys(envelope)).toEqual(['channel', 'type', 'time', 'data']);
        expect(new Date(envelope.time).toISOString()).toBe(envelope.time);
        expect(Math.abs(Date.parse(envelope.time) - startMs)).toBeLessThan(60_000);
      }
      for (const channel of [a, b]) {
        const order = envelopes.filter((envelope) => envelope.channel === channel).map(({ data }) => (data as { n: number }).n);
        expect(order).toEqual([...order].sort());
      }
      for (const [i, { lastEventId }] of events.entries()) {
        using again = await StreamClient.follow(target, `channels=${b},${a}&format=envelope`, { 'Last-Event-ID': lastEventId });
        await again.take(5 - i);
        expect(again.gaps).toEqual([]);
        const rest = new Set(events.slice(i + 1).map(({ data }) => data));
        expect(new Set(again.datas)).toEqual(rest);
        expect(again.datas).toHaveLength(5 - i);
      }
    });

    test('need no envelope', async () => {
      const target = targetOf();
      const [a, b] = [uniqueName('plain-a'), uniqueName('plain-b')];
      using client = await StreamClient.follow(target, `channel=${a}&channel=${b}`);
      await publishAll(target, [
        { channel: a, data: 'x' },
        { channel: b, data: 'y' },
      ]);
      await client.take(2);
      expect([...client.datas].sort()).toEqual(['x', 'y']);
    });
  });

  test.each(['a b', 'a+b', 'a/b:c', 'größe', '😀', 'a,b', '100%', '"quoted"', 'x'.repeat(200)])(
    'the channel %s can be published to and followed',
    async (suffix) => {
      const target = targetOf();
      const channel = `${uniqueName('name')}${suffix}`;
      using client = await StreamClient.follow(target, `channel=${encodeURIComponent(channel)}&format=envelope`);
      await publish(target, channel, 1);
      const [event] = await client.take(1);
      expect(JSON.parse(event?.data ?? '')).toMatchObject({ channel, data: 1 });
    },
  );
}
