import { describe, expect, test } from 'vitest';
import { uniqueName } from '../platform/unique-name.js';
import { readVectors } from '../unit/protocol/vectors.js';
import { publish, publishAll, publishInto } from './http-client.js';
import { StreamClient, type Gap } from './stream-client.js';
import type { Target, TargetOf } from './target.js';

const spellings: readonly ((position: string) => { query: string; headers: Record<string, string> })[] = [
  (position) => ({ query: '', headers: { 'Last-Event-ID': position } }),
  (position) => ({ query: '', headers: { 'last-event-id': position } }),
  (position) => ({ query: `&lastEventId=${encodeURIComponent(position)}`, headers: {} }),
  (position) => ({ query: `&last_event_id=${encodeURIComponent(position)}`, headers: {} }),
  (position) => ({ query: `&lastEventID=${encodeURIComponent(position)}`, headers: {} }),
];

const numbers = (count: number, from = 0): readonly string[] => Array.from({ length: count }, (_, i) => String(from + i));
const publishNumbers = (target: Target, channel: string, count: number, from = 0): Promise<unknown> =>
  publishAll(
    target,
    numbers(count, from).map((data) => ({ channel, data })),
  );

/** The position with the numbers of its one entry changed. */
function edit(
  position: string,
  change: (parts: { cluster: string; tag: string; count: number; partition: number; next: number }) => string,
): string {
  const match = /^1([0-9a-z]{4})\.([0-9a-z]{5})-([0-9a-z]+)-([0-9a-z]+)-([0-9a-z]+)$/.exec(position);
  if (match === null) throw new Error(`${position} is not of one keyed channel`);
  const [, cluster = '', tag = '', count = '', partition = '', next = ''] = match;
  return change({
    cluster,
    tag,
    count: Number.parseInt(count, 36),
    partition: Number.parseInt(partition, 36),
    next: Number.parseInt(next, 36),
  });
}
const b36 = (number: number): string => number.toString(36);

