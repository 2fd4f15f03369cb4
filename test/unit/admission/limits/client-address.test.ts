import { expect, test } from 'vitest';
import { clientAddress, parseTrustedProxies } from '../../../../src/admission/limits/client-address.js';
import { addressGroup, formatIpAddress, isInRange, parseIpAddress, parseIpRange } from '../../../../src/admission/limits/ip-address.js';

const trusted = parseTrustedProxies(['10.0.0.0/8', '192.168.1.1', 'fd00::/8']);

function addressOf(peer: string, forwarded?: string, proxies = trusted): string {
  const headers = new Map(forwarded === undefined ? [] : [['x-forwarded-for', forwarded]]);
  return clientAddress({ headers, remoteAddress: peer }, proxies);
}

test.for<readonly [what: string, peer: string, forwarded: string | undefined, address: string]>([
  ['a peer without a header is itself', '203.0.113.9', undefined, '203.0.113.9'],
  ['a peer that is not trusted cannot name another', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
  ['nor many others', '203.0.113.9', '10.0.0.1, 10.0.0.2, 198.51.100.1', '203.0.113.9'],
  ['a trusted proxy names the client', '10.0.0.1', '198.51.100.7', '198.51.100.7'],
  ['what a client wrote itself stands further left and is not read', '10.0.0.1', '1.1.1.1, 198.51.100.7', '198.51.100.7'],
  ['nor when it pretends to come from a trusted network', '10.0.0.1', '10.9.9.9, 198.51.100.7', '198.51.100.7'],
  ['through two trusted proxies', '10.0.0.1', '198.51.100.7, 192.168.1.1', '198.51.100.7'],
  ['an address beside a trusted one is not trusted', '10.0.0.1', '198.51.100.7, 192.168.1.2', '192.168.1.2'],
  ['where all are trusted, the farthest', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
  ['a trusted proxy without the header is the nearest that is known', '10.0.0.1', undefined, '10.0.0.1'],
  ['an empty header says nothing', '10.0.0.1', '', '10.0.0.1'],
  ['an entry that cannot be read ends the search', '10.0.0.1', '198.51.100.7, unknown', '10.0.0.1'],
  ['behind one that can', '10.0.0.1', '1.1.1.1, unknown, 10.0.0.2', '10.0.0.2'],
  ['an obfuscated name is no address', '10.0.0.1', '_hidden', '10.0.0.1'],
  ['blanks are let pass', '10.0.0.1', '  1.1.1.1 ,\t198.51.100.7  ', '198.51.100.7'],
  ['a port is dropped', '10.0.0.1', '198.51.100.7:4711', '198.51.100.7'],
  ['IPv6 with a port', '10.0.0.1', '[2001:db8::1]:4711', '2001:db8:0:0:0:0:0:1'],
  ['IPv6 without', '10.0.0.1', '2001:DB8::1', '2001:db8:0:0:0:0:0:1'],
  ['a trusted IPv6 proxy', 'fd12::1', '198.51.100.7', '198.51.100.7'],
  ['IPv4 inside IPv6 is the same address', '::ffff:10.0.0.1', '198.51.100.7', '198.51.100.7'],
  ['also in the header', '10.0.0.1', '198.51.100.7, ::ffff:10.0.0.2', '198.51.100.7'],
  ['octal and short forms are no addresses', '10.0.0.1', '010.0.0.1', '10.0.0.1'],
  ['a comma at the end is an entry that cannot be read', '10.0.0.1', '198.51.100.7,', '10.0.0.1'],
  ['a comma at the beginning ends it too', '10.0.0.1', ',10.0.0.2', '10.0.0.2'],
  ['a peer without an address stays as it is told', '', '198.51.100.7', ''],
])('%s', ([, peer, forwarded, address]) => {
  expect(addressOf(peer, forwarded)).toBe(address);
});

test('nobody is trusted unless told', () => {
  expect(addressOf('10.0.0.1', '198.51.100.7', [])).toBe('10.0.0.1');
});

test('a header of thousands of trusted entries is read to a bound only', () => {
  const entries = Array.from({ length: 5_000 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
  expect(addressOf('10.0.0.1', `198.51.100.7, ${entries.join(', ')}`)).toBe(entries.at(-32));
});

test('ranges that are none are refused by name', () => {
  for (const text of ['10.0.0.0/33', '10.0.0/8', 'fd00::/129', 'example.com', '10.0.0.0/8/8', '10.0.0.0/', '10.0.0.0/-1', '/8', ''])
    expect(() => parseTrustedProxies([text])).toThrow(RangeError);
  expect(parseIpRange('::ffff:10.0.0.0/104')).toEqual(parseIpRange('10.0.0.0/8'));
});

test('a range holds what shares its first bits', () => {
  const isIn = (address: string, range: string): boolean => {
    const [one, other] = [parseIpAddress(address), parseIpRange(range)];
    return one !== null && other !== null && isInRange(one, other);
  };
  expect(isIn('172.31.255.255', '172.16.0.0/12')).toBe(true);
  expect(isIn('172.32.0.0', '172.16.0.0/12')).toBe(false);
  expect(isIn('1.2.3.4', '0.0.0.0/0')).toBe(true);
  expect(isIn('::1', '0.0.0.0/0')).toBe(false);
  expect(isIn('2001:db8:7fff::', '2001:db8::/33')).toBe(true);
  expect(isIn('2001:db8:8000::', '2001:db8::/33')).toBe(false);
});

test('an IPv6 network counts as one caller, an IPv4 address alone', () => {
  expect(addressGroup('2001:db8:1:2:3:4:5:6', 64)).toBe('2001:db8:1:2:0:0:0:0/64');
  expect(addressGroup('2001:db8:1:2::9', 64)).toBe('2001:db8:1:2:0:0:0:0/64');
  expect(addressGroup('2001:db8:1:3::9', 64)).not.toBe(addressGroup('2001:db8:1:2::9', 64));
  expect(addressGroup('2001:db8:1:2ff::9', 56)).toBe('2001:db8:1:200:0:0:0:0/56');
  expect(addressGroup('2001:db8::9', 128)).toBe('2001:db8:0:0:0:0:0:9');
  expect(addressGroup('::ffff:192.0.2.1', 64)).toBe('192.0.2.1');
  expect(addressGroup('', 64)).toBe('');
  expect(formatIpAddress(parseIpAddress('fe80::1%eth0') ?? new Uint8Array())).toBe('fe80:0:0:0:0:0:0:1');
});
