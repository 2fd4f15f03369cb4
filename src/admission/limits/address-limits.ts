import type { Clock } from '../../std/clock.js';
import type { Refused } from './leases.js';
import type { LimitOptions } from './limit-options.js';
import { TokenBuckets } from './token-buckets.js';

/** How long somebody is told to wait for a place of an address; nothing tells when one comes free. */
const placeRetryMs = 15_000;

/** Streams and connects an address, on this node alone: they protect the node, before anybody else is asked. */
export class AddressLimits {
  readonly #options: LimitOptions;
  readonly #connects: TokenBuckets | null;
  /** Only addresses with open streams are in it, so it is as bounded as the streams of the node are. */
  readonly #streams = new Map<string, number>();

  constructor(options: LimitOptions, clock: Clock) {
    this.#options = options;
    this.#connects = options.addressConnects === null ? null : new TokenBuckets(options.addressConnects, clock);
  }

  /** Takes a token and a place; null: they were there. */
  enter(address: string): Refused | null {
    const taking = this.#connects?.take(address, 1);
    if (taking?.isAllowed === false)
      return { kind: 'refused', by: 'address-connects', limit: this.#connects?.rate.burst ?? 0, present: 1, retryMs: taking.retryMs };
    const { addressStreamsMax: limit } = this.#options;
    const present = this.#streams.get(address) ?? 0;
    if (limit > 0 && present >= limit) return { kind: 'refused', by: 'address-streams', limit, present, retryMs: placeRetryMs };
    this.#streams.set(address, present + 1);
    return null;
  }

  leave(address: string): void {
    const count = (this.#streams.get(address) ?? 0) - 1;
    if (count > 0) this.#streams.set(address, count);
    else this.#streams.delete(address);
  }

  /** Open streams by address. */
  streams(): Iterable<readonly [string, number]> {
    return this.#streams;
  }
}
