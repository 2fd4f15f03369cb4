import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readJsonPointer } from '../../../src/routing/json-pointer.js';
import { sliceJson } from '../../../src/routing/json-slice.js';

/** Every pointer into a document. */
function pointersOf(value: unknown): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [[]];
  return [[], ...Object.keys(value).flatMap((name) => pointersOf((value as Record<string, unknown>)[name]).map((rest) => [name, ...rest]))];
}

test('finds the text of every value, however it is laid out', () => {
  fc.assert(
    fc.property(fc.json({ stringUnit: 'binary' }), fc.constantFrom(undefined, 1, '\t', '\r'), (text, space) => {
      const document: unknown = JSON.parse(text);
      const written = JSON.stringify(document, null, space);
      for (const pointer of pointersOf(document)) {
        expect(JSON.parse(sliceJson(written, pointer) ?? '')).toEqual(readJsonPointer(document, pointer));
      }
    }),
  );
});

test('the last of repeated names counts, as for JSON.parse', () => {
  expect(sliceJson('{"a":1,"b":[{"\\u0061":2}],"\\u0061":3.00}', ['a'])).toBe('3.00');
});

test('what is not there is not found', () => {
  for (const pointer of [['b'], ['a', '2'], ['a', '01'], ['a', '-'], ['a', 'length'], ['a', '0', 'x']])
    expect(sliceJson('{ "a" : [ 1 , 2 ] }', pointer)).toBeUndefined();
});
