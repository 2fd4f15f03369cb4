import { describe, expect, test } from 'vitest';
import { encodeEventBody } from '../../src/protocol/event-body-codec.js';
import { countMarkMsMax } from '../../src/routing/recent-counts.js';
import type { LatestRule, RoutedEvent } from '../../src/routing/routed-event.js';
import type { ReplayWindow, WindowAnswer, WindowStretch } from '../../src/window/replay-window.js';
import type { WindowOptions } from '../../src/window/window-options.js';

/** One window of a test's own, and what may befall its store. */
export interface OpenWindow {
  readonly window: ReplayWindow;
  /** Lets so much of the store's time go by. */
  pass(ms: number): Promise<void>;
  /** Loses everything this window has. */
  flush(): Promise<void>;
  /** Remembers all that is held; the returned function goes back to it, as a failover to a replica that was so far behind. */
  replicaPoint(): Promise<() => Promise<void>>;
  /** Another window on the same store and prefix, with other options. */
  sibling(options: Partial<WindowOptions>): ReplayWindow;
}

export type OpenWindowWith = (options: Omit<WindowOptions, 'prefix'>) => Promise<OpenWindow>;

export const topic = 'orders';
const encoder = new TextEncoder();

/** An event; `index` 0 and data `{"n":offset}` unless given. */
export function event(offset: number, channels: readonly string[], more: Partial<RoutedEvent> & { data?: string } = {}): RoutedEvent {
  const { data = JSON.stringify({ n: offset }), type = 'progress', ...rest } = more;
  const body = encodeEventBody(type, encoder.encode(data));
  return {
    topic,
    partition: 0,
    offset,
    index: 0,
    timestampMs: 1_700_000_000_000 + offset,
    channels,
    type,
    attributes: null,
    latest: null,
    body,
    ...rest,
  };
}

/** A stretch of partition 0 with one event of `channels` at each of `offsets`. */
export function stretch(from: number, to: number, offsets: readonly number[] = [], channels: readonly string[] = ['a']): WindowStretch {
  return { topic, partition: 0, from, to, events: offsets.map((offset) => event(offset, channels)) };
}

const generous = { eventsMax: 1_000, bytesMax: 1_000_000 };

export function readAfter(
  window: ReplayWindow,
  after: number,
  channels: readonly string[] = ['a'],
  limits = generous,
): Promise<WindowAnswer> {
  return window.read({ topic, partition: 0, channels, after, ...limits });
}

/** `page 3 5 ..9`, or `unproven trimmed 9`. */
export function told(answer: WindowAnswer): string {
  if (answer.kind === 'unproven') return `unproven ${answer.reason} ${answer.high}`;
  return ['page', ...answer.events.map(({ offset }) => offset), `..${answer.provenTo}`].join(' ');
}

