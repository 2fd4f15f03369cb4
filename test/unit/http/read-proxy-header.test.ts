import fc from 'fast-check';
import { expect, test } from 'vitest';
import { proxyHeaderBodyBytesMax, readProxyHeader, writeProxyHeader } from '../../../src/http/read-proxy-header.js';

const signature = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
const header = (versionAndCommand: number, family: number, body: readonly number[], length = body.length): Uint8Array =>
  Uint8Array.from([...signature, versionAndCommand, family, length >> 8, length & 0xff, ...body]);
const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);
const v4 = [9, 8, 7, 6, 10, 0, 0, 1, 0x30, 0x39, 0x1f, 0x90];
const v6 = [...Array.from({ length: 16 }, (_, i) => i), ...zeros(16), 0x30, 0x39, 0x1f, 0x90];
const tlvs = [0x04, 0, 3, 1, 2, 3, 0xea, 0, 1, 7];

test.each([
  ['TCP over IPv4', header(0x21, 0x11, v4), [9, 8, 7, 6]],
  ['TCP over IPv6', header(0x21, 0x21, v6), v6.slice(0, 16)],
  ['TCP over IPv4 with TLVs', header(0x21, 0x11, [...v4, ...tlvs]), [9, 8, 7, 6]],
  ['TLVs up to the bound', header(0x21, 0x11, [...v4, ...zeros(proxyHeaderBodyBytesMax - 12)]), [9, 8, 7, 6]],
  ['LOCAL', header(0x20, 0x00, []), null],
  ['LOCAL with addresses, which mean nothing', header(0x20, 0x11, v4), null],
  ['LOCAL with TLVs and a family that is not known', header(0x20, 0x77, tlvs), null],
  ['UNSPEC', header(0x21, 0x00, tlvs), null],
] as const)('%s is read wherever it is cut, and what comes behind is left', (_, bytes, address) => {
  for (let cut = 0; cut < bytes.length; cut++) expect(readProxyHeader(bytes.subarray(0, cut)).kind).toBe('partial');
  const whole = {
    kind: 'whole',
    end: bytes.length,
    source: address === null ? null : { address: Uint8Array.from(address), port: 12_345 },
  };
  expect(readProxyHeader(bytes)).toEqual(whole);
  expect(readProxyHeader(Uint8Array.from([...bytes, 0x47, 0x45, 0x54]))).toEqual(whole);
});

test.each([
  ['v1', Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n')],
  ['HTTP without a header', Buffer.from('G')],
  ['TLS', Uint8Array.of(0x16, 3, 1)],
  ['a signature with one other byte', Uint8Array.from([...signature.slice(0, 11), 0x0b])],
  ['version 1 in the form of 2', header(0x11, 0x11, v4)],
  ['version 3', header(0x31, 0x11, v4)],
  ['a command that is not known', header(0x22, 0x11, v4)],
  ['UDP', header(0x21, 0x12, v4)],
  ['a Unix socket', header(0x21, 0x31, zeros(216))],
  ['addresses of IPv4 that do not fit', header(0x21, 0x11, v4.slice(1))],
  ['no addresses at all', header(0x21, 0x11, [])],
  ['addresses of IPv6 that do not fit', header(0x21, 0x21, v4)],
  ['a length over the bound, at once', header(0x21, 0x11, [], proxyHeaderBodyBytesMax + 1)],
  ['the greatest length', header(0x20, 0x00, [], 65_535)],
])('%s is faulty', (_, bytes) => {
  expect(readProxyHeader(bytes).kind).toBe('faulty');
});

test('whatever comes, it is read without an error and never past its end', () => {
  const tail = fc.uint8Array({ maxLength: 80 });
  fc.assert(
    fc.property(fc.boolean(), tail, (isSigned, bytes) => {
      const input = Uint8Array.from(isSigned ? [...signature, ...bytes] : bytes);
      const reading = readProxyHeader(input);
      if (reading.kind === 'whole') expect(reading.end).toBeLessThanOrEqual(input.length);
    }),
  );
});

test('what is written is read again, and is nothing but the source', () => {
  for (const address of [Uint8Array.of(9, 8, 7, 6), Uint8Array.from(v6.slice(0, 16))]) {
    const written = writeProxyHeader({ address, port: 50_000 });
    expect(readProxyHeader(written)).toEqual({ kind: 'whole', end: written.length, source: { address, port: 50_000 } });
    expect(written.length).toBe(16 + 2 * address.length + 4);
  }
});
