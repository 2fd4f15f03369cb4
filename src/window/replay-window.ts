import type { CountMark } from '../routing/recent-counts.js';
import type { RoutedEvent } from '../routing/routed-event.js';

/**
 * The port to the replay window: the last minutes, a channel at a time, outside any node.
 *
 * Per topic-partition two numbers vouch for the streams: `high` (indexed up to here) and `floor` (everything above it is still there by age).
 * A cursor is the last offset had.
 */
export interface ReplayWindow {
  /** Writes one stretch: entries, `high` and `floor` together, exactly as RESUME rules 9 to 13 say. Idempotent. */
  write(stretch: WindowStretch): Promise<Vouched>;
  /** Renews the floor of an idle partition: only when `high` is exactly `next - 1`. False when it is not (then nothing is renewed). */
  renew(topic: string, partition: number, next: number): Promise<boolean>;
  /** What vouches for the partition now; null when nothing does. Over several buckets: the lowest high, the highest floor. */
  vouched(topic: string, partition: number): Promise<Vouched | null>;
  /** Deletes all that is held of the partition: its topic was reset. */
  drop(topic: string, partition: number): Promise<void>;
  /** One page for one partition. high, floor and entries come from one atomic read. */
  read(query: WindowQuery): Promise<WindowAnswer>;
  /** The offsets of the newest events of a channel in one partition, newest last, at most `countMax`, all above the floor. */
  newest(query: NewestQuery): Promise<readonly NewestEntry[]>;
  /** The latest event of each channel in the partition, with the high it was read at. */
  latest(topic: string, partition: number, channels: readonly string[]): Promise<LatestAnswer>;
  /** Latches that a keyed topic holds records outside their home partition. */
  latchBreach(topic: string): Promise<void>;
  /** Topics whose breach is latched. */
  breaches(): Promise<ReadonlySet<string>>;
  /**
   * Tells the store what the caller knows of the topic's partition counts, and returns what all callers told, each mark as young as anyone
   * knew it. Marks older than `countMarkMsMax` are forgotten. Ages go by the store's clock; routes do not matter, the topic's generation does.
   */
  shareCounts(topic: string, known: readonly CountMark[]): Promise<readonly CountMark[]>;
  /** True while the store may be believed (reachable, eviction off). */
  health(): WindowHealth;
  close(): Promise<void>;
}

export interface WindowHealth {
  readonly usable: boolean;
  readonly reason: string;
}

export interface Vouched {
  readonly high: number;
  /** null: lapsed, proves nothing. */
  readonly floor: number | null;
}

/** One indexed stretch of a partition, control records and unrouted records included. */
export interface WindowStretch {
  readonly topic: string;
  readonly partition: number;
  /** The consumer's fetch position before. */
  readonly from: number;
  /** Last offset fetched. */
  readonly to: number;
  /** In (offset, index) order. */
  readonly events: readonly RoutedEvent[];
  /** True: the stretch holds a stray of a keyed topic; the writing script latches it together with `high`. Default false. */
  readonly breach?: boolean;
}

export interface WindowQuery {
  readonly topic: string;
  readonly partition: number;
  readonly channels: readonly string[];
  /** The cursor: events above it are wanted. */
  readonly after: number;
  /** At most so many entries a channel; at least one record comes whole even so. */
  readonly eventsMax: number;
  /** The page stops after the record that passes this. */
  readonly bytesMax: number;
}

export type WindowAnswer =
  | {
      readonly kind: 'page';
      /** In (offset, index) order, one per record and route; `channels` holds those of the asked channels that it was found in. */
      readonly events: readonly RoutedEvent[];
      /** U: every asked channel is complete up to here. `provenTo > after`. */
      readonly provenTo: number;
      readonly high: number;
    }
  /**
   * `absent`: nothing vouches (never written, lapsed, flushed). `below-floor`: aged out. `trimmed`: an entry's predecessor is missing.
   * `behind`: the cursor is at or past `high`, so the indexer has not come there yet.
   */
  | { readonly kind: 'unproven'; readonly reason: 'absent' | 'below-floor' | 'trimmed' | 'behind'; readonly high: number | null };

export interface NewestQuery {
  readonly topic: string;
  readonly partition: number;
  readonly channel: string;
  readonly countMax: number;
}

export interface NewestEntry {
  readonly offset: number;
  readonly timestampMs: number;
  readonly type: string;
  readonly attributes: RoutedEvent['attributes'];
}

export interface LatestAnswer {
  /** null: nothing vouches for the partition. */
  readonly high: number | null;
  /** For each asked channel, in the order asked. `lost` cannot be told from `none` after a flush, except by `knownSince`. */
  readonly channels: readonly LatestFound[];
}

export type LatestFound =
  | { readonly kind: 'event'; readonly event: RoutedEvent }
  /** There was none since latest events of this partition are known. */
  | { readonly kind: 'none' }
  /** Latest is not known for this partition (flushed, expired, indexed from the middle). */
  | { readonly kind: 'unknown' };

/** The store did not answer, or may not be believed. Readers fall back to the log; the indexer retries. */
export class WindowError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'WindowError';
  }
}
