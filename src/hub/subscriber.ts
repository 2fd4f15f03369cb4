import { encodeRetry, keepAliveFrame } from '../protocol/control-frames.js';
import { closeCatalogue, type CloseCode } from '../protocol/close-catalogue.js';
import type { ChunkWriter } from '../protocol/chunk-writer.js';
import type { GapReason, TierName } from '../protocol/names.js';
import { matchesFilter } from '../routing/filter.js';
import type { RoutedEvent } from '../routing/routed-event.js';
import type { Cohort, CohortMember } from './cohort.js';
import type { Cursor } from './cursor.js';
import { askedChannels, endMark, isSameRecord } from './encode-events.js';
import type { HubContext } from './hub-options.js';
import type { Sink, SinkOwner } from './sink.js';
import type { Subscription } from './subscription.js';
import type { Page, ReplayBudget } from './tier-reader.js';
import type { PartitionLog, TailWaiter } from './topic-log.js';

/** Where and how a reader begins. */
export interface Start {
  readonly cursor: Cursor;
  /** What was wrong with the position that it came with. */
  readonly gap: { readonly reason: GapReason; readonly from: string | null } | null;
  /** The present state of its channels, sent before anything else. */
  readonly latest: readonly RoutedEvent[];
  /** It came with a position. */
  readonly isResume: boolean;
}

/** What a subscriber needs of the hub. */
export interface SubscriberHome extends HubContext {
  readonly out: ChunkWriter;
  /** A record time before which this node has had everything. */
  safeTimeMs(): number;
  /**
   * The live readers of the same subscription at the same place; made when there are none. Null while something waits to be sent to them: `waiter` is called when it was.
   * It is not sent at once, because a reader joins inside its own request, where each write to another socket takes four system calls.
   */
  cohortFor(subscription: Subscription, cursor: Cursor, waiter: TailWaiter): Cohort<Subscriber> | null;
  /** The subscriber left its cohort. */
  cohortLeft(cohort: Cohort<Subscriber>): void;
  /** How much a catch-up may read from the log. */
  newBudget(): ReplayBudget;
  stateChanged(subscriber: Subscriber, from: SubscriberState, to: SubscriberState): void;
  closed(subscriber: Subscriber): void;
}

/**
 *                    ┌───────── page of recent, window or log ─────────┐
 *                    ▼                                                 │
 *   attach ──► catching-up ──── cursor at every tail ────► live        │
 *                    ▲ │  └─────────────────────────────────┼──────────┘
 *                    │ └── socket behind: nothing is read   │
 *                    └───── socket behind, hole, growth ────┘     any ──► closed
 */
export type SubscriberState = 'catching-up' | 'live' | 'closed';

/**
 * One reader: a cursor on the log. It reads pages from the cheapest tier that proves them complete until it is at the tail, then takes live
 * events with its cohort; a socket that is behind just leaves the cursor where it is. The same code serves first connect, reconnect, node
 * change and stall.
 */
export class Subscriber implements SinkOwner, CohortMember, TailWaiter {
  readonly subscription: Subscription;
  readonly #home: SubscriberHome;
  readonly #sink: Sink;
  readonly #closeAtTickMs: number;
  #state: SubscriberState = 'catching-up';
  /** Null while live: then the cohort's cursor is this reader's. */
  #cursor: Cursor | null;
  #cohort: Cohort<Subscriber> | null = null;
  #isBlocked = false;
  #blockedSinceTickMs = 0;
  /** Bytes were written since the keep-alive wheel came by. */
  #hasWritten = true;
  #lastPosition = '';
  #reading: AbortController | null = null;
  #budget: ReplayBudget | null = null;
  #catchUpSinceTickMs: number | null = null;
  #deepestTier: TierName = 'recent';
  #hadGap = false;
  /** The present state was the terminal event. */
  #isOver = false;
  #isResume: boolean;
  /** Gaps to be told as soon as the socket takes bytes, each with where it begins (null: where the cursor is then) and what it does to the cursor. */
  #untold: { readonly reason: GapReason; readonly from: Cursor | null; readonly move: (cursor: Cursor) => void }[] = [];

