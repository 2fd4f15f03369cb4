import type { RequestSnapshot } from '../../protocol/request-snapshot.js';
import { formatIpAddress, isInRange, parseIpAddress, parseIpRange } from './ip-address.js';
import type { IpAddress, IpRange } from './ip-address.js';

/** The balancers in front whose word on a client's address is taken. */
export type TrustedProxies = readonly IpRange[];

/** Proxies that one request may have come through; what a longer header says beyond them is not read. */
const hopsMax = 32;

/** Reads addresses and CIDR ranges. Throws a RangeError that names the one which is neither. */
export function parseTrustedProxies(ranges: readonly string[]): TrustedProxies {
  return ranges.map((text) => {
    const range = parseIpRange(text);
    if (range === null) throw new RangeError(`${text} is no address or range such as 10.0.0.0/8`);
    return range;
  });
}

/**
 * The address of whoever asks. From a peer that is not trusted it is the peer's own, whatever its headers say. Behind trusted proxies it is the
 * last entry of `X-Forwarded-For` that no trusted proxy has (each proxy appends the peer that it saw, so what a client wrote itself stands
 * further left and is never reached). An entry that cannot be read ends the search: the proxy that wrote it is then the nearest that is known.
 * `Forwarded` (RFC 7239) is not read. Where the listener speaks PROXY protocol v2, `remoteAddress` is already the address told by it.
 */
export function clientAddress(request: Pick<RequestSnapshot, 'headers' | 'remoteAddress'>, trusted: TrustedProxies): string {
  const peer = parseIpAddress(request.remoteAddress);
  if (peer === null) return request.remoteAddress;
  const forwarded = trusted.length > 0 && isTrusted(peer, trusted) ? request.headers.get('x-forwarded-for') : undefined;
  if (forwarded === undefined) return formatIpAddress(peer);
  let nearest = peer;
  let end = forwarded.length;
  for (let hop = 0; hop < hopsMax && end >= 0; hop++) {
    const comma = forwarded.lastIndexOf(',', end - 1);
    const address = end === 0 ? null : parseEntry(forwarded.slice(comma + 1, end));
    if (address === null) break;
    nearest = address;
    if (!isTrusted(address, trusted)) break;
    end = comma;
  }
  return formatIpAddress(nearest);
}

const isTrusted = (address: IpAddress, trusted: TrustedProxies): boolean => trusted.some((range) => isInRange(address, range));

/** An address, also with a port as some balancers write it: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function parseEntry(text: string): IpAddress | null {
  const entry = text.trim();
  const match = /^(?:\[([^\]]*)\](?::\d{1,5})?|(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5})$/.exec(entry);
  return parseIpAddress(match?.[1] ?? match?.[2] ?? entry);
}
