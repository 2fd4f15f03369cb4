import { MemoryLeases } from '../memory/memory-leases.js';
import type { AdmissionRefusal } from '../authenticator.js';
import type { Principal } from '../principal.js';
import type { StreamAdmission, StreamClaim, StreamLease, StreamLimits } from '../stream-limits.js';
import type { Environment, Timer } from '../../std/clock.js';
import type { Logger } from '../../telemetry/logger.js';
import type { Metrics } from '../../telemetry/metrics.js';
import { AddressLimits } from './address-limits.js';
import { addressGroup } from './ip-address.js';
import type { Admitted, HeldLease, LeaseAnswer, LeaseAsk, Refused, SharedLeases, TenantPlace } from './leases.js';
import { toAdmissionRefusal } from './limit-refusal.js';
import type { LimitOptions } from './limit-options.js';
import { defaultStoreWaitMs } from './limit-options.js';
import { ownerOf } from './owner.js';
import type { Owner } from './owner.js';
import { publishHeaders, streamHeaders } from './rate-limit-headers.js';
import type { HeaderPairs } from './rate-limit-headers.js';
import { Usage } from './usage.js';
import type { UsageReport } from './usage.js';

export interface LimitsParts {
  readonly options: LimitOptions;
  /** What all nodes share; null: this node holds its limits alone. */
  readonly shared: SharedLeases | null;
  /** There are no other nodes, so that nothing is missing where nothing is shared. */
  readonly isOnlyNode: boolean;
  readonly environment: Environment;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /**
   * Streams that have to close. `replaced`: they made room for a newer one, on whichever nodes they are. `too-many-streams`: one of this node that
   * was let in beyond the limit and is over it still. Called outside of `admitStream`'s own turn; may be told of the same stream more than once.
   */
  readonly evict: (streamIds: readonly string[], code: 'replaced' | 'too-many-streams') => void;
}

/** Time between two looks of the gauge at the leases, milliseconds. */
const gaugeMs = 1_000;

/**
 * How much anybody may have, told in `LimitOptions`. Addresses are looked at first, on this node; then users and tenants, over all nodes where a
 * store is shared. Nothing here rejects, and nothing waits for the store longer than `storeWaitMs`: while it is away every node holds its own
 * limits, so that a user may have at most nodes times the limit, and streams go on. Without a shared store everything is answered at once.
 */
export class Limits implements StreamLimits {
  readonly #parts: LimitsParts;
  readonly #local: MemoryLeases;
  readonly #addresses: AddressLimits;
  readonly #usage: Usage;
  readonly #overlaps = new Map<string, Timer>();
  readonly #gauge: Timer;

