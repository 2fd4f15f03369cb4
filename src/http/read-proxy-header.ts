/** Who connected to the balancer. */
export interface ProxiedSource {
  /** 4 bytes of IPv4 or 16 of IPv6. */
  readonly address: Uint8Array;
  readonly port: number;
}

export type ProxyHeaderReading =
  /** What is there may be the beginning of a header. */
  | { readonly kind: 'partial' }
  /** The header ends before `end`. `source` null: the connection is the balancer's own (LOCAL) or it does not know whose (UNSPEC). */
  | { readonly kind: 'whole'; readonly end: number; readonly source: ProxiedSource | null }
  | { readonly kind: 'faulty'; readonly reason: string };

const signature = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const fixedBytes = 16;
/** Most bytes behind the fixed 16: addresses and TLVs. NLB writes under 100, HAProxy with everything switched on under 1,000. */
export const proxyHeaderBodyBytesMax = 2_048;

const [version, local, proxied] = [0x2, 0x0, 0x1];
const [unspecified, tcp4, tcp6] = [0x00, 0x11, 0x21];

/**
 * Reads PROXY protocol v2 from the beginning of a connection: LOCAL, or PROXY over TCP. Its TLVs are passed over. All else is faulty, and that as soon as
 * it shows: v1, HTTP without a header, UDP, Unix sockets, a length that does not hold the addresses or is over `proxyHeaderBodyBytesMax`.
 */
export function readProxyHeader(bytes: Uint8Array): ProxyHeaderReading {
  const compared = Math.min(bytes.length, signature.length);
  for (let i = 0; i < compared; i++) if (bytes[i] !== signature[i]) return faulty('no signature of PROXY protocol v2');
  if (bytes.length < fixedBytes) return { kind: 'partial' };
  const [versionAndCommand = 0, family = 0, high = 0, low = 0] = bytes.subarray(signature.length, fixedBytes);
  const command = versionAndCommand & 0x0f;
  if (versionAndCommand >> 4 !== version || (command !== local && command !== proxied)) {
    return faulty(`version and command ${versionAndCommand} are not known`);
  }
  const bodyBytes = high * 256 + low;
  if (bodyBytes > proxyHeaderBodyBytesMax) return faulty(`${bodyBytes} bytes of addresses and TLVs`);
  const end = fixedBytes + bodyBytes;
  if (command === local || family === unspecified) return bytes.length < end ? { kind: 'partial' } : { kind: 'whole', end, source: null };
  if (family !== tcp4 && family !== tcp6) return faulty(`family ${family} is not TCP over IPv4 or IPv6`);
  const addressBytes = family === tcp4 ? 4 : 16;
  // Two addresses and two ports.
  if (bodyBytes < 2 * addressBytes + 4) return faulty(`${bodyBytes} bytes do not hold the addresses`);
  if (bytes.length < end) return { kind: 'partial' };
  const portAt = fixedBytes + 2 * addressBytes;
  const port = (bytes[portAt] ?? 0) * 256 + (bytes[portAt + 1] ?? 0);
  return { kind: 'whole', end, source: { address: Uint8Array.from(bytes.subarray(fixedBytes, fixedBytes + addressBytes)), port } };
}

const faulty = (reason: string): ProxyHeaderReading => ({ kind: 'faulty', reason });

/** A header that tells the source and nothing else; the destination is left at zeros. */
export function writeProxyHeader({ address, port }: ProxiedSource): Uint8Array {
  const bodyBytes = 2 * address.length + 4;
  const header = new Uint8Array(fixedBytes + bodyBytes);
  header.set(signature);
  header.set([(version << 4) | proxied, address.length === 4 ? tcp4 : tcp6, 0, bodyBytes], signature.length);
  header.set(address, fixedBytes);
  header.set([port >> 8, port & 0xff], fixedBytes + 2 * address.length);
  return header;
}
