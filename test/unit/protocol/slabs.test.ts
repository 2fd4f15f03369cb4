import { expect, test } from 'vitest';
import { EventBodyEncoder } from '../../../src/protocol/event-body-codec.js';
import { Slabs } from '../../../src/protocol/slabs.js';

test('runs share a block and never overlap, whatever their lengths', () => {
  const slabs = new Slabs(1_024);
  const taken = new Map<Uint8Array, number>();
  for (let i = 0; i < 1_000; i++) {
    const byteLength = (i * 37) % 250;
    const start = slabs.reserve(byteLength);
    expect(start).toBeGreaterThanOrEqual(taken.get(slabs.block) ?? 0);
    expect(start + byteLength).toBeLessThanOrEqual(slabs.block.length);
    taken.set(slabs.block, start + byteLength);
  }
  expect(taken.size).toBeLessThan(200);
});

test('a long run has a block of exactly its own length', () => {
  const slabs = new Slabs(1_024);
  slabs.reserve(8);
  expect(slabs.reserve(257)).toBe(0);
  expect(slabs.block.length).toBe(257);
});

test('bodies encoded one after the other keep their own bytes', () => {
  const encoder = new EventBodyEncoder(new Slabs(256));
  const texts = Array.from({ length: 200 }, (_, i) => `${i}`.repeat(i % 90) + (i % 7 === 0 ? '\nmore' : ''));
  const bodies = texts.map((text) => encoder.encode('t', Buffer.from(text)));
  const expected = texts.map(
    (text) =>
      `event: t\n${text
        .split('\n')
        .map((line) => `data: ${line}\n`)
        .join('')}`,
  );
  expect(bodies.map((body) => Buffer.from(body.bytes).toString())).toEqual(expected);
  expect(bodies.map((body) => body.byteLength)).toEqual(expected.map((text) => text.length));
});
