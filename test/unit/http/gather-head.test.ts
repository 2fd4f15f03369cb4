import { expect, test } from 'vitest';
import { HeadGatherer } from '../../../src/http/gather-head.js';
import type { GatheredHead } from '../../../src/http/gather-head.js';
import { writeProxyHeader } from '../../../src/http/read-proxy-header.js';

const source = { address: Uint8Array.of(9, 8, 7, 6), port: 1_234 };
const header = Buffer.from(writeProxyHeader(source));
const ask = Buffer.from('POST /v1/publish HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n');
const body = Buffer.from('{}');

function takeAll(pieces: readonly Buffer[]): GatheredHead[] {
  const gatherer = new HeadGatherer();
  return pieces.map((piece) => gatherer.take(piece));
}

test('a head is whole wherever it was cut, with what was read behind it', () => {
  const all = Buffer.concat([header, ask]);
  for (let cut = 1; cut < all.length; cut++) {
    const [first, second] = takeAll([all.subarray(0, cut), Buffer.concat([all.subarray(cut), body])]);
    expect(first).toEqual({ kind: 'partial' });
    expect(second).toEqual({ kind: 'whole', source, bytes: Buffer.concat([ask, body]) });
  }
  const bytewise = takeAll([...all].map((byte) => Buffer.from([byte])));
  expect(bytewise.slice(0, -1).every(({ kind }) => kind === 'partial')).toBe(true);
  expect(bytewise.at(-1)).toEqual({ kind: 'whole', source, bytes: ask });
});

test('a head has at most 16 KB, in one piece or in many', () => {
  const padded = (bytes: number): Buffer => Buffer.from(`GET / HTTP/1.1\r\nX: `.padEnd(bytes - 4, 'x') + '\r\n\r\n');
  expect(takeAll([header, padded(16_384)]).at(-1)?.kind).toBe('whole');
  expect(takeAll([header, padded(17_000)]).at(-1)?.kind).toBe('too-large');
  const endless = takeAll([header, ...Array.from({ length: 17 }, () => Buffer.alloc(1_000, 'x'))]);
  expect(endless.map(({ kind }) => kind).indexOf('too-large')).toBe(17);
});

test.each([
  ['a second PROXY header', header],
  ['empty lines', Buffer.from('\r\n\r\n')],
  ['TLS', Buffer.from([0x16, 3, 1])],
])('%s behind the header is no request', (_, bytes) => {
  expect(takeAll([header, bytes]).at(-1)?.kind).toBe('faulty');
});
