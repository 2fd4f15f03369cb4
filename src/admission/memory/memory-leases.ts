import { counts, placeStream } from '../limits/lease-rules.js';
import { overlapPauseFactor } from '../limits/leases.js';
import type { Admitted, HeldLease, HeldLeases, LeaseAnswer, LeaseAsk, Refused } from '../limits/leases.js';
import type { LimitOptions } from '../limits/limit-options.js';
import { defaultLapseMs } from '../limits/limit-options.js';
import type { Owner } from '../limits/owner.js';
import { TimeTable } from '../limits/time-table.js';
import { TokenBuckets, bucketsMax } from '../limits/token-buckets.js';
import type { Rate } from '../limits/rate.js';
import type { Clock } from '../../std/clock.js';

/**
 * The leases and budgets of one node in its memory: all there is when the process stands alone, the node's own part when a store is shared, and
 * what decides while that store is away. Everything is answered at once.
 */
export class MemoryLeases implements HeldLeases {
  readonly #options: LimitOptions;
  readonly #clock: Clock;
  readonly #leases = new Map<string, HeldLease>();
  /** Of each user, in the order of opening. */
  readonly #users = new Map<string, Map<string, HeldLease>>();
  readonly #tenants = new Map<string, number>();
  readonly #noOverlapUntil = new TimeTable(bucketsMax);
  readonly #buckets: Readonly<Record<'userConnects' | 'tenantConnects' | 'userPublishes' | 'tenantPublishes', TokenBuckets | null>>;