  constructor(parts: LimitsParts) {
    const { options, shared, environment, logger, metrics } = parts;
    this.#parts = parts;
    this.#local = new MemoryLeases(options, environment.clock);
    this.#addresses = new AddressLimits(options, environment.clock);
    this.#usage = new Usage(this.#local, this.#addresses, environment.clock);
    this.#gauge = environment.timers.every(gaugeMs, () => metrics.leasesHeld(this.#local.size));
    metrics.limitsShared(shared === null && parts.isOnlyNode);
    if (shared === null && !parts.isOnlyNode)
      logger.warn('without Redis every node holds its limits alone: a user may have the limit on each of them');
    shared?.start(this.#local);
  }

  admitStream(claim: StreamClaim): StreamAdmission | Promise<StreamAdmission> {
    const { shared, options } = this.#parts;
    const ask: LeaseAsk = { streamId: claim.streamId, owner: ownerOf(claim.principal), isResume: claim.isResume };
    const address = addressGroup(claim.address, options.addressPrefixIpv6);
    const refused = this.#addresses.enter(address);
    if (refused !== null) return this.#refuse(refused, ask.owner, address, []);
    const { user, tenant } = ask.owner;
    if (shared === null || (user === null && tenant === null)) return this.#answer(ask, address, this.#local.acquire(ask));
    if (!shared.isUsable) return this.#answer(ask, address, this.#decideAlone(ask));
    const place = new PlaceInTenant(this.#local, tenant);
    return this.#withinWait(shared.acquire(ask, place)).then((answer) => this.#answer(ask, address, this.#settle(ask, answer, place)));
  }

  admitPublish(principal: Principal, address: string, events: number): AdmissionRefusal | null | Promise<AdmissionRefusal | null> {
    const { options, shared } = this.#parts;
    if (options.userPublishes === null && options.tenantPublishes === null) return null;
    const group = addressGroup(address, options.addressPrefixIpv6);
    const { user, tenant } = ownerOf(principal);
    // Somebody anonymous is as good as its address.
    const owner: Owner = { user: user ?? `@${group}`, tenant };
    const told = (refused: Refused | null): AdmissionRefusal | null => {
      if (refused === null) return null;
      this.#noteRefusal(refused, { user, tenant }, group, events);
      return toAdmissionRefusal(refused, publishHeaders(options, refused));
    };
    if (shared?.isUsable !== true) return told(this.#local.takePublish(owner, events));
    return this.#withinWait(shared.takePublish(owner, events)).then((refused) =>
      told(refused === undefined ? this.#local.takePublish(owner, events) : refused),
    );
  }

  /** Headers of an answered publish: what the caller may publish. */
  get publishHeaders(): HeaderPairs {
    return publishHeaders(this.#parts.options, null);
  }

  /** Who uses most, at most `usageTopMax` of each kind. Never rejects. */
  usage(top: number): Promise<UsageReport> {
    const { shared } = this.#parts;
    return this.#usage.report(top, shared?.isUsable === true ? (users) => shared.countStreams(users) : null);
  }

  /** Gives all places back. Never rejects. */
  async stop(): Promise<void> {
    this.#gauge.cancel();
    for (const timer of this.#overlaps.values()) timer.cancel();
    this.#overlaps.clear();
    await this.#parts.shared?.stop();
  }

  #decideAlone(ask: LeaseAsk): LeaseAnswer {
    const answer = this.#local.acquire(ask);
    if (answer.kind === 'admitted') this.#parts.shared?.doubt(ask.streamId, ask.owner);
    return answer;
  }

  /** `undefined`: the store has not answered, and this node decides. */
  #settle(ask: LeaseAsk, answer: LeaseAnswer | undefined, place: TenantPlace): LeaseAnswer {
    if (answer?.kind === 'admitted') {
      place.enter();
      this.#local.adopt(ask, answer);
      return answer;
    }
    place.leave();
    if (answer !== undefined) return answer;
    this.#parts.shared?.doubt(ask.streamId, ask.owner);
    return this.#local.acquire(ask);
  }

  /** What the store answers within the bound; else undefined. Never rejects. */
  #withinWait<T>(asked: Promise<T>): Promise<T | undefined> {
    const { environment, options } = this.#parts;
    return new Promise((resolve) => {
      const timer = environment.timers.after(options.storeWaitMs ?? defaultStoreWaitMs, () => resolve(undefined));
      const settle = (answer: T | undefined): void => {
        timer.cancel();
        resolve(answer);
      };
      asked.then(settle, () => settle(undefined));
    });
  }

  #answer(ask: LeaseAsk, address: string, answer: LeaseAnswer): StreamAdmission {
    const headers = ask.owner.user === null ? [] : streamHeaders(this.#parts.options, answer);
    if (answer.kind === 'refused') {
      this.#addresses.leave(address);
      return this.#refuse(answer, ask.owner, address, headers);
    }
    this.#parts.metrics.streamAdmitted(answer.state === 'overlap' ? 'overlap' : 'admitted');
    this.#tellEvicted(answer);
    if (answer.state === 'overlap') this.#judgeLater(ask.streamId);
    return { kind: 'admitted', lease: this.#leaseOf(ask.streamId, address), headers };
  }

  #leaseOf(streamId: string, address: string): StreamLease {
    const release = (): void => {
      const lease = this.#local.release(streamId);
      if (lease === null) return;
      this.#addresses.leave(address);
      this.#overlaps.get(streamId)?.cancel();
      this.#overlaps.delete(streamId);
      if (lease.owner.user !== null || lease.owner.tenant !== null) this.#parts.shared?.release(lease);
    };
    return { release };
  }

  #tellEvicted({ evicted }: Admitted): void {
    if (evicted.length > 0) this.#parts.environment.timers.soon(() => this.#parts.evict(evicted, 'replaced'));
  }

  #judgeLater(streamId: string): void {
    const judge = (): void => {
      this.#overlaps.delete(streamId);
      const lease = this.#local.find(streamId);
      if (lease !== undefined) void this.#judge(lease);
    };
    this.#overlaps.set(streamId, this.#parts.environment.timers.after(this.#parts.options.overlapMs, judge));
  }

  async #judge(lease: HeldLease): Promise<void> {
    const { shared, metrics, evict } = this.#parts;
    const judged = shared?.isUsable === true ? await this.#withinWait(shared.judge(lease)) : undefined;
    const isSettled = judged === 'kept' || judged === 'over';
    const isOver = isSettled ? judged === 'over' : !this.#local.judge(lease);
    if (!isOver) lease.state = 'held';
    if (!isSettled) shared?.doubt(lease.streamId, lease.owner);
    if (this.#local.find(lease.streamId) === undefined) return;
    metrics.overlapJudged(isOver ? 'closed' : 'kept');
    if (!isOver) return;
    lease.state = 'leaving';
    evict([lease.streamId], 'too-many-streams');
  }

  #refuse(refused: Refused, owner: Owner, address: string, headers: HeaderPairs): StreamAdmission {
    this.#noteRefusal(refused, owner, address, 1);
    return { kind: 'refused', refusal: toAdmissionRefusal(refused, headers) };
  }

  #noteRefusal(refused: Refused, owner: Owner, address: string, count: number): void {
    const { metrics } = this.#parts;
    if (refused.by.endsWith('-publishes')) metrics.publishRefused(refused.by);
    else metrics.streamAdmitted(refused.by);
    this.#usage.noteRefusal(refused.by, owner, address, count);
  }
}

class PlaceInTenant implements TenantPlace {
  readonly #local: MemoryLeases;
  readonly #tenant: string | null;
  #state: 'outside' | 'inside' | 'over' = 'outside';

  constructor(local: MemoryLeases, tenant: string | null) {
    this.#local = local;
    this.#tenant = tenant;
  }

  /** Does nothing after `leave`: who was not waited for any longer counts nothing. */
  enter(): void {
    if (this.#state !== 'outside') return;
    this.#state = 'inside';
    this.#local.enterTenant(this.#tenant);
  }

  leave(): void {
    if (this.#state === 'inside') this.#local.leaveTenant(this.#tenant);
    this.#state = 'over';
  }
}
