import type { ChunkWriter } from '../protocol/chunk-writer.js';
import { matchesFilter } from '../routing/filter.js';
import type { RoutedEvent } from '../routing/routed-event.js';
import type { Cursor } from './cursor.js';
import { askedChannels, endMark, isSameRecord } from './encode-events.js';
import type { HubContext } from './hub-options.js';
import type { Subscription } from './subscription.js';
import type { PartitionLog } from './topic-log.js';

/** A live reader, as its cohort sees it. */
export interface CohortMember {
  /** Hands over bytes of `count` events whose last id is `position`. False: the socket is behind, and the member has left with its own copy of the cursor. */
  takeLive(frames: Uint8Array, position: string | null, count: number): boolean;
  /** The terminal event was in the bytes just handed over. */
  finish(): void;
}

/**
 * Live readers that asked for the same and are at the same place: one cursor, frames encoded once, the same bytes for all. A member that falls
 * behind leaves with a copy of the cursor; one that has caught up to the cursor exactly joins.
 */
export class Cohort<Member extends CohortMember = CohortMember> {
  readonly key: string;
  readonly subscription: Subscription;
  readonly cursor: Cursor;
  readonly members: Member[] = [];
  /** The newest record time that was sent; null: nothing was yet. */
  newestMs: number | null = null;
  /** When something was last sent. */
  sentTickMs = 0;
  readonly #context: HubContext;
  readonly #pending: RoutedEvent[] = [];
  readonly #pendingPartitions: PartitionLog[] = [];

  constructor(key: string, subscription: Subscription, cursor: Cursor, context: HubContext) {
    this.key = key;
    this.subscription = subscription;
    this.cursor = cursor;
    this.#context = context;
  }

  get hasPending(): boolean {
    return this.#pending.length > 0;
  }

  covers(partition: PartitionLog): boolean {
    return this.cursor.partitions.length === 1 ? this.cursor.partitions[0] === partition : this.cursor.indexOf(partition) >= 0;
  }

  /** Takes an event of one of its channels, once; it goes out with the next `flush`. */
  add(event: RoutedEvent, partition: PartitionLog): void {
    const pending = this.#pending;
    if (pending[pending.length - 1] === event) return;
    pending.push(event);
    this.#pendingPartitions.push(partition);
  }

  /** Brings the cursor to every tail, for one who is there and joins: it must not be given a position below its own. Nothing may be pending. */
  catchUp(): void {
    this.#settle();
  }

  /** Sends what is pending to every member. */
  flush(out: ChunkWriter, safeTimeMs: number): void {
    this.#settle();
    out.begin();
    const { subscription, cursor } = this;
    const { deliveries } = this.#context;
    const traces = deliveries?.isExpecting === true ? deliveries : null;
    const pending = this.#pending.splice(0);
    const partitions = this.#pendingPartitions.splice(0);
    let sentTimesMs: number[] = [];
    let position: string | null = null;
    for (let i = 0; i < pending.length; i++) {
      const event = pending[i] as RoutedEvent;
      const index = cursor.indexOf(partitions[i] as PartitionLog);
      const isLast = !this.#hasMoreOfRecord(pending, i);
      if (isLast) cursor.advance(index, event.offset);
      if (!matchesFilter(subscription.filter, event)) continue;
      const isTerminal = subscription.filter.until?.has(event.type) === true;
      if (isLast || isTerminal) {
        if (isTerminal) cursor.advance(index, event.offset);
        position = cursor.text(safeTimeMs) + (isTerminal ? endMark : '');
      }
      subscription.format.event(out, event, askedChannels(subscription, event), isLast || isTerminal ? position : null);
      traces?.sent(event, this.members.length);
      sentTimesMs.push(event.timestampMs);
      if (isTerminal) {
        const members = this.members.slice(); // also those that leave because their socket is behind
        this.#deliver(out, position, sentTimesMs);
        for (const member of members) member.finish();
        return;
      }
      if (isLast && out.length >= this.#context.options.chunkBytesMax) {
        this.#deliver(out, position, sentTimesMs);
        out.begin();
        sentTimesMs = [];
      }
    }
    if (sentTimesMs.length > 0) this.#deliver(out, position, sentTimesMs);
    this.#settle();
  }

  /** Moves the cursor over partitions that have nothing pending: all of them, when nothing is. */
  #settle(): void {
    const { cursor } = this;
    const busy = this.#pendingPartitions;
    for (let i = 0; i < cursor.partitions.length; i++) {
      const partition = cursor.partitions[i] as PartitionLog;
      if (busy.length === 0 || !busy.includes(partition)) cursor.advance(i, partition.tail);
    }
  }

  /** The position of every member now, for one that is silent. */
  position(safeTimeMs: number): string {
    if (!this.hasPending) this.#settle();
    return this.cursor.text(safeTimeMs);
  }

  /** Whether a later pending event of the same record passes the filter: then that one carries the id. */
  #hasMoreOfRecord(pending: readonly RoutedEvent[], at: number): boolean {
    const event = pending[at] as RoutedEvent;
    for (let i = at + 1; i < pending.length && isSameRecord(event, pending[i]); i++) {
      if (matchesFilter(this.subscription.filter, pending[i] as RoutedEvent)) return true;
    }
    return false;
  }

  /** Hands over what was written of events with these record times. */
  #deliver(out: ChunkWriter, position: string | null, timesMs: readonly number[]): void {
    const frames = out.take();
    const { members } = this;
    const { metrics, environment } = this.#context;
    const count = timesMs.length;
    metrics.eventsSent(count * members.length, frames.length * members.length);
    const newestMs = timesMs[count - 1];
    if (newestMs !== undefined) {
      this.newestMs = Math.max(this.newestMs ?? 0, newestMs);
      this.sentTickMs = environment.clock.tickMs();
    }
    for (let i = members.length - 1; i >= 0; i--) members[i]?.takeLive(frames, position, count);
    const nowMs = environment.clock.nowMs();
    for (const timeMs of timesMs) metrics.delivered((nowMs - timeMs) / 1_000);
  }
}
