import type { Clock } from '../../std/clock.js';
import type { HeldLeases, LimitName } from './leases.js';
import { HeavyHitters, topOf } from './heavy-hitters.js';
import { readOwner } from './owner.js';
import type { Owner } from './owner.js';

/** One who uses much. Counts of refusals fade by half in ten minutes, and are of this node. */
export interface Use {
  readonly subject?: string;
  readonly tenant?: string;
  readonly address?: string;
  readonly count: number;
  /** Open streams over all nodes, where a store is shared and answers. */
  readonly everywhere?: number;
}

export interface UseOf {
  readonly users: readonly Use[];
  readonly tenants: readonly Use[];
  readonly addresses: readonly Use[];
}

/** Who uses most of this node, the most first. */
export interface UsageReport {
  readonly openStreams: UseOf;
  readonly refusedConnects: UseOf;
  readonly refusedPublishes: UseOf;
}

/** Most entries of each list. */
export const usageTopMax = 100;

/** Answers who uses most: exactly what is open now, and a bounded sketch of what was refused. */
export class Usage {
  readonly #held: HeldLeases;
  readonly #addresses: { streams(): Iterable<readonly [string, number]> };
  readonly #refused: Readonly<Record<'connects' | 'publishes', Hitters>>;

  constructor(held: HeldLeases, addresses: { streams(): Iterable<readonly [string, number]> }, clock: Clock) {
    this.#held = held;
    this.#addresses = addresses;
    this.#refused = { connects: newHitters(clock), publishes: newHitters(clock) };
  }

  noteRefusal(by: LimitName, { user, tenant }: Owner, address: string, count: number): void {
    const hitters = by === 'user-publishes' || by === 'tenant-publishes' ? this.#refused.publishes : this.#refused.connects;
    if (user !== null) hitters.users.add(user, count);
    if (tenant !== null) hitters.tenants.add(tenant, count);
    hitters.addresses.add(address, count);
  }

  /** `countStreams` asks the shared store for the users of the list; null: there is none. */
  async report(top: number, countStreams: ((users: readonly string[]) => Promise<readonly number[]>) | null): Promise<UsageReport> {
    const most = Math.min(usageTopMax, top);
    const users = topOf(this.#streamsOfUsers(), most);
    const everywhere = countStreams === null ? null : await countStreams(users.map(({ key }) => key)).catch(() => null);
    return {
      openStreams: {
        users: users.map(({ key, count }, i) => {
          const shared = everywhere?.[i];
          return { ...asUser(key), count, ...(shared === undefined ? {} : { everywhere: shared }) };
        }),
        tenants: topOf(this.#streamsOfTenants(), most).map(({ key, count }) => ({ tenant: key, count })),
        addresses: topOf(this.#addresses.streams(), most).map(({ key, count }) => ({ address: key, count })),
      },
      refusedConnects: reportOf(this.#refused.connects, most),
      refusedPublishes: reportOf(this.#refused.publishes, most),
    };
  }

  #streamsOfUsers(): Iterable<readonly [string, number]> {
    const counts = new Map<string, number>();
    for (const { owner } of this.#held.all()) if (owner.user !== null) counts.set(owner.user, (counts.get(owner.user) ?? 0) + 1);
    return counts;
  }

  #streamsOfTenants(): Iterable<readonly [string, number]> {
    return Array.from(this.#held.tenants(), (tenant) => [tenant, this.#held.tenantCount(tenant)] as const);
  }
}

type Hitters = Readonly<Record<'users' | 'tenants' | 'addresses', HeavyHitters>>;

const newHitters = (clock: Clock): Hitters => ({
  users: new HeavyHitters(clock),
  tenants: new HeavyHitters(clock),
  addresses: new HeavyHitters(clock),
});

function asUser(key: string): { readonly subject: string; readonly tenant?: string } {
  const { subject, tenant } = readOwner(key);
  return { subject, ...(tenant === '' ? {} : { tenant }) };
}

function reportOf({ users, tenants, addresses }: Hitters, most: number): UseOf {
  return {
    users: users.top(most).map(({ key, count }) => ({ ...asUser(key), count })),
    tenants: tenants.top(most).map(({ key, count }) => ({ tenant: key, count })),
    addresses: addresses.top(most).map(({ key, count }) => ({ address: key, count })),
  };
}
