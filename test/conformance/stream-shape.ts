import { describe, expect, test } from 'vitest';
import { uniqueName } from '../platform/unique-name.js';
import { publish, publishAll, publishInto } from './http-client.js';
import { StreamClient } from './stream-client.js';
import type { TargetOf } from './target.js';

const id = '[A-Za-z0-9._~-]+';
const headPattern = new RegExp(`^retry: [1-9]\\d*\\n:\\nevent: selvage\\.position\\ndata: \\{\\}\\nid: ${id}\\n\\n`);

/** What the bytes of a stream are. */
export function describeStreamShape(targetOf: TargetOf): void {
  describe('a stream', () => {
    test('begins with its headers, the reconnection time, a comment and a position', async () => {
      using client = await StreamClient.follow(targetOf(), `channel=${uniqueName('head')}`);
      expect(client.head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(client.header('Content-Type')).toBe('text/event-stream; charset=utf-8');
      expect(client.header('Cache-Control')).toBe('no-store, no-transform');
      expect(client.header('X-Accel-Buffering')).toBe('no');
      expect(client.header('Vary')).toBe('Accept, Origin');
      expect(client.header('Transfer-Encoding')).toBe('chunked');
      expect(client.header('Content-Length')).toBeNull();
      expect(client.header('Connection')).toBe('close');
      expect(client.text).toMatch(headPattern);
      expect(client.text.replace(headPattern, '')).toBe('');
    });

    test('tells each connection another reconnection time', async () => {
      const channel = uniqueName('retry');
      const times = new Set<string>();
      for (let i = 0; i < 6; i++) {
        using client = await StreamClient.follow(targetOf(), `channel=${channel}`);
        times.add(/^retry: (\d+)\n/.exec(client.text)?.[1] ?? '');
      }
      expect(times.size).toBeGreaterThan(1);
    });

    test('carries an event as type, data and, last, the id that the publisher was told', async () => {
      const target = targetOf();
      const channel = uniqueName('frame');
      using client = await StreamClient.follow(target, `channel=${channel}`);
      const before = client.text;
      const typed = await publish(target, channel, { a: 1 }, 'progress');
      const plain = await publish(target, channel, 'just text');
      await client.take(2);
      expect(withoutKeepAlives(client.text.slice(before.length))).toBe(
        `event: progress\ndata: {"a":1}\nid: ${typed.position}\n\ndata: just text\nid: ${plain.position}\n\n`,
      );
    });

    test.each([
      ['LF', 'a\nb', 'data: a\ndata: b\n'],
      ['CR', 'a\rb', 'data: a\ndata: b\n'],
      ['CR LF', 'a\r\nb', 'data: a\ndata: b\n'],
      ['a line end at the end', 'a\n', 'data: a\ndata: \n'],
      ['nothing', '', 'data: \n'],
      [
        'fields in the data',
        'x\n\nevent: y\nid: z\nretry: 1\n\n',
        'data: x\ndata: \ndata: event: y\ndata: id: z\ndata: retry: 1\ndata: \ndata: \n',
      ],
      ['leading blanks', '  a', 'data:   a\n'],
      ['characters of two, three and four bytes', 'ä€😀\u2028', 'data: ä€😀\u2028\n'],
    ])('splits data at line ends and at nothing else: %s', async (_, data, lines) => {
      const target = targetOf();
      const channel = uniqueName('lines');
      using client = await StreamClient.follow(target, `channel=${channel}`);
      const before = client.text.length;
      const { position } = await publish(target, channel, data);
      const [event] = await client.take(1);
      expect(withoutKeepAlives(client.text.slice(before))).toBe(`${lines}id: ${position}\n\n`);
      expect(event?.data).toBe(data.replaceAll(/\r\n|\r/g, '\n'));
    });

    test('carries 300 KB in one event, and events behind it', async () => {
      const target = targetOf();
      const channel = uniqueName('large');
      const large = Array.from({ length: 3_000 }, (_, i) => `${i}`.padEnd(99, 'x')).join('\n');
      using client = await StreamClient.follow(target, `channel=${channel}`);
      await publishAll(target, [
        { channel, data: large },
        { channel, data: 'behind' },
      ]);
      await client.take(2);
      expect(client.datas).toEqual([large, 'behind']);
    });

    test('keeps the order in which a channel was written', async () => {
      const target = targetOf();
      const channel = uniqueName('order');
      using client = await StreamClient.follow(target, `channel=${channel}`);
      for (let batch = 0; batch < 10; batch++) {
        await publishAll(
          target,
          Array.from({ length: 20 }, (_, i) => ({ channel, data: batch * 20 + i })),
        );
      }
      await client.take(200);
      expect(client.datas).toEqual(Array.from({ length: 200 }, (_, i) => String(i)));
      const ids = client.ownEvents.map(({ lastEventId }) => lastEventId);
      expect(new Set(ids).size).toBe(200);
    });

    test('never carries what was published to another channel, not even one that looks like it', async () => {
      const target = targetOf();
      const channel = uniqueName('mine');
      const others = [`${channel}x`, channel.slice(0, -1), channel.toUpperCase(), `${channel}.a`, `${channel}%20`, `*`, `${channel}*`];
      using client = await StreamClient.follow(target, `channel=${channel}`);
      await publishAll(
        target,
        others.map((other) => ({ channel: other, data: 'secret' })),
      );
      await publish(target, channel, 'mine');
      await client.take(1);
      expect(client.datas).toEqual(['mine']);
    });
  });

  describe('an idle stream', () => {
    test('gets keep-alives of one comment and no blank line', async (context) => {
      const target = targetOf();
      const { keepAliveMs } = target;
      if (keepAliveMs === null) return context.skip();
      using client = await StreamClient.follow(target, `channel=${uniqueName('idle')}`);
      const head = client.text;
      await client.until(() => client.text.length >= head.length + 4, 'two keep-alives', keepAliveMs * 20);
      expect(client.text.slice(head.length)).toMatch(/^(:\n)+$/);
    });

    test('gets its position when that moved without an event for it', async (context) => {
      const target = targetOf();
      const { keepAliveMs } = target;
      if (keepAliveMs === null) return context.skip();
      const channel = uniqueName('moved');
      const { partition, position } = await publish(target, channel, 'first');
      using client = await StreamClient.follow(target, `channel=${channel}&lastEventId=${position}`);
      const before = client.text.length;
      const elsewhere = await publishInto(target, partition, (attempt) => `${channel}-${attempt}`);
      await client.until(() => client.lastEventId === elsewhere.position, 'the position of what was published elsewhere', keepAliveMs * 50);
      expect(withoutKeepAlives(client.text.slice(before))).toMatch(
        new RegExp(`^(event: selvage\\.position\\ndata: \\{\\}\\nid: ${id}\\n\\n)+$`),
      );
      expect(client.ownEvents).toEqual([]);
    });
  });
}

/** Keep-alives may come between any two frames. */
const withoutKeepAlives = (text: string): string => text.replaceAll(/^:\n/gm, '');
