import fc from 'fast-check';
import { expect, test } from 'vitest';
import { escapeJson, escapeText } from '../../../src/cli/escape-text.js';

const dangerous = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/;
const hostile = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\u001b', '\u009b', '\u0007', '\u202e', '\r', '\n', '"', '\\', '\ud800'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
});

test('escaped text holds nothing that a terminal obeys', () => {
  fc.assert(fc.property(hostile, (text) => !dangerous.test(escapeText(text))));
  expect(escapeText('\u001b[2Jred\u009b31m\n\ttab')).toBe('\\u001b[2Jred\\u009b31m\\n\\ttab');
  expect(escapeText('naïve 日本 🎉')).toBe('naïve 日本 🎉');
});

test('escaped JSON holds nothing that a terminal obeys, and means the same', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const json = escapeJson(JSON.stringify({ text }));
      expect(JSON.parse(json)).toEqual({ text });
      expect(dangerous.test(json)).toBe(false);
    }),
  );
});
