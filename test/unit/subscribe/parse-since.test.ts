import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseSince } from '../../../src/subscribe/parse-since.js';
import { readVectors } from '../protocol/vectors.js';

const { nowMs, vectors } = readVectors('since') as { nowMs: number; vectors: readonly { text: string; sinceMs: number | null }[] };

describe('forms of since', () => {
  test.each(vectors)('$text', ({ text, sinceMs }) => {
    expect(parseSince(text, nowMs)).toBe(sinceMs);
  });

  test('any time as JavaScript writes it is read as that time', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }), (date) => {
        expect(parseSince(date.toISOString(), nowMs)).toBe(date.getTime());
        expect(parseSince(String(date.getTime()), nowMs)).toBe(date.getTime());
      }),
    );
  });

  test('anything else is refused and never throws', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const sinceMs = parseSince(text, nowMs);
        if (sinceMs !== null) expect(Number.isFinite(sinceMs) && sinceMs >= 0).toBe(true);
      }),
    );
  });
});

test('a time without a zone is UTC wherever the node stands', () => {
  const before = process.env['TZ'];
  try {
    process.env['TZ'] = 'America/St_Johns';
    expect(parseSince('2024-08-22T12:30:15', nowMs)).toBe(Date.UTC(2024, 7, 22, 12, 30, 15));
  } finally {
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  }
});