/** What every window must keep. `ageMs` is W in these tests: short where time is real. */
export function describeReplayWindow(name: string, openWith: OpenWindowWith, ageMs: number): void {
  const open = (options: Partial<WindowOptions> = {}): Promise<OpenWindow> =>
    openWith({ ageMs, eventsPerChannelMax: 1_000, describeTopic: () => ({ fingerprint: 'f1', generation: '' }), ...options });

  // Concurrent: where time is real, most of these only wait.
  describe.concurrent.each([1, 2, 16])(`${name}, %i bucket(s)`, (bucketCount) => {
    test('an empty window proves nothing', async () => {
      const { window } = await open({ bucketCount });
      expect(told(await readAfter(window, -1))).toBe('unproven absent null');
      expect(await window.vouched(topic, 0)).toBeNull();
    });

    test('what was written comes back above the cursor, byte for byte, and is complete up to high', async () => {
      const { window } = await open({ bucketCount });
      const plain = event(0, ['a'], { data: '{"n":0,"text":"größe"}', attributes: { session: 's1' } });
      const lines = event(2, ['a', 'b'], { type: 'message', data: 'one\ntwo' });
      expect(await window.write({ topic, partition: 0, from: 0, to: 4, events: [plain, lines] })).toEqual({ high: 4, floor: -1 });
      const answer = await readAfter(window, -1, ['a']);
      expect(answer).toMatchObject({ kind: 'page', provenTo: 4, high: 4 });
      const events = answer.kind === 'page' ? answer.events : [];
      expect(events.map(({ body, ...rest }) => ({ ...rest, body: Buffer.from(body.bytes).toString() }))).toEqual([
        { ...plain, channels: ['a'], body: 'event: progress\ndata: {"n":0,"text":"größe"}\n' },
        { ...lines, channels: ['a'], body: 'data: one\ndata: two\n' },
      ]);
      expect(told(await readAfter(window, 0))).toBe('page 2 ..4');
      expect(told(await readAfter(window, 2))).toBe('page ..4');
      expect(told(await readAfter(window, 4))).toBe('unproven behind 4');
      expect(told(await readAfter(window, 9))).toBe('unproven behind 4');
    });

    test('a channel without events is proven empty', async () => {
      const { window } = await open({ bucketCount });
      await window.write(stretch(7, 9, [8]));
      expect(told(await readAfter(window, 6, ['silent']))).toBe('page ..9');
      expect(told(await readAfter(window, 5, ['silent']))).toBe('unproven below-floor 9');
    });

    test('a record of several asked channels is one event that names only those', async () => {
      const { window } = await open({ bucketCount });
      await window.write(stretch(0, 1, [0, 1], ['a', 'b', 'c', 'd']));
      const answer = await readAfter(window, -1, ['d', 'a']);
      expect(answer.kind === 'page' && answer.events.map(({ channels }) => channels)).toEqual([
        ['d', 'a'],
        ['d', 'a'],
      ]);
    });

    test('writing a stretch again changes nothing', async () => {
      const { window } = await open({ bucketCount });
      for (let i = 0; i < 3; i += 1) expect(await window.write(stretch(0, 5, [1, 3]))).toEqual({ high: 5, floor: -1 });
      expect(told(await readAfter(window, -1))).toBe('page 1 3 ..5');
    });

    test('a zombie that writes an old stretch again neither lowers high nor repeats events', async () => {
      const { window } = await open({ bucketCount });
      await window.write(stretch(0, 5, [1, 3]));
      await window.write(stretch(6, 9, [7]));
      expect(await window.write(stretch(2, 5, [3]))).toEqual({ high: 9, floor: -1 });
      expect(told(await readAfter(window, -1))).toBe('page 1 3 7 ..9');
    });

    test('a hole raises the floor to where writing went on', async () => {
      const { window } = await open({ bucketCount });
      await window.write(stretch(0, 5, [1]));
      expect(await window.write(stretch(8, 9, [8]))).toEqual({ high: 9, floor: 7 });
      expect(told(await readAfter(window, 6))).toBe('unproven below-floor 9');
      expect(told(await readAfter(window, 7))).toBe('page 8 ..9');
    });

    test('empty stretches carry progress', async () => {
      const { window } = await open({ bucketCount });
      await window.write(stretch(0, 5, [1]));
      await window.write(stretch(6, 8));
      await window.write(stretch(9, 9, [9]));
      expect(told(await readAfter(window, 1))).toBe('page 9 ..9');
      expect(await window.write(stretch(10, 9))).toEqual({ high: 9, floor: -1 });
    });

    test('several events of one record keep their order and never split over pages', async () => {
      const { window } = await open({ bucketCount, eventsPerChannelMax: 100 });
      const events = [0, 1, 2, 3].flatMap((offset) =>
        [0, 1, 2].map((index) => event(offset, ['a'], { index, data: `${offset}.${index}` })),
      );
      await window.write({ topic, partition: 0, from: 0, to: 3, events });
      for (const eventsMax of [1, 2, 3]) {
        const answer = await readAfter(window, -1, ['a'], { ...generous, eventsMax });
        expect(answer.kind === 'page' && [answer.provenTo, answer.events.map(({ index }) => index)]).toEqual([0, [0, 1, 2]]);
      }
      expect(told(await readAfter(window, 0, ['a'], { eventsMax: 4, bytesMax: 1_000 }))).toBe('page 1 1 1 2 2 2 ..2');
      expect(told(await readAfter(window, 0, ['a'], { eventsMax: 100, bytesMax: 1 }))).toBe('page 1 1 1 ..1');
      // Only a part of record 3 is new: a record whose first events are there is completed.
      const first = await open({ bucketCount });
      await first.window.write({ topic, partition: 0, from: 0, to: 0, events: events.slice(0, 2) });
      await first.window.write({ topic, partition: 0, from: 0, to: 0, events: events.slice(0, 3) });
      expect(told(await readAfter(first.window, -1))).toBe('page 0 0 0 ..0');
    });

    test('pages join without loss or repetition, whatever their size', async () => {
      const { window } = await open({ bucketCount });
      const channels = ['a', 'b', 'c', 'd', 'e'];
      const events = Array.from({ length: 60 }, (_, offset) => event(offset, channels.slice(offset % 5, (offset % 5) + 1 + (offset % 3))));
      await window.write({ topic, partition: 0, from: 0, to: 64, events });
      for (const limits of [
        { eventsMax: 1, bytesMax: 1_000 },
        { eventsMax: 7, bytesMax: 1_000 },
        { eventsMax: 50, bytesMax: 20 },
        { eventsMax: 50, bytesMax: 200 },
      ]) {
        const got: number[] = [];
        let after = -1;
        while (after < 64) {
          const answer = await readAfter(window, after, ['a', 'c'], limits);
          if (answer.kind !== 'page') throw new Error(told(answer));
          expect(answer.provenTo).toBeGreaterThan(after);
          expect(answer.provenTo).toBeLessThanOrEqual(64);
          got.push(...answer.events.map(({ offset }) => offset));
          after = answer.provenTo;
        }
        expect(got).toEqual(events.filter((one) => one.channels.includes('a') || one.channels.includes('c')).map(({ offset }) => offset));
      }
    });

    test('a page of several channels is proven only as far as its shortest channel was read', async () => {
      const { window } = await open({ bucketCount });
      const events = [0, 1, 2, 3, 4, 5].map((offset) => event(offset, [offset === 5 ? 'rare' : 'busy']));
      await window.write({ topic, partition: 0, from: 0, to: 9, events });
      expect(told(await readAfter(window, -1, ['rare', 'busy'], { ...generous, eventsMax: 2 }))).toBe('page 0 1 ..1');
      expect(told(await readAfter(window, 3, ['rare', 'busy'], { ...generous, eventsMax: 2 }))).toBe('page 4 5 ..9');
    });

    test('a reader whose next event was trimmed by count is told', async () => {
      const { window } = await open({ bucketCount, eventsPerChannelMax: 3 });
      await window.write(stretch(0, 9, [0, 2, 4, 6, 8]));
      expect(told(await readAfter(window, -1))).toBe('unproven trimmed 9');
      expect(told(await readAfter(window, 1))).toBe('unproven trimmed 9');
      expect(told(await readAfter(window, 2))).toBe('page 4 6 8 ..9');
      expect(told(await readAfter(window, 3))).toBe('page 4 6 8 ..9');
    });

    test('a record that was trimmed in half is told', async () => {
      const { window } = await open({ bucketCount, eventsPerChannelMax: 2 });
      await window.write({ topic, partition: 0, from: 0, to: 0, events: [0, 1, 2].map((index) => event(0, ['a'], { index })) });
      expect(told(await readAfter(window, -1))).toBe('unproven trimmed 0');
    });

    test('a floor that nobody renews lapses, and writing goes on above what may have expired', async () => {
      const { window, pass } = await open({ bucketCount });
      await window.write(stretch(0, 5, [1]));
      await pass(ageMs + 50);
      expect(await window.vouched(topic, 0)).toEqual({ high: 5, floor: null });
      expect(told(await readAfter(window, -1))).toBe('unproven absent 5');
      expect(await window.write(stretch(3, 7, [6]))).toEqual({ high: 7, floor: 5 });
      expect(told(await readAfter(window, 5))).toBe('page 6 ..7');
    });

    test('an idle partition stays proven while its owner renews it, and ages', async () => {
      const { window, pass } = await open({ bucketCount });
      await window.write(stretch(0, 5, [1]));
      for (let i = 0; i < 4; i += 1) {
        await pass(ageMs * 0.4);
        expect(await window.renew(topic, 0, 6)).toBe(true);
      }
      expect(await window.vouched(topic, 0)).toEqual({ high: 5, floor: 5 });
    });

    test('only an owner that stands exactly at high renews', async () => {
      const { window, pass } = await open({ bucketCount });
      expect(await window.renew(topic, 0, 0)).toBe(false);
      await window.write(stretch(0, 5, [1]));
      await pass(ageMs * 0.6);
      for (const next of [0, 5, 7]) expect(await window.renew(topic, 0, next)).toBe(false);
      await pass(ageMs * 0.6);
      expect(await window.vouched(topic, 0)).toEqual({ high: 5, floor: null });
    });

    test('the floor follows the age of what was written, by the time of writing', async () => {
      const { window, pass } = await open({ bucketCount });
      await window.write(stretch(0, 5, [1, 5]));
      await pass(ageMs * 0.6);
      expect(await window.write(stretch(6, 9, [7]))).toEqual({ high: 9, floor: -1 });
      await pass(ageMs * 0.6);
      expect(await window.write(stretch(10, 10, [10]))).toEqual({ high: 10, floor: 5 });
      expect(told(await readAfter(window, 4))).toBe('unproven below-floor 10');
      expect(told(await readAfter(window, 5))).toBe('page 7 10 ..10');
    });

    test('after a failover to a prefix the hole is not healed over', async () => {
      const { window, replicaPoint } = await open({ bucketCount });
      await window.write(stretch(0, 5, [1]));
      const failOver = await replicaPoint();
      await window.write(stretch(6, 9, [7]));
      await failOver();
      expect(told(await readAfter(window, 1))).toBe('page ..5');
      expect(await window.write(stretch(10, 12, [11]))).toEqual({ high: 12, floor: 9 });
      expect(told(await readAfter(window, 5))).toBe('unproven below-floor 12');
      expect(told(await readAfter(window, 9))).toBe('page 11 ..12');
    });

    test('after a flush nothing below the next stretch is proven', async () => {
      const { window, flush } = await open({ bucketCount });
      await window.write(stretch(0, 5, [1]));
      await flush();
      expect(told(await readAfter(window, -1))).toBe('unproven absent null');
      expect(await window.write(stretch(6, 7, [6]))).toEqual({ high: 7, floor: 5 });
      expect(told(await readAfter(window, 3))).toBe('unproven below-floor 7');
      expect(told(await readAfter(window, 5))).toBe('page 6 ..7');
    });

    test('a dropped partition begins anew, also at lower offsets, and its neighbour stays', async () => {
      const { window } = await open({ bucketCount });
      await window.write(stretch(100, 105, [101, 105], ['a', 'b', 'c']));
      await window.write({ ...stretch(3, 4), partition: 1 });
      await window.write({ ...stretch(3, 4), partition: 10 });
      await window.drop(topic, 0);
      expect(await window.vouched(topic, 0)).toBeNull();
      expect(await window.vouched(topic, 1)).toEqual({ high: 4, floor: 2 });
      expect(await window.vouched(topic, 10)).toEqual({ high: 4, floor: 2 });
      await window.write(stretch(0, 2, [0, 2]));
      expect(told(await readAfter(window, -1, ['a', 'b', 'c']))).toBe('page 0 2 ..2');
    });

    test('windows of other fingerprints, generations and bucket counts know nothing of each other', async () => {
      const { window, sibling } = await open({ bucketCount });
      await window.write(stretch(0, 5, [1]));
      const others = [
        sibling({ describeTopic: () => ({ fingerprint: 'f2', generation: '' }) }),
        sibling({ describeTopic: () => ({ fingerprint: 'f1', generation: '2' }) }),
        sibling({ bucketCount: bucketCount + 1 }),
      ];
      for (const other of others) expect(told(await readAfter(other, -1))).toBe('unproven absent null');
      expect(told(await readAfter(sibling({}), -1))).toBe('page 1 ..5');
    });

    test('newest gives offsets above the floor, newest last', async () => {
      const { window } = await open({ bucketCount });
      expect(await window.newest({ topic, partition: 0, channel: 'a', countMax: 3 })).toEqual([]);
      await window.write({
        topic,
        partition: 0,
        from: 2,
        to: 9,
        events: [3, 5, 7, 8].map((offset) => event(offset, ['a'], { attributes: { s: 'x' } })),
      });
      const of = (offset: number) => ({ offset, timestampMs: 1_700_000_000_000 + offset, type: 'progress', attributes: { s: 'x' } });
      expect(await window.newest({ topic, partition: 0, channel: 'a', countMax: 3 })).toEqual([5, 7, 8].map(of));
      expect(await window.newest({ topic, partition: 0, channel: 'a', countMax: 99 })).toEqual([3, 5, 7, 8].map(of));
      expect(await window.newest({ topic, partition: 0, channel: 'none', countMax: 3 })).toEqual([]);
    });

    test('a breach is latched by the write, for that fingerprint', async () => {
      const { window, sibling } = await open({ bucketCount });
      await window.write(stretch(0, 1, [0]));
      expect(await window.breaches()).toEqual(new Set());
      await window.write({ ...stretch(2, 3), breach: true });
      expect(await window.breaches()).toEqual(new Set([topic]));
      await window.latchBreach('other');
      expect(await window.breaches()).toEqual(new Set([topic, 'other']));
      expect(await sibling({ describeTopic: () => ({ fingerprint: 'f2', generation: '' }) }).breaches()).toEqual(new Set());
    });

    test('partition counts are remembered for all nodes, each as young as anyone knew it', async () => {
      const { window, sibling } = await open({ bucketCount });
      expect(await counts(window)).toEqual([]);
      await window.shareCounts(topic, [
        { kind: 'current', count: 15, agoMs: 100_000 },
        { kind: 'current', count: 18, agoMs: 0 },
      ]);
      await window.shareCounts(topic, [{ kind: 'blind', count: 18, agoMs: 200_000 }]);
      const other = sibling({ bucketCount: 5, describeTopic: () => ({ fingerprint: 'f2', generation: '' }) });
      await other.shareCounts(topic, [{ kind: 'current', count: 15, agoMs: 300_000 }]);
      expect(await counts(other)).toEqual(['blind 18 3 min', 'current 15 1 min', 'current 18 0 min']);
      expect(await counts(window, 'other')).toEqual([]);
      expect(await counts(sibling({ describeTopic: () => ({ fingerprint: 'f1', generation: 'g2' }) }))).toEqual([]);
    });

    test('partition counts of long ago are forgotten', async () => {
      const { window, pass } = await open({ bucketCount });
      await window.shareCounts(topic, [
        { kind: 'current', count: 9, agoMs: countMarkMsMax },
        { kind: 'current', count: 15, agoMs: countMarkMsMax - 500 },
        { kind: 'current', count: 18, agoMs: countMarkMsMax - 60_000 },
      ]);
      await pass(600);
      expect((await window.shareCounts(topic, [])).map(({ count }) => count)).toEqual([18]);
    });

    describeLatest(open, bucketCount, ageMs);
  });
}

