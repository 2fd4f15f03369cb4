import type { Owner } from './owner.js';

/** A stream that wants a place, in the words of those that count. */
export interface LeaseAsk {
  readonly streamId: string;
  readonly owner: Owner;
  readonly isResume: boolean;
}

/** What passed a limit. */
export type LimitName =
  | 'user-streams'
  | 'tenant-streams'
  | 'address-streams'
  | 'user-connects'
  | 'tenant-connects'
  | 'address-connects'
  | 'user-publishes'
  | 'tenant-publishes';

/**
 * `held`: counted like any other. `overlap`: beyond the limit, to be judged. `leaving`: told to close for a newer one, no longer counted.
 */
export type LeaseState = 'held' | 'overlap' | 'leaving';

export interface Refused {
  readonly kind: 'refused';
  readonly by: LimitName;
  readonly limit: number;
  /** Open streams, or tokens that were asked of a rate. */
  readonly present: number;
  /** Infinity: never. */
  readonly retryMs: number;
}

export interface Admitted {
  readonly kind: 'admitted';
  readonly state: 'held' | 'overlap';
  /** Orders the streams of a user over all nodes. */
  readonly openedAtMs: number;
  /** Streams of the user, this one included; 0 where they are not counted. */
  readonly present: number;
  /** Whole tokens left to the user for further connects; null where there is no such rate. */
  readonly connectsLeft: number | null;
  /** Streams to close for it, on whichever nodes they are. */
  readonly evicted: readonly string[];
}

export type LeaseAnswer = Admitted | Refused;

/** `absent`: the store does not know the stream. */
export type Judgement = 'kept' | 'over' | 'absent';

/** A lease as its own node knows it. */
export interface HeldLease {
  readonly streamId: string;
  readonly owner: Owner;
  readonly openedAtMs: number;
  state: LeaseState;
}

/** What a node knows of its own leases: what a shared store may have lost is registered from it anew. */
export interface HeldLeases {
  readonly size: number;
  find(streamId: string): HeldLease | undefined;
  all(): Iterable<HeldLease>;
  /** Streams of the user on this node, those that are told to close not counted. */
  userCount(user: string): number;
  /** Streams of the user on this node that are older than this one. */
  olderCount(lease: HeldLease): number;
  /** Streams of the tenant on this node, those included that are just being asked for. */
  tenantCount(tenant: string): number;
  tenants(): Iterable<string>;
}

/** A place in the tenant of one who is asking; from `enter` on it counts in `HeldLeases.tenantCount`. Both do nothing the second time. */
export interface TenantPlace {
  enter(): void;
  leave(): void;
}

/** Leases and budgets that all nodes share. Everything that is asked rejects when the store does not answer. */
export interface SharedLeases {
  /** False while this node has to decide alone. */
  readonly isUsable: boolean;
  /** Begins to hold what this node has. */
  start(held: HeldLeases): void;
  /** Enters `place` once the user may, right before the tenant is asked, and leaves it again when the tenant may not. */
  acquire(ask: LeaseAsk, place: TenantPlace): Promise<LeaseAnswer>;
  /** An overlap is at its end: `kept` makes it a lease like others, `over` takes it away. */
  judge(lease: HeldLease): Promise<Judgement>;
  /** Gives back; what cannot be told to the store now is told later. Never throws. */
  release(lease: HeldLease): void;
  /** What was asked of the store for this stream may or may not have happened: it is made true later. */
  doubt(streamId: string, owner: Owner): void;
  /** Takes from the publish budgets of both, or of none. */
  takePublish(owner: Owner, events: number): Promise<Refused | null>;
  /** Streams of each user over all nodes. */
  countStreams(users: readonly string[]): Promise<readonly number[]>;
  /** Gives all back at once: the node goes. Never rejects. */
  stop(): Promise<void>;
}

/** How long a user who had to be judged over its limit gets no overlaps, in overlap times. */
export const overlapPauseFactor = 3;
