import { describe, expect, test } from 'vitest';
import { uniqueName } from '../platform/unique-name.js';
import { poll, publish, publishAll, type PolledEvent } from './http-client.js';
import { StreamClient } from './stream-client.js';
import type { TargetOf } from './target.js';

/** The JSON answer. */
export function describePolling(targetOf: TargetOf): void {
  describe('a poll', () => {
    test('of a quiet channel has no events, and a position', async () => {
      const answer = await poll(targetOf(), `channel=${uniqueName('quiet')}&wait=0`);
      expect(Object.keys(answer)).toEqual(['events', 'position']);
      expect(answer.events).toEqual([]);
      expect(answer.position).toMatch(/^[A-Za-z0-9._~-]+$/);
    });

    test('from a position has what came since, as objects', async () => {
      const target = targetOf();
      const channel = uniqueName('since');
      const { position: start } = await poll(target, `channel=${channel}&wait=0`);
      const [one, two] = await publishAll(target, [
        { channel, type: 'a', data: { n: 1 } },
        { channel, data: 'text' },
      ]);
      const events: PolledEvent[] = [];
      let position = start;
      while (events.length < 2) {
        const answer = await poll(target, `channel=${channel}&wait=10`, { 'Last-Event-ID': position });
        events.push(...answer.events);
        position = answer.position;
      }
      expect(events.map(({ id, channel: of, type, data }) => ({ id, channel: of, type, data }))).toEqual([
        { id: one?.position, channel, type: 'a', data: { n: 1 } },
        { id: two?.position, channel, type: 'message', data: 'text' },
      ]);
      expect(events.every(({ time }) => new Date(time).toISOString() === time)).toBe(true);
      expect(position).toBe(two?.position);
    });

    test('with wait is answered when there is something', async () => {
      const target = targetOf();
      const channel = uniqueName('wait');
      const { position } = await poll(target, `channel=${channel}&wait=0`);
      const waiting = poll(target, `channel=${channel}&wait=20&lastEventId=${position}`);
      const published = await publish(target, channel, 'now');
      const { events } = await waiting;
      expect(events.map(({ id, data }) => [id, data])).toEqual([[published.position, 'now']]);
    });

    test('with wait is answered when nothing came for so long', async () => {
      const startMs = performance.now();
      const { events } = await poll(targetOf(), `channel=${uniqueName('nothing')}&wait=1`);
      expect(events).toEqual([]);
      expect(performance.now() - startMs).toBeGreaterThan(900);
    });

    test('after poll loses nothing and repeats nothing while events are published', async () => {
      const target = targetOf();
      const channel = uniqueName('chain');
      let { position } = await poll(target, `channel=${channel}&wait=0`);
      const total = 300;
      const publishing = (async () => {
        for (let n = 0; n < total; n += 10) {
          await publishAll(
            target,
            Array.from({ length: 10 }, (_, i) => ({ channel, data: n + i })),
          );
        }
      })();
      const had: unknown[] = [];
      while (had.length < total) {
        const answer = await poll(target, `channel=${channel}&wait=5&lastEventId=${position}`);
        expect(answer.gap).toBeUndefined();
        had.push(...answer.events.map(({ data }) => data));
        position = answer.position;
      }
      await publishing;
      expect(had).toEqual(Array.from({ length: total }, (_, n) => n));
    });

    test.each([
      ['more events than one answer holds', 2_500, 1],
      ['more bytes than one answer holds', 40, 100_000],
    ])('of %s comes in parts that join', async (_, count, length) => {
      const target = targetOf();
      const channel = uniqueName('parts');
      for (let n = 0; n < count; n += 10) {
        const tens = Array.from({ length: 10 }, (_, i) => ({ channel, data: `${n + i}`.padEnd(length, 'x') }));
        for (const part of length > 1 ? [tens.slice(0, 5), tens.slice(5)] : [tens]) await publishAll(target, part);
      }
      const had: string[] = [];
      let query = 'since=0';
      let answers = 0;
      for (; had.length < count; answers++) {
        const { events, position, gap } = await poll(target, `channel=${channel}&wait=5&${query}`);
        expect(gap).toBeUndefined();
        expect(events.length).toBeLessThan(2_000);
        had.push(...events.map(({ data }) => String(data)));
        query = `lastEventId=${position}`;
      }
      expect(answers).toBeGreaterThan(1);
      expect(had.map((data) => Number.parseInt(data, 10))).toEqual(Array.from({ length: count }, (_, n) => n));
    });

    test('is a snapshot from which a stream goes on', async () => {
      const target = targetOf();
      const channel = uniqueName('snapshot');
      await publish(target, channel, 'before');
      const snapshot = await poll(target, `channel=${channel}&since=0&wait=0`);
      expect(snapshot.events.map(({ data }) => data)).toEqual(['before']);
      await publish(target, channel, 'between');
      using client = await StreamClient.follow(target, `channel=${channel}&lastEventId=${snapshot.position}`);
      await publish(target, channel, 'after');
      await client.take(2);
      expect(client.datas).toEqual(['between', 'after']);
    });

    test('with a position that cannot be used has the gap', async () => {
      const target = targetOf();
      const channel = uniqueName('gap');
      const answer = await poll(target, `channel=${channel}&lastEventId=nonsense&wait=20`);
      expect(Object.keys(answer)).toEqual(['events', 'position', 'gap']);
      expect(answer.gap).toMatchObject({ reason: 'unknown-position', from: null });
      expect(answer.gap?.to).toMatch(/^[A-Za-z0-9._~-]+$/);
      const next = await poll(target, `channel=${channel}&lastEventId=${answer.position}&wait=0`);
      expect(next.gap).toBeUndefined();
    });

    test('with until ends at the terminal event, and the next is 204', async () => {
      const target = targetOf();
      const channel = uniqueName('until');
      const { position } = await poll(target, `channel=${channel}&until=done&wait=0`);
      const [, done] = await publishAll(target, [
        { channel, data: 1 },
        { channel, type: 'done', data: 2 },
        { channel, data: 3 },
      ]);
      const had: unknown[] = [];
      let at = position;
      while (!at.endsWith('~e')) {
        const answer = await poll(target, `channel=${channel}&until=done&wait=10&lastEventId=${at}`);
        had.push(...answer.events.map(({ data }) => data));
        at = answer.position;
      }
      expect(had).toEqual([1, 2]);
      expect(at).toBe(`${done?.position ?? ''}~e`);
      const last = await fetch(`${target.baseUrl}/v1/events?channel=${channel}&until=done&format=json&lastEventId=${at}`);
      expect(last.status).toBe(204);
    });

    test('of several channels has them all', async () => {
      const target = targetOf();
      const [a, b] = [uniqueName('a'), uniqueName('b')];
      let { position } = await poll(target, `channels=${a},${b}&wait=0`);
      await publishAll(target, [
        { channel: a, data: 1 },
        { channel: b, data: 2 },
      ]);
      const had: PolledEvent[] = [];
      while (had.length < 2) {
        const answer = await poll(target, `channels=${a},${b}&wait=5&lastEventId=${position}`);
        had.push(...answer.events);
        position = answer.position;
      }
      expect(had.map(({ channel, data }) => [channel, data]).sort()).toEqual(
        [
          [a, 1],
          [b, 2],
        ].sort(),
      );
    });
  });
}