  constructor(home: SubscriberHome, subscription: Subscription, start: Start, sink: Sink) {
    this.#home = home;
    this.subscription = subscription;
    this.#sink = sink;
    this.#cursor = start.cursor;
    this.#isResume = start.isResume;
    const { options, environment } = home;
    const openedTickMs = environment.clock.tickMs();
    this.#closeAtTickMs = options.maxAgeMs === 0 ? Infinity : openedTickMs + options.maxAgeMs * (0.8 + 0.2 * environment.random());
    this.#writeHead(start);
  }

  get state(): SubscriberState {
    return this.#state;
  }

  /** Begins to catch up, behind the head that the constructor left in the writer. */
  begin(): void {
    if (!this.#isOver) return this.#pump();
    this.#flushOut();
    this.close('ended');
  }

  covers(partition: PartitionLog): boolean {
    return (this.#cursor ?? this.#cohort?.cursor)?.indexOf(partition) !== -1;
  }

  /** The last offset of the partition that was had; -1 for none. */
  cursorOf(partition: PartitionLog): number {
    const cursor = this.#cursor ?? this.#cohort?.cursor;
    return cursor?.at[cursor.indexOf(partition)] ?? -1;
  }

  // ---- what the hub tells

  takeLive(frames: Uint8Array, position: string | null): boolean {
    if (position !== null) this.#lastPosition = position;
    return this.#write(frames);
  }

  finish(): void {
    this.close('ended');
  }

  tailMoved(): void {
    this.#stopWaiting();
    if (this.#state === 'catching-up' && !this.#isBlocked && this.#reading === null) this.#resume();
  }

  /** Takes the reader out of its cohort, with a cursor of its own. */
  leaveCohort(): void {
    const cohort = this.#cohort;
    if (cohort === null) return;
    this.#cursor = cohort.cursor.copy();
    this.#cohort = null;
    cohort.members.splice(cohort.members.lastIndexOf(this), 1);
    this.#enter('catching-up');
    this.#home.cohortLeft(cohort);
  }

  /**
   * Gives the reader a cursor over more partitions. `gap`: events of those may have been missed, and the reader is told.
   */
  widen(widened: (cursor: Cursor) => Cursor, gap: GapReason | null = null): void {
    if (this.#state === 'closed') return;
    this.#standStill();
    const narrow = this.#cursor as Cursor;
    this.#cursor = widened(narrow);
    if (gap !== null) this.#untold.push({ reason: gap, from: narrow, move: () => undefined });
    this.tailMoved();
  }

  /** The partition's topic began anew at `low`: told as a gap, then read from there. */
  resetTo(partition: PartitionLog, low: number): void {
    if (this.#state === 'closed') return;
    this.#standStill();
    const move = (cursor: Cursor): void => {
      const index = cursor.indexOf(partition);
      if (index >= 0) cursor.reset(index, low - 1);
    };
    this.#untold.push({ reason: 'store-lost', from: null, move });
    this.tailMoved();
  }

  /** Leaves the cohort and gives up what is being read or waited for. */
  #standStill(): void {
    this.leaveCohort();
    this.#stopWaiting();
    this.#reading?.abort();
    this.#reading = null;
  }

  /** A turn of the keep-alive wheel. */
  keepAlive(nowTickMs: number): void {
    if (this.#isBlocked) {
      if (nowTickMs - this.#blockedSinceTickMs >= this.#home.options.stallMs) this.close('slow-reader');
      return;
    }
    if (nowTickMs >= this.#closeAtTickMs) return this.close('max-age');
    const position = this.currentPosition();
    if (position !== this.#lastPosition) {
      this.#home.out.begin();
      this.#control('selvage.position', {}, position);
      this.#flushOut();
    } else if (!this.#hasWritten) this.#write(keepAliveFrame);
    this.#hasWritten = false;
  }

  /** Ends the stream on purpose. */
  close(code: CloseCode): void {
    if (this.#state === 'closed') return;
    const { out, options, environment } = this.#home;
    const { reconnect, retryMs } = closeCatalogue[code];
    const jitteredMs = Math.round(Math.max(retryMs, reconnect === 'stop' ? 0 : options.retryMs / 2) * (0.75 + 0.5 * environment.random()));
    out.begin();
    if (reconnect !== 'stop') out.append(encodeRetry(jitteredMs));
    this.subscription.format.control(out, 'selvage.close', { code, reconnect, retryMs: jitteredMs }, null);
    this.#leave();
    this.#sink.end(out.take(), code);
  }

  // ---- what the socket tells

  onWritable(): void {
    this.#isBlocked = false;
    if (this.#state === 'catching-up' && this.#reading === null) this.#resume();
  }

  onPeerGone(): void {
    if (this.#state !== 'closed') this.#leave();
  }

  // ---- catching up

  #resume(): void {
    this.#home.out.begin();
    this.#pump();
  }

  /** Writes what is in the writer and everything that `recent` has for the cursor; then reads on, waits, or goes live. */
  #pump(): void {
    const cursor = this.#cursor as Cursor;
    this.#tellUntold(cursor);
    for (;;) {
      const behind = this.#drainRecent(cursor);
      if (this.#state === 'closed' || (this.#home.out.length > 0 && !this.#flushOut())) return;
      this.#home.out.begin();
      if (behind === null) return this.#goLive(cursor);
      if (behind !== 'more') return this.#readPage(cursor, behind);
    }
  }

  /** Appends from `recent`. Returns the first partition that is below it, null when there is none, or `more` when the writer is full. */
  #drainRecent(cursor: Cursor): number | null | 'more' {
    let behind: number | null = null;
    for (let i = 0; i < cursor.partitions.length; i++) {
      const { recent } = cursor.partitions[i] as PartitionLog;
      while ((cursor.at[i] as number) < recent.tail) {
        if ((cursor.at[i] as number) < recent.start) {
          behind ??= i;
          break;
        }
        const { pageEventsMax, chunkBytesMax } = this.#home.options;
        const page = recent.page(this.subscription.channels, cursor.at[i] as number, pageEventsMax, chunkBytesMax);
        this.#appendPage(cursor, i, page.events, page.provenTo);
        if (this.#state === 'closed') return null;
        if (this.#home.out.length >= chunkBytesMax) return 'more';
      }
    }
    return behind;
  }

  #appendPage(cursor: Cursor, index: number, events: readonly RoutedEvent[], provenTo: number): void {
    const { out, metrics, environment } = this.#home;
    const { filter, format } = this.subscription;
    const wanted = events.filter((event) => event.offset > (cursor.at[index] as number) && matchesFilter(filter, event));
    const before = out.length;
    for (let i = 0; i < wanted.length; i++) {
      const event = wanted[i] as RoutedEvent;
      const isTerminal = filter.until?.has(event.type) === true;
      const isLast = isTerminal || !isSameRecord(event, wanted[i + 1]);
      if (isLast) {
        cursor.advance(index, event.offset);
        this.#lastPosition = cursor.text(this.#home.safeTimeMs()) + (isTerminal ? endMark : '');
      }
      format.event(out, event, askedChannels(this.subscription, event), isLast ? this.#lastPosition : null);
      if (isTerminal) {
        this.#flushOut();
        return this.close('ended');
      }
    }
    cursor.advance(index, provenTo);
    const newest = wanted[wanted.length - 1];
    if (newest === undefined) return;
    metrics.eventsSent(wanted.length, out.length - before);
    if (this.#catchUpSinceTickMs === null) metrics.delivered((environment.clock.nowMs() - newest.timestampMs) / 1_000);
  }

  #readPage(cursor: Cursor, index: number): void {
    const { clock } = this.#home.environment;
    if (this.#catchUpSinceTickMs === null) {
      this.#catchUpSinceTickMs = clock.tickMs();
      this.#home.metrics.replayStarted();
    }
    const partition = cursor.partitions[index] as PartitionLog;
    const reading = new AbortController();
    this.#reading = reading;
    const query = {
      topic: partition.topic.topic,
      partition: partition.partition,
      channels: this.subscription.channels,
      after: cursor.at[index] as number,
      recentStart: partition.recent.start,
      budget: (this.#budget ??= this.#home.newBudget()),
      signal: reading.signal,
    };
    void this.#home.tiers.readPage(query).then((page) => {
      if (this.#reading !== reading) return;
      this.#reading = null;
      // A keep-alive may have found the socket behind meanwhile: the page is dropped and read again, nothing is held.
      if (this.#state === 'catching-up' && !this.#isBlocked) this.#takePage(cursor, index, page);
    });
  }

  #takePage(cursor: Cursor, index: number, page: Page): void {
    this.#home.out.begin();
    if (page.kind === 'gap') {
      this.#tellGap(page.reason, () => cursor.advance(index, page.to));
    } else {
      if (page.tier === 'log' || this.#deepestTier === 'recent') this.#deepestTier = page.tier;
      this.#appendPage(cursor, index, page.events, page.provenTo);
      if (this.state === 'closed') return;
      // Each page ends with a position, or a filtered replay that is cut off would start over for ever.
      const position = cursor.text(this.#home.safeTimeMs());
      if (position !== this.#lastPosition) this.#control('selvage.position', {}, position);
    }
    this.#pump();
  }

  #goLive(cursor: Cursor): void {
    if (cursor.partitions.some((partition, i) => (cursor.at[i] as number) > partition.tail)) {
      for (const partition of cursor.partitions) partition.ahead.add(this);
      return;
    }
    const cohort = this.#home.cohortFor(this.subscription, cursor, this);
    if (cohort === null) return;
    this.#endCatchUp();
    this.#cohort = cohort;
    this.#cursor = null;
    cohort.members.push(this);
    this.#enter('live');
    this.#sink.onLive?.();
  }

  #stopWaiting(): void {
    for (const partition of this.#cursor?.partitions ?? []) partition.ahead.delete(this);
  }

  #endCatchUp(): void {
    const { metrics, environment } = this.#home;
    if (this.#catchUpSinceTickMs !== null) metrics.replayEnded((environment.clock.tickMs() - this.#catchUpSinceTickMs) / 1_000);
    if (this.#isResume) metrics.resumed(this.#deepestTier, this.#hadGap ? 'gap' : 'complete');
    this.#isResume = false;
    this.#catchUpSinceTickMs = null;
    this.#budget = null;
  }

  // ---- writing

  #writeHead({ gap, latest, cursor }: Start): void {
    const { out, options, environment } = this.#home;
    out.begin();
    out.append(encodeRetry(options.retryMs * (0.75 + 0.5 * environment.random())));
    out.append(keepAliveFrame);
    const position = cursor.text(this.#home.safeTimeMs());
    if (gap === null) this.#control('selvage.position', {}, position);
    else this.#sayGap(gap.reason, gap.from);
    for (const event of latest) {
      const { filter, format } = this.subscription;
      if (!matchesFilter(filter, event)) continue;
      this.#isOver = filter.until?.has(event.type) === true;
      if (this.#isOver) this.#lastPosition = position + endMark;
      format.event(out, event, askedChannels(this.subscription, event), this.#lastPosition);
      if (this.#isOver) return;
    }
  }

  /** Tells a gap and moves over it; what was filtered out before it is no part of it. */
  #tellGap(reason: GapReason, move: () => void, begin = this.#cursor as Cursor): void {
    const from = begin.text(this.#home.safeTimeMs());
    move();
    this.#sayGap(reason, from);
  }

  /** The id of a gap is where reading goes on. */
  #sayGap(reason: GapReason, from: string | null): void {
    const to = (this.#cursor as Cursor).text(this.#home.safeTimeMs());
    this.#hadGap = true;
    this.#home.metrics.gapTold(reason);
    this.#control('selvage.gap', { reason, from, to }, to);
  }

  #control(type: string, data: object, position: string): void {
    this.#lastPosition = position;
    this.subscription.format.control(this.#home.out, type, data, position);
  }

  #tellUntold(cursor: Cursor): void {
    for (const { reason, from, move } of this.#untold.splice(0)) this.#tellGap(reason, () => move(cursor), from ?? cursor);
  }

  #flushOut(): boolean {
    return this.#write(this.#home.out.take());
  }

  #write(frames: Uint8Array): boolean {
    this.#hasWritten = true;
    if (this.#sink.write(frames)) return true;
    if (this.#state === 'closed') return false;
    if (!this.#isBlocked) this.#blockedSinceTickMs = this.#home.environment.clock.tickMs();
    this.#isBlocked = true;
    this.leaveCohort();
    return false;
  }

  /** The position of everything handed over or filtered out so far. */
  currentPosition(): string {
    if (this.#state === 'closed') return this.#lastPosition;
    const cohort = this.#cohort;
    if (cohort !== null) return cohort.position(this.#home.safeTimeMs());
    return (this.#cursor as Cursor).text(this.#home.safeTimeMs());
  }

  #enter(state: SubscriberState): void {
    const from = this.#state;
    this.#state = state;
    this.#home.stateChanged(this, from, state);
  }

  #leave(): void {
    this.leaveCohort();
    this.#reading?.abort();
    this.#reading = null;
    this.#stopWaiting();
    this.#enter('closed');
    this.#home.closed(this);
  }
}
