import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clusterTag, decodePosition, encodePosition, positionBytesMax, topicTag } from '../../../src/protocol/position.js';
import type { Position, TopicPosition } from '../../../src/protocol/position.js';
import { readVectors } from './vectors.js';

interface WrittenTopic {
  readonly tag: string;
  readonly partitionCount: number;
  readonly cursors?: readonly (readonly [number, number])[];
  readonly timestampMs?: number;
}
interface PositionVector {
  readonly name: string;
  readonly text: string;
  readonly position: { readonly clusterTag: string; readonly ended?: boolean; readonly topics: readonly WrittenTopic[] };
}

const toPosition = ({ clusterTag, ended = false, topics }: PositionVector['position']): Position => ({
  clusterTag,
  ended,
  topics: topics.map(({ tag, partitionCount, cursors, timestampMs }): TopicPosition =>
    timestampMs === undefined
      ? { kind: 'offsets', tag, partitionCount, cursors: new Map(cursors) }
      : { kind: 'time', tag, partitionCount, timestampMs },
  ),
});

describe('the golden positions', () => {
  const { vectors } = readVectors('positions') as { vectors: readonly PositionVector[] };
  test.each(vectors)('$name', ({ text, position }) => {
    expect(encodePosition(toPosition(position))).toBe(text);
    expect(decodePosition(text)).toEqual(toPosition(position));
  });
});

describe('what is not a position', () => {
  const { vectors } = readVectors('positions-invalid') as { vectors: readonly { text: string; why: string }[] };
  test.each(vectors)('$why: $text', ({ text }) => {
    expect(decodePosition(text)).toBeNull();
  });

  test('one byte more than the longest', () => {
    const entry = '.aaaaa-4-0-1';
    const long = `1abcd${Array.from({ length: 100 }, (_, i) => entry.replace('aaaaa', i.toString().padStart(5, '0'))).join('')}`;
    expect(decodePosition(long)).toBeNull();
    expect(decodePosition(long.slice(0, 5 + 84 * entry.length))).not.toBeNull();
    expect(5 + 84 * entry.length).toBeLessThanOrEqual(positionBytesMax);
    expect(5 + 85 * entry.length).toBeGreaterThan(positionBytesMax);
    expect(decodePosition(long.slice(0, 5 + 85 * entry.length))).toBeNull();
  });
});

test('tags do not change: they are in every position that readers hold', () => {
  expect(clusterTag('4L6g3nShT-eMCtK--X86sw')).toBe('crzb');
  expect(clusterTag('')).toBe('t2h1');
  expect(topicTag('selvage.events')).toBe('9olqb');
  expect(topicTag('tasks')).toBe('k6egn');
  expect(topicTag('tasks', '2')).toBe('pcx27');
});

const digits = [...'0123456789abcdefghijklmnopqrstuvwxyz'];
const tag = (length: number): fc.Arbitrary<string> => fc.string({ unit: fc.constantFrom(...digits), minLength: length, maxLength: length });
const cursor = fc.oneof(fc.integer({ min: -1, max: 100 }), fc.integer({ min: -1, max: Number.MAX_SAFE_INTEGER - 1 }));

const offsets: fc.Arbitrary<TopicPosition> = fc
  .record({ tag: tag(5), partitionCount: fc.integer({ min: 1, max: 12 }) })
  .chain(({ tag, partitionCount }) =>
    fc
      .uniqueArray(fc.integer({ min: 0, max: partitionCount - 1 }), { minLength: 1, maxLength: partitionCount })
      .chain((partitions) => fc.tuple(...partitions.map((partition) => fc.tuple(fc.constant(partition), cursor))))
      .map((cursors) => ({ kind: 'offsets' as const, tag, partitionCount, cursors: new Map(cursors) })),
  );
const time: fc.Arbitrary<TopicPosition> = fc.record({
  kind: fc.constant('time' as const),
  tag: tag(5),
  partitionCount: fc.integer({ min: 1, max: 65_536 }),
  timestampMs: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
});
const absent: fc.Arbitrary<TopicPosition> = tag(5).map((tag) => ({ kind: 'offsets', tag, partitionCount: 0, cursors: new Map() }));
const position: fc.Arbitrary<Position> = fc.record({
  clusterTag: tag(4),
  topics: fc.uniqueArray(fc.oneof(offsets, time, absent), { maxLength: 4, selector: (topic) => topic.tag }),
  ended: fc.boolean(),
});

describe('any position', () => {
  test('is read as it was written, in characters that are safe in a header, a query and an SSE field', () => {
    fc.assert(
      fc.property(position, (written) => {
        const text = encodePosition(written);
        expect(text).toMatch(/^[A-Za-z0-9._~-]+$/);
        expect(encodeURIComponent(text)).toBe(text);
        fc.pre(text.length <= positionBytesMax);
        expect(decodePosition(text)).toEqual(written);
      }),
      { numRuns: 500 },
    );
  });

  test('of one keyed channel is at most 128 bytes', () => {
    const widest = encodePosition({
      clusterTag: 'zzzz',
      ended: true,
      topics: [{ kind: 'offsets', tag: 'zzzzz', partitionCount: 65_536, cursors: new Map([[65_535, Number.MAX_SAFE_INTEGER - 1]]) }],
    });
    expect(widest.length).toBeLessThanOrEqual(128);
  });
});

describe('any text', () => {
  const nearly = fc.string({ unit: fc.constantFrom(...digits, '.', '.', '-', '-', '-', '~', '_', 'A', '%', ' ', '\n'), maxLength: 60 });
  const torn = fc.tuple(position.map(encodePosition), fc.nat(), fc.nat(), nearly).map(([text, from, length, patch]) => {
    const at = from % (text.length + 1);
    return text.slice(0, at) + patch.slice(0, length % 4) + text.slice(at + (length % 3));
  });

  test.each([
    ['any', fc.string({ unit: 'binary' })],
    ['nearly right', nearly.map((text) => `1abcd.${text}`)],
    ['torn and patched', torn],
  ])('%s: reading never throws, and what was read has one spelling', (_, texts) => {
    fc.assert(
      fc.property(texts, (text) => {
        const read = decodePosition(text);
        if (read !== null) expect(encodePosition(read)).toBe(text);
      }),
      { numRuns: 2_000 },
    );
  });
});