/** A reader that comes back. */
export function describeResume(targetOf: TargetOf): void {
  describe('a resume', () => {
    test('from each id, in each spelling, gets exactly what came after it', async () => {
      const target = targetOf();
      const channel = uniqueName('resume');
      using first = await StreamClient.follow(target, `channel=${channel}`);
      const ids = [first.lastEventId];
      await publishNumbers(target, channel, 12);
      for (const { lastEventId } of await first.take(12)) ids.push(lastEventId);
      for (const [had, id] of ids.entries()) {
        const { query, headers } = (spellings[had % spellings.length] as (typeof spellings)[number])(id);
        using again = await StreamClient.follow(target, `channel=${channel}${query}`, headers);
        await again.take(12 - had);
        expect(again.datas).toEqual(numbers(12 - had, had));
        expect(again.gaps).toEqual([]);
        expect(again.events[0]).toEqual({ type: 'selvage.position', data: '{}', lastEventId: id });
      }
    });

    test.each(spellings.map((spelling, i) => [i, spelling] as const))('in spelling %i goes on live without a seam', async (_, spelling) => {
      const target = targetOf();
      const channel = uniqueName('seam');
      const { position } = await publish(target, channel, 'had');
      await publishNumbers(target, channel, 3);
      const { query, headers } = spelling(position);
      using again = await StreamClient.follow(target, `channel=${channel}${query}`, headers);
      await publishNumbers(target, channel, 3, 3);
      await again.take(6);
      expect(again.datas).toEqual(numbers(6));
    });

    test('takes the header before the query, and the query in its order; empty ones do not count', async () => {
      const target = targetOf();
      const channel = uniqueName('precedence');
      const positions: string[] = [];
      for (const data of numbers(4)) positions.push((await publish(target, channel, data)).position);
      const [p0 = '', p1 = '', p2 = '', p3 = ''] = positions;
      const restOf = async (query: string, headers: Record<string, string>, rest: readonly string[]): Promise<void> => {
        using again = await StreamClient.follow(target, `channel=${channel}${query}`, headers);
        await again.take(rest.length);
        expect(again.datas).toEqual(rest);
      };
      await restOf(`&lastEventId=${p3}&last_event_id=${p3}&lastEventID=${p3}`, { 'Last-Event-ID': p0 }, ['1', '2', '3']);
      await restOf(`&lastEventID=${p3}&last_event_id=${p2}&lastEventId=${p1}`, {}, ['2', '3']);
      await restOf(`&lastEventID=${p3}&last_event_id=${p2}&lastEventId=`, { 'Last-Event-ID': '' }, ['3']);
    });

    test('goes before since and rewind, which a URL repeats on every reconnect', async () => {
      const target = targetOf();
      const channel = uniqueName('beats');
      await publishNumbers(target, channel, 3);
      const { position } = await publish(target, channel, 'had');
      await publish(target, channel, 'next');
      using again = await StreamClient.follow(target, `channel=${channel}&since=0&rewind=3&lastEventId=${position}`);
      await again.take(1);
      await publish(target, channel, 'live');
      await again.take(2);
      expect(again.datas).toEqual(['next', 'live']);
    });

    test('of a reader that was cut off at every event in turn has every event once', async () => {
      const target = targetOf();
      const channel = uniqueName('cut');
      let position = '';
      const had: string[] = [];
      for (let round = 0; round < 15; round++) {
        using client = await StreamClient.follow(target, `channel=${channel}`, position === '' ? {} : { 'Last-Event-ID': position });
        await publishNumbers(target, channel, 3, round * 3);
        const wanted = had.length < round * 3 ? round * 3 - had.length : 1;
        const events = (await client.take(wanted)).slice(0, wanted);
        had.push(...events.map(({ data }) => data));
        position = events.at(-1)?.lastEventId ?? position;
      }
      using last = await StreamClient.follow(target, `channel=${channel}`, { 'Last-Event-ID': position });
      await last.take(45 - had.length);
      expect([...had, ...last.datas]).toEqual(numbers(45));
    });
  });

  describe('a position that cannot be used', () => {
    /** Comes back with `position`; checks that the reader is told, goes on live, and holds an id that is good from then on. */
    async function expectGap(
      target: Target,
      channel: string,
      query: string,
      headers: Record<string, string>,
      expected: Partial<Gap>,
    ): Promise<void> {
      using client = await StreamClient.follow(target, `channel=${channel}${query}`, headers);
      const [first] = client.events;
      expect(first?.type).toBe('selvage.gap');
      const gap = JSON.parse(first?.data ?? '{}') as Gap;
      expect(Object.keys(gap)).toEqual(['reason', 'from', 'to']);
      expect(gap).toMatchObject(expected);
      expect(gap.to).toBe(first?.lastEventId);
      const data = uniqueName('live');
      await publish(target, channel, data);
      await client.until(() => client.datas.includes(data), 'the live event');
      expect(client.gaps).toHaveLength(1);
      for (const id of [gap.to, client.ownEvents.at(-1)?.lastEventId ?? '']) {
        using again = await StreamClient.follow(target, `channel=${channel}`, { 'Last-Event-ID': id });
        expect(again.gaps, `behind ${id}`).toEqual([]);
        if (id !== gap.to) continue;
        await again.until(() => again.datas.includes(data), 'the event behind the gap');
      }
    }

    test('is told as a gap of these bytes', async () => {
      using client = await StreamClient.follow(targetOf(), `channel=${uniqueName('bytes')}&lastEventId=nonsense`);
      expect(client.text).toMatch(
        /^retry: \d+\n:\nevent: selvage\.gap\ndata: \{"reason":"unknown-position","from":null,"to":"([A-Za-z0-9._~-]+)"\}\nid: \1\n\n/,
      );
    });

    const { vectors } = readVectors('positions-invalid') as { vectors: readonly { text: string; why: string }[] };
    test.each(vectors.filter(({ text }) => text !== ''))('in the query, $why: $text', async ({ text }) => {
      const channel = uniqueName('query');
      await expectGap(targetOf(), channel, `&lastEventId=${encodeURIComponent(text)}`, {}, { reason: 'unknown-position', from: null });
    });

    // A header cannot hold line ends or NUL, and blanks around it are not part of it.
    const inHeader = vectors.filter(({ text }) => /^[\x21-\x7e\x80-\xff]+$/.test(text));
    test.each(inHeader)('in the header, $why: $text', async ({ text }) => {
      await expectGap(targetOf(), uniqueName('header'), '', { 'Last-Event-ID': text }, { reason: 'unknown-position', from: null });
    });

    test('because it is longer than any', async () => {
      const long = `1abcd${'.aaaaa-4-0-1'.repeat(90)}`;
      await expectGap(targetOf(), uniqueName('long'), '', { 'Last-Event-ID': long }, { reason: 'unknown-position', from: null });
      await expectGap(targetOf(), uniqueName('long'), `&lastEventId=${'x'.repeat(6_000)}`, {}, { reason: 'unknown-position', from: null });
    });

    test('because it is of another cluster', async () => {
      const target = targetOf();
      const channel = uniqueName('cluster');
      const { position } = await publish(target, channel, 1);
      const foreign = edit(position, ({ cluster }) => position.replace(`1${cluster}`, `1${cluster === 'zzzz' ? 'aaaa' : 'zzzz'}`));
      await expectGap(target, channel, '', { 'Last-Event-ID': foreign }, { reason: 'other-cluster', from: foreign });
    });

    test('because it is beyond the end of the log', async () => {
      const target = targetOf();
      const channel = uniqueName('future');
      const { position } = await publish(target, channel, 1);
      for (const ahead of [1, 1_000, Number.MAX_SAFE_INTEGER]) {
        const future = edit(position, ({ cluster, tag, count, partition, next }) => {
          return `1${cluster}.${tag}-${b36(count)}-${b36(partition)}-${b36(Math.min(next + ahead, Number.MAX_SAFE_INTEGER))}`;
        });
        await expectGap(target, channel, '', { 'Last-Event-ID': future }, { reason: 'future-position', from: future });
      }
    });

    test('because it is of other topics', async () => {
      const target = targetOf();
      const channel = uniqueName('topic');
      const { position } = await publish(target, channel, 1);
      const other = edit(position, ({ tag }) => position.replace(tag, tag === 'zzzzz' ? 'aaaaa' : 'zzzzz'));
      await expectGap(target, channel, '', { 'Last-Event-ID': other }, { reason: 'unknown-position', from: other });
      const bare = position.slice(0, 5);
      await expectGap(target, channel, '', { 'Last-Event-ID': bare }, { reason: 'unknown-position', from: bare });
    });

    test('because it is of a channel in another partition', async () => {
      const target = targetOf();
      const channel = uniqueName('mine');
      const { partition } = await publish(target, channel, 1);
      const elsewhere = await publishInto(target, partition === 0 ? 1 : 0, (attempt) => `${channel}-${attempt}`);
      await expectGap(
        target,
        channel,
        '',
        { 'Last-Event-ID': elsewhere.position },
        { reason: 'unknown-position', from: elsewhere.position },
      );
    });

    test('because it speaks of partitions that do not exist; the id behind the gap speaks of them no more', async () => {
      const target = targetOf();
      const channel = uniqueName('phantom');
      const { position } = await publish(target, channel, 1);
      const phantom = edit(position, ({ cluster, tag, count, partition, next }) => {
        const own = `-${b36(partition)}-${b36(next)}`;
        return `1${cluster}.${tag}-${b36(count + 4)}${own}-${b36(count)}-0-${b36(count + 1)}-9-${b36(count + 3)}-0`;
      });
      await expectGap(target, channel, '', { 'Last-Event-ID': phantom }, { from: phantom });
    });

    test('because it claims more partitions than any topic has', async () => {
      const target = targetOf();
      const channel = uniqueName('claims');
      const { position } = await publish(target, channel, 1);
      const wide = edit(
        position,
        ({ cluster, tag, partition, next }) => `1${cluster}.${tag}-${b36(65_536)}-${b36(partition)}-${b36(next)}`,
      );
      await expectGap(target, channel, '', { 'Last-Event-ID': wide }, { reason: 'unknown-position', from: wide });
    });
  });

  test('a position that knows of other topics besides is used', async () => {
    const target = targetOf();
    const channel = uniqueName('besides');
    const { position } = await publish(target, channel, 'had');
    await publish(target, channel, 'next');
    for (const more of ['.zzzzz-4~1-2-3-4', '.zzzzz-0', '.zzzzz-c_m05y39c0']) {
      using client = await StreamClient.follow(target, `channel=${channel}`, { 'Last-Event-ID': position + more });
      await client.take(1);
      expect(client.datas).toEqual(['next']);
      expect(client.gaps).toEqual([]);
    }
  });
}
