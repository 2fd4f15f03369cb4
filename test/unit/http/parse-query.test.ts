import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseQuery } from '../../../src/http/parse-query.js';
import { formatRemoteAddress } from '../../../src/http/remote-address.js';

test('what URLSearchParams writes is read back, in order', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }))), (pairs) => {
      const parsed = parseQuery(new URLSearchParams(pairs).toString());
      const expected = new Map<string, string[]>();
      for (const [name, value] of pairs) expected.set(name, [...(expected.get(name) ?? []), value]);
      expect(parsed).toEqual(expected);
    }),
  );
});

test('any text is decoded or refused, never thrown at', () => {
  fc.assert(fc.property(fc.string(), (text) => parseQuery(text) === null || parseQuery(text) instanceof Map));
});

test('names of the language are plain names', () => {
  expect(parseQuery('__proto__=a&constructor=b')?.get('__proto__')).toEqual(['a']);
});

const address = (...bytes: number[]): ArrayBuffer => new Uint8Array(bytes).buffer;

test('addresses are written as people write them', () => {
  expect(formatRemoteAddress(address(10, 0, 0, 255))).toBe('10.0.0.255');
  expect(formatRemoteAddress(address(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 168, 0, 1))).toBe('192.168.0.1');
  expect(formatRemoteAddress(address(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1))).toBe('::1');
  expect(formatRemoteAddress(address(0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1))).toBe('2001:db8:0:1::1');
  expect(formatRemoteAddress(address(0x20, 1, 0xd, 0xb8, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0))).toBe('2001:db8:1:1:1:1:1:0');
  expect(formatRemoteAddress(address())).toBe('');
});
