import { isIP } from 'node:net';

/** An address as numbers: 4 bytes of IPv4 or 16 of IPv6. An IPv4 address written inside an IPv6 one is the IPv4 address. */
export type IpAddress = Uint8Array;

/** Reads an address; null for what is none. A zone (`fe80::1%eth0`) is dropped. */
export function parseIpAddress(text: string): IpAddress | null {
  const version = isIP(text);
  if (version === 4) return Uint8Array.from(text.split('.'), Number);
  if (version !== 6) return null;
  const bytes = parseIpv6(text.split('%', 1)[0] ?? '');
  return isMappedIpv4(bytes) ? bytes.slice(12) : bytes;
}

/** `text` is known to be well formed. */
function parseIpv6(text: string): Uint8Array {
  const [head = '', tail] = text.split('::');
  const before = readGroups(head);
  const after = tail === undefined ? [] : readGroups(tail);
  const bytes = new Uint8Array(16);
  bytes.set(before, 0);
  bytes.set(after, 16 - after.length);
  return bytes;
}

function readGroups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

function isMappedIpv4(bytes: Uint8Array): boolean {
  return bytes[10] === 0xff && bytes[11] === 0xff && bytes.subarray(0, 10).every((byte) => byte === 0);
}

/** One spelling for each address: IPv4 with dots, IPv6 in eight groups without zeros in front. Not the shortest, but the same everywhere. */
export function formatIpAddress(address: IpAddress): string {
  if (address.length === 4) return address.join('.');
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((((address[i] ?? 0) << 8) | (address[i + 1] ?? 0)).toString(16));
  return groups.join(':');
}

/** A range of addresses that share their first bits. */
export interface IpRange {
  readonly network: IpAddress;
  readonly prefixBits: number;
}

/** Reads `10.0.0.0/8`, `fd00::/8`, or an address alone; null for what is neither. Bits past the prefix are ignored. */
export function parseIpRange(text: string): IpRange | null {
  const [host = '', bits, ...rest] = text.split('/');
  const network = parseIpAddress(host);
  if (network === null || rest.length > 0) return null;
  const widest = network.length * 8;
  // ::ffff:10.0.0.0/104 is 10.0.0.0/8.
  const offset = network.length === 4 && host.includes(':') ? 96 : 0;
  const prefixBits = bits === undefined ? widest : /^\d{1,3}$/.test(bits) ? Number(bits) - offset : -1;
  return prefixBits < 0 || prefixBits > widest ? null : { network, prefixBits };
}

export function isInRange(address: IpAddress, { network, prefixBits }: IpRange): boolean {
  if (address.length !== network.length) return false;
  for (let bit = 0, i = 0; bit < prefixBits; bit += 8, i++) {
    const mask = prefixBits - bit >= 8 ? 0xff : (0xff << (8 - (prefixBits - bit))) & 0xff;
    if ((((address[i] ?? 0) ^ (network[i] ?? 0)) & mask) !== 0) return false;
  }
  return true;
}

/** What counts as one caller: an IPv4 address, or the IPv6 range of `prefixBits` (a network hands out whole ranges). Text that is no address stands for itself. */
export function addressGroup(text: string, prefixBits: number): string {
  const address = parseIpAddress(text);
  if (address === null) return text;
  if (address.length === 4 || prefixBits >= 128) return formatIpAddress(address);
  const masked = address.map((byte, i) => {
    const kept = Math.max(0, Math.min(8, prefixBits - i * 8));
    return byte & (0xff << (8 - kept));
  });
  return `${formatIpAddress(masked)}/${prefixBits}`;
}