  constructor(options: LimitOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    const table = (rate: Rate | null): TokenBuckets | null => (rate === null ? null : new TokenBuckets(rate, clock));
    this.#buckets = {
      userConnects: table(options.userConnects),
      tenantConnects: table(options.tenantConnects),
      userPublishes: table(options.userPublishes),
      tenantPublishes: table(options.tenantPublishes),
    };
  }

  get size(): number {
    return this.#leases.size;
  }

  find(streamId: string): HeldLease | undefined {
    return this.#leases.get(streamId);
  }

  all(): Iterable<HeldLease> {
    return this.#leases.values();
  }

  userCount(user: string): number {
    let count = 0;
    for (const { state } of this.#users.get(user)?.values() ?? []) if (counts(state)) count++;
    return count;
  }

  olderCount(lease: HeldLease): number {
    let count = 0;
    for (const other of this.#users.get(lease.owner.user ?? '')?.values() ?? []) {
      if (other === lease) break;
      if (counts(other.state)) count++;
    }
    return count;
  }

  tenantCount(tenant: string): number {
    return this.#tenants.get(tenant) ?? 0;
  }

  tenants(): Iterable<string> {
    return this.#tenants.keys();
  }

  /** A place of the tenant is being asked for: it counts until it is taken back. */
  enterTenant(tenant: string | null): void {
    if (tenant !== null) this.#tenants.set(tenant, this.tenantCount(tenant) + 1);
  }

  leaveTenant(tenant: string | null): void {
    if (tenant === null) return;
    const count = this.tenantCount(tenant) - 1;
    if (count > 0) this.#tenants.set(tenant, count);
    else this.#tenants.delete(tenant);
  }

  /** Decides alone, and counts what it admits. */
  acquire(ask: LeaseAsk): LeaseAnswer {
    const { user, tenant } = ask.owner;
    const connects = user === null ? null : (this.#buckets.userConnects?.take(user, 1) ?? null);
    if (connects?.isAllowed === false) return this.#tooFast('user-connects', this.#options.userConnects, 1, connects.retryMs);
    const answer = this.#place(ask, connects?.left ?? null);
    if (answer.kind === 'refused') return answer;
    const refusal = tenant === null ? null : this.#enterTenantWithin(tenant);
    if (refusal !== null) return refusal;
    this.#leaveForNewer(answer.evicted);
    this.#hold(ask, answer);
    return answer;
  }

  /** Counts what the shared store has admitted; `enterTenant` came before. */
  adopt(ask: LeaseAsk, answer: Admitted): void {
    this.#leaveForNewer(answer.evicted);
    this.#hold(ask, answer);
  }

  /** An overlap is at its end: true when it may stay. The caller releases one that may not. */
  judge(lease: HeldLease): boolean {
    if (this.olderCount(lease) < this.#options.userStreamsMax) {
      lease.state = 'held';
      return true;
    }
    const nowMs = this.#clock.tickMs();
    this.#noOverlapUntil.set(lease.owner.user ?? '', nowMs + overlapPauseFactor * this.#options.overlapMs, nowMs);
    return false;
  }

  /** Gives the place back; null when it was given back before. */
  release(streamId: string): HeldLease | null {
    const lease = this.#leases.get(streamId);
    if (lease === undefined) return null;
    this.#leases.delete(streamId);
    this.leaveTenant(lease.owner.tenant);
    const streams = this.#users.get(lease.owner.user ?? '');
    streams?.delete(streamId);
    if (streams?.size === 0) this.#users.delete(lease.owner.user ?? '');
    return lease;
  }

  /** Takes from the publish budgets of both, or of none. */
  takePublish({ user, tenant }: Owner, events: number): Refused | null {
    const { userPublishes, tenantPublishes } = this.#buckets;
    const ofUser = user === null ? null : (userPublishes?.take(user, events) ?? null);
    if (ofUser?.isAllowed === false) return this.#tooFast('user-publishes', this.#options.userPublishes, events, ofUser.retryMs);
    const ofTenant = tenant === null ? null : (tenantPublishes?.take(tenant, events) ?? null);
    if (ofTenant?.isAllowed !== false) return null;
    if (user !== null) userPublishes?.take(user, -events);
    return this.#tooFast('tenant-publishes', this.#options.tenantPublishes, events, ofTenant.retryMs);
  }

  #place({ owner: { user }, isResume }: LeaseAsk, connectsLeft: number | null): LeaseAnswer {
    const { userStreamsMax: limit, overLimit } = this.#options;
    const nowMs = this.#clock.nowMs();
    if (user === null || limit === 0) return { kind: 'admitted', state: 'held', openedAtMs: nowMs, present: 0, connectsLeft, evicted: [] };
    const present = this.userCount(user);
    const leaving = (this.#users.get(user)?.size ?? 0) - present;
    const mayOverlap = this.#noOverlapUntil.untilMs(user) <= this.#clock.tickMs();
    const placement = placeStream({ limit, overLimit, present, leaving, isResume, mayOverlap });
    const retryMs = this.#options.lapseMs ?? defaultLapseMs;
    if (placement === 'refused') return { kind: 'refused', by: 'user-streams', limit, present, retryMs };
    const evicted = this.#oldest(user, present + 1 - limit, placement === 'held');
    return { kind: 'admitted', state: placement, openedAtMs: nowMs, present: present + 1 - evicted.length, connectsLeft, evicted };
  }

  #oldest(user: string, count: number, mayEvict: boolean): readonly string[] {
    if (!mayEvict || count <= 0) return [];
    const ids: string[] = [];
    for (const { streamId, state } of this.#users.get(user)?.values() ?? []) if (counts(state)) ids.push(streamId);
    return ids.slice(0, count);
  }

  #enterTenantWithin(tenant: string): Refused | null {
    const { tenantStreamsMax: limit, tenantConnects, lapseMs = defaultLapseMs } = this.#options;
    const present = this.tenantCount(tenant);
    if (limit > 0 && present >= limit) return { kind: 'refused', by: 'tenant-streams', limit, present, retryMs: lapseMs };
    const connects = this.#buckets.tenantConnects?.take(tenant, 1);
    if (connects?.isAllowed === false) return this.#tooFast('tenant-connects', tenantConnects, 1, connects.retryMs);
    this.enterTenant(tenant);
    return null;
  }

  #tooFast(by: Refused['by'], rate: Rate | null, present: number, retryMs: number): Refused {
    return { kind: 'refused', by, limit: rate?.burst ?? 0, present, retryMs };
  }

  #leaveForNewer(streamIds: readonly string[]): void {
    for (const streamId of streamIds) {
      const lease = this.#leases.get(streamId);
      if (lease !== undefined) lease.state = 'leaving';
    }
  }

  #hold({ streamId, owner }: LeaseAsk, { openedAtMs, state }: Admitted): void {
    const lease: HeldLease = { streamId, owner, openedAtMs, state };
    this.#leases.set(streamId, lease);
    if (owner.user === null) return;
    const streams = this.#users.get(owner.user);
    if (streams === undefined) this.#users.set(owner.user, new Map([[streamId, lease]]));
    else streams.set(streamId, lease);
  }
}