/** `current 15 2 min`: 15 partitions two to three minutes ago. */
async function counts(window: ReplayWindow, of = topic): Promise<readonly string[]> {
  const marks = await window.shareCounts(of, []);
  return marks.map(({ kind, count, agoMs }) => `${kind} ${count} ${Math.floor(agoMs / 60_000)} min`).sort();
}

function describeLatest(open: (options: Partial<WindowOptions>) => Promise<OpenWindow>, bucketCount: number, ageMs: number): void {
  const rule: LatestRule = { ttlMs: ageMs, bytesMax: 100 };
  const kinds = async (window: ReplayWindow, ...channels: string[]) => {
    const { high, channels: found } = await window.latest(topic, 0, channels);
    return [high, ...found.map((one) => (one.kind === 'event' ? one.event.offset : one.kind))];
  };
  const latestStretch = (from: number, to: number, ...offsets: number[]): WindowStretch => ({
    ...stretch(from, to),
    events: offsets.map((offset) => event(offset, ['a', 'b'], { latest: rule, index: 1, attributes: { s: 'x' } })),
  });

  test('latest is the newest event, whole, with the high it was read at', async () => {
    const { window } = await open({ bucketCount });
    await window.write(latestStretch(0, 5, 1, 3));
    await window.write(latestStretch(6, 9, 7));
    const { high, channels } = await window.latest(topic, 0, ['b']);
    expect(high).toBe(9);
    expect(channels).toEqual([{ kind: 'event', event: event(7, ['b'], { index: 1, attributes: { s: 'x' } }) }]);
    expect(await kinds(window, 'b', 'none', 'a')).toEqual([9, 7, 'none', 7]);
  });

  test('a repeated older stretch does not set latest back, nor bring back an expired one', async () => {
    const { window, pass } = await open({ bucketCount });
    await window.write(latestStretch(0, 5, 1, 3));
    await window.write(latestStretch(6, 9, 7));
    await window.write(latestStretch(0, 5, 1, 3));
    expect(await kinds(window, 'a')).toEqual([9, 7]);
    await pass(ageMs + 50);
    await window.write(latestStretch(0, 5, 1, 3));
    expect(await kinds(window, 'a')).toEqual([9, 'none']);
  });

  test('without latest, none and unknown differ', async () => {
    const { window, flush } = await open({ bucketCount });
    expect(await kinds(window, 'a')).toEqual([null, 'unknown']);
    await window.write(latestStretch(0, 5));
    expect(await kinds(window, 'a')).toEqual([5, 'none']);
    await window.write(latestStretch(8, 9));
    expect(await kinds(window, 'a')).toEqual([9, 'unknown']);
    await flush();
    await window.write(latestStretch(10, 11, 11));
    expect(await kinds(window, 'a', 'c')).toEqual([11, 11, 'unknown']);
  });

  test('a latest event from before a hole is unknown: a newer one may have come in it', async () => {
    const { window } = await open({ bucketCount });
    await window.write(latestStretch(0, 5, 1));
    await window.write(latestStretch(8, 9));
    expect(await kinds(window, 'a', 'b')).toEqual([9, 'unknown', 'unknown']);
    await window.write(latestStretch(10, 11, 11));
    expect(await kinds(window, 'a')).toEqual([11, 11]);
  });

  test('indexed for longer than a latest event lives, none is none', async () => {
    const { window, pass } = await open({
      bucketCount,
      describeTopic: () => ({ fingerprint: 'f1', generation: '', latestTtlMs: ageMs }),
    });
    await window.write(latestStretch(50, 55));
    expect(await kinds(window, 'a')).toEqual([55, 'unknown']);
    await pass(ageMs + 50);
    expect(await kinds(window, 'a')).toEqual([55, 'none']);
  });

  test('an event too large to keep leaves latest unknown, not the one before', async () => {
    const { window } = await open({ bucketCount });
    await window.write(latestStretch(0, 5, 1));
    await window.write({ ...stretch(6, 6), events: [event(6, ['a'], { latest: rule, data: 'x'.repeat(200) })] });
    expect(await kinds(window, 'a', 'b')).toEqual([6, 'unknown', 1]);
  });
}
