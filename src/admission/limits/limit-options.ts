import type { Rate } from './rate.js';
import type { TrustedProxies } from './client-address.js';

/** How much anybody may have. A maximum of 0, and an absent rate: any number. */
export interface LimitOptions {
  /** Open streams of a user over all nodes. */
  readonly userStreamsMax: number;
  readonly tenantStreamsMax: number;
  /** On each node. */
  readonly addressStreamsMax: number;
  readonly overLimit: 'refuse-newest' | 'close-oldest';
  /** How long a stream that comes back may stand beside the one that it replaces. Longer than `lapseMs`. Default 20 000. */
  readonly overlapMs: number;
  readonly userConnects: Rate | null;
  readonly tenantConnects: Rate | null;
  readonly addressConnects: Rate | null;
  readonly userPublishes: Rate | null;
  readonly tenantPublishes: Rate | null;
  readonly trustedProxies: TrustedProxies;
  readonly addressPrefixIpv6: number;
  /** A node that was not heard of for so long is dead, and its leases with it. Default 15 000. */
  readonly lapseMs?: number;
  /** The longest that a connect or publish waits for the shared store; then the node decides alone. Default 250. */
  readonly storeWaitMs?: number;
}

export const defaultLapseMs = 15_000;
export const defaultStoreWaitMs = 250;
