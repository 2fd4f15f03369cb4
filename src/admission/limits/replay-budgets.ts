import type { Clock } from '../../std/clock.js';
import type { Rate } from './rate.js';
import { tokenMs } from './rate.js';
import { readOwner } from './owner.js';
import { TimeTable } from './time-table.js';
import { bucketsMax } from './token-buckets.js';

/** What reading past `recent` may cost in a minute, on a node. Null: anything. */
export interface ReplayBudgetOptions {
  readonly userRecordsPerMinute: number | null;
  readonly userBytesPerMinute: number | null;
  readonly tenantRecordsPerMinute: number | null;
  readonly tenantBytesPerMinute: number | null;
}

/**
 * Keeps each owner's replay work within its budget. What a page costs is known only when it was read, so it is charged afterwards and the next
 * page waits until the debt is paid: replay becomes slower, and nothing is lost by it. A minute's worth may be used at once.
 */
export class ReplayBudgets {
  readonly #clock: Clock;
  readonly #meters: readonly Meter[];

  constructor(options: ReplayBudgetOptions, clock: Clock) {
    this.#clock = clock;
    const { userRecordsPerMinute, userBytesPerMinute, tenantRecordsPerMinute, tenantBytesPerMinute } = options;
    const meter = (perMinute: number | null, of: Meter['of'], unit: Meter['unit']): readonly Meter[] =>
      perMinute === null ? [] : [{ rate: { perMinute, burst: perMinute }, of, unit, paidAt: new TimeTable(bucketsMax) }];
    this.#meters = [
      ...meter(userRecordsPerMinute, 'user', 'records'),
      ...meter(userBytesPerMinute, 'user', 'bytes'),
      ...meter(tenantRecordsPerMinute, 'tenant', 'records'),
      ...meter(tenantBytesPerMinute, 'tenant', 'bytes'),
    ];
  }

  /** How long the next page of this owner (`replayOwnerOf`) has to wait; 0: not at all. At most a minute for each minute's worth that its last pages cost. */
  waitMs(owner: string): number {
    const nowMs = this.#clock.tickMs();
    let longestMs = 0;
    for (const { rate, of, paidAt } of this.#meters) {
      const key = keyOf(owner, of);
      if (key !== null) longestMs = Math.max(longestMs, paidAt.untilMs(key) - nowMs - rate.burst * tokenMs(rate));
    }
    return Math.ceil(longestMs);
  }

  /** A page of this owner was read. */
  charge(owner: string, records: number, bytes: number): void {
    const nowMs = this.#clock.tickMs();
    for (const { rate, of, unit, paidAt } of this.#meters) {
      const key = keyOf(owner, of);
      if (key === null) continue;
      const cost = (unit === 'records' ? records : bytes) * tokenMs(rate);
      paidAt.set(key, Math.max(nowMs, paidAt.untilMs(key)) + cost, nowMs);
    }
  }
}

interface Meter {
  readonly rate: Rate;
  readonly of: 'user' | 'tenant';
  readonly unit: 'records' | 'bytes';
  /** When all is paid. */
  readonly paidAt: TimeTable;
}

/** Whoever has no tenant is no tenant's. */
function keyOf(owner: string, of: Meter['of']): string | null {
  if (of === 'user') return owner;
  const { tenant } = readOwner(owner);
  return tenant === '' ? null : tenant;
}
