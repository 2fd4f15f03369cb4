import type { HeldLease, HeldLeases } from '../limits/leases.js';
import type { Owner } from '../limits/owner.js';
import type { Environment } from '../../std/clock.js';
import type { Logger } from '../../telemetry/logger.js';

export interface LeaseUpkeepParts {
  readonly environment: Environment;
  readonly logger: Logger;
  /** Leases that are older in the store are written again. */
  readonly renewAfterMs: number;
  register(lease: HeldLease): Promise<void>;
  tellTenant(tenant: string, count: number): Promise<unknown>;
  remove(streamId: string, owner: Owner): Promise<void>;
  /** This node takes another name, so that all that it has in the store lapses. */
  startAnew(): void;
}

/** Writes under way at a time. */
const batchSize = 200;
/** Doubts that are remembered one by one; over it the node takes another name and registers all that it has. */
const doubtsMax = 1_000;

/**
 * Makes the store say what the node has: all leases after the store has forgotten, those in doubt after a failure, and those of streams that live
 * long. Runs after a beat, one run at a time, in bounded batches; what fails is done again after the next beat.
 */
export class LeaseUpkeep {
  readonly #parts: LeaseUpkeepParts;
  readonly #doubts = new Map<string, Owner>();
  /** When each lease was written, in that order. */
  readonly #writtenTickMs = new Map<string, number>();
  #held: HeldLeases | null = null;
  #mustRegisterAll = false;
  #isRunning = false;
  #isStopped = false;

  constructor(parts: LeaseUpkeepParts) {
    this.#parts = parts;
  }

  start(held: HeldLeases): void {
    this.#held = held;
  }

  stop(): void {
    this.#isStopped = true;
  }

  noteRegistered(streamId: string): void {
    this.#writtenTickMs.delete(streamId);
    this.#writtenTickMs.set(streamId, this.#parts.environment.clock.tickMs());
  }

  noteReleased(streamId: string): void {
    this.#writtenTickMs.delete(streamId);
  }

  doubt(streamId: string, owner: Owner): void {
    if (this.#mustRegisterAll && this.#held?.find(streamId) !== undefined) return;
    this.#doubts.set(streamId, owner);
    if (this.#doubts.size <= doubtsMax) return;
    this.#doubts.clear();
    this.#mustRegisterAll = true;
    this.#parts.startAnew();
  }

  /** Never rejects. */
  run(hasForgotten: boolean): void {
    if (hasForgotten) this.#mustRegisterAll = true;
    if (this.#isRunning || this.#isStopped || this.#held === null) return;
    this.#isRunning = true;
    void this.#work(this.#held)
      .catch((error: unknown) => this.#parts.logger.debug('leases could not be registered; again after the next beat', { error }))
      .finally(() => (this.#isRunning = false));
  }

  async #work(held: HeldLeases): Promise<void> {
    while (this.#mustRegisterAll) await this.#registerAll(held);
    const doubts = [...this.#doubts];
    await this.#inBatches(doubts, async ([streamId, owner]) => {
      const lease = held.find(streamId);
      await (lease === undefined ? this.#parts.remove(streamId, owner) : this.#register(lease));
      this.#doubts.delete(streamId);
    });
    const old = this.#oldLeases(held);
    await this.#inBatches(old, (lease) => this.#register(lease));
    const tenants = [...doubts.map(([, { tenant }]) => tenant), ...old.map(({ owner }) => owner.tenant)];
    await this.#tellTenants(held, new Set(tenants.filter((tenant) => tenant !== null)));
  }

  #oldLeases(held: HeldLeases): readonly HeldLease[] {
    const { environment, renewAfterMs } = this.#parts;
    const oldTickMs = environment.clock.tickMs() - renewAfterMs;
    const old: HeldLease[] = [];
    for (const [streamId, writtenTickMs] of this.#writtenTickMs) {
      if (writtenTickMs > oldTickMs) break;
      const lease = held.find(streamId);
      if (lease !== undefined) old.push(lease);
      else this.#writtenTickMs.delete(streamId);
    }
    return old;
  }

  async #registerAll(held: HeldLeases): Promise<void> {
    this.#mustRegisterAll = false;
    try {
      const streamIds = Array.from(held.all(), ({ streamId }) => streamId);
      await this.#inBatches(streamIds, async (streamId) => {
        // One that was given back meanwhile stays away: its removal comes after, on the same connection.
        const lease = held.find(streamId);
        if (lease !== undefined) await this.#register(lease);
      });
      await this.#tellTenants(held, held.tenants());
      if (streamIds.length > 0) this.#parts.logger.info('leases are registered anew', { leases: streamIds.length });
    } catch (error) {
      this.#mustRegisterAll = true;
      throw error;
    }
  }

  #register(lease: HeldLease): Promise<void> {
    this.noteRegistered(lease.streamId);
    return this.#parts.register(lease);
  }

  #tellTenants(held: HeldLeases, tenants: Iterable<string>): Promise<void> {
    return this.#inBatches([...tenants], (tenant) => this.#parts.tellTenant(tenant, held.tenantCount(tenant)));
  }

  async #inBatches<T>(items: readonly T[], write: (item: T) => Promise<unknown>): Promise<void> {
    for (let at = 0; at < items.length; at += batchSize) {
      const results = await Promise.allSettled(items.slice(at, at + batchSize).map(write));
      const failure = results.find((result) => result.status === 'rejected');
      if (failure !== undefined) throw failure.reason;
      if (this.#isStopped) return;
    }
  }
}
