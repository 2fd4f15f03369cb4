import { keepAliveFrame } from '../protocol/control-frames.js';
import type { CloseCode } from '../protocol/close-catalogue.js';
import type { GapCause, GapReason, TierName } from '../protocol/names.js';
import type { RoutedEvent } from '../routing/routed-event.js';
import type { Cohort, CohortMember } from './cohort.js';
import { CatchUp } from './catch-up.js';
import type { Cursor } from './cursor.js';
import type { Sink, SinkOwner } from './sink.js';
import type { RenewedTerms, StreamTerms, TermsEvent } from './stream-terms.js';
import { StreamText } from './stream-text.js';
import type { Start, SubscriberHome, SubscriberState } from './subscriber-home.js';
import type { Subscription } from './subscription.js';
import { TermsWatch, type TermsStream } from './terms-watch.js';
import type { Page } from './tier-reader.js';
import type { PartitionLog, TailWaiter } from './topic-log.js';

/**
 * One reader: a cursor on the log. It reads pages from the cheapest tier that proves them complete until it is at the tail, then takes live
 * events with its cohort; a socket that is behind just leaves the cursor where it is. The same code serves first connect, reconnect, node
 * change and stall.
 */
export class Subscriber implements SinkOwner, CohortMember, TailWaiter, TermsStream {
  readonly subscription: Subscription;
  readonly #home: SubscriberHome<Subscriber>;
  readonly #sink: Sink;
  readonly #text: StreamText;
  readonly #closeAtTickMs: number;
  /** Null: nothing was promised but the events. */
  readonly #watch: TermsWatch | null;
  #state: SubscriberState = 'catching-up';
  /** Null while live: then the cohort's cursor is this reader's. */
  #catchUp: CatchUp | null;
  #cohort: Cohort<Subscriber> | null = null;
  #isBlocked = false;
  /** It has not been at the tail since it came, or since its socket was behind. */
  #isAway = true;
  #blockedSinceTickMs = 0;
  /** Bytes were written since the keep-alive wheel came by. */
  #hasWritten = true;
  /** The last turn of the wheel was the one between two whole intervals. */
  #isHalfway = false;
  /** The head was all: the present state was the terminal event, or there is nothing to follow. */
  #isOver = false;
  #resumedFrom: TierName | null = null;

  constructor(home: SubscriberHome<Subscriber>, subscription: Subscription, start: Start, sink: Sink, terms: StreamTerms | null) {
    this.#home = home;
    this.subscription = subscription;
    this.#sink = sink;
    this.#text = new StreamText(home, subscription);
    this.#catchUp = new CatchUp(home, start.cursor, start.isResume ? 'resume' : 'fresh');
    const { options, environment } = home;
    this.#watch = terms === null ? null : new TermsWatch(terms, this, environment.clock, start.newestMs ?? null);
    const maxAgeMs = terms?.maxAgeMs ?? options.maxAgeMs;
    const ageMs = maxAgeMs === 0 ? Infinity : maxAgeMs * (0.8 + 0.2 * environment.random());
    this.#closeAtTickMs = environment.clock.tickMs() + Math.max(ageMs, this.#watch?.leastAgeMs ?? 0);
    this.#isOver = this.#text.head(start, terms, this.#retryMs, this.#watch);
    if (start.gap !== null) this.#catchUp.sawGap(start.gap.cause);
  }

  /** What the stream was so far. */
  summary(): { readonly streamId?: string; readonly events: number; readonly resumedFrom?: TierName } {
    const tier = this.#catchUp?.resumedFrom ?? this.#resumedFrom;
    const { terms } = this;
    return {
      ...(terms === null ? {} : { streamId: terms.streamId }),
      events: this.#text.eventCount,
      ...(tier === null ? {} : { resumedFrom: tier }),
    };
  }

  get state(): SubscriberState {
    return this.#state;
  }

  /** Begins to catch up, behind the head that the constructor left in the writer. */
  begin(): void {
    if (this.#isOver) {
      this.#flushOut();
      return this.close('ended');
    }
    this.#pump();
    if (this.#state !== 'closed') this.#planWatch();
  }

  covers(partition: PartitionLog): boolean {
    return this.#cursor.indexOf(partition) !== -1;
  }

  /** The last offset of the partition that was had; -1 for none. */
  cursorOf(partition: PartitionLog): number {
    const cursor = this.#cursor;
    return cursor.at[cursor.indexOf(partition)] ?? -1;
  }

  // ---- what the hub tells

  takeLive(frames: Uint8Array, position: string | null, count: number): boolean {
    this.#text.handedOver(position, count);
    return this.#write(frames);
  }

  finish(): void {
    this.close('ended');
  }

  tailMoved(): void {
    this.#stopWaiting();
    this.#resume();
  }

  /** Takes the reader out of its cohort, with a cursor of its own. */
  leaveCohort(): void {
    const cohort = this.#cohort;
    if (cohort === null) return;
    this.noteCohort();
    this.#cohort = null;
    this.#catchUp = new CatchUp(this.#home, cohort.cursor.copy(), null);
    cohort.members.splice(cohort.members.lastIndexOf(this), 1);
    this.#enter('catching-up');
    this.#home.cohortLeft(cohort);
  }

  /**
   * Gives the reader a cursor over more partitions. `gap`: events of those may have been missed, and the reader is told.
   */
  widen(widened: (cursor: Cursor) => Cursor, gap: GapReason | null = null): void {
    if (this.#state === 'closed') return;
    const catchUp = this.#standStill();
    const narrow = catchUp.cursor;
    catchUp.cursor = widened(narrow);
    if (gap !== null) catchUp.willTell({ reason: gap, from: narrow, move: () => undefined });
    this.tailMoved();
  }

  /** The partition's topic began anew at `low`: told as a gap, then read from there. */
  resetTo(partition: PartitionLog, low: number): void {
    if (this.#state === 'closed') return;
    const catchUp = this.#standStill();
    const move = (cursor: Cursor): void => {
      const index = cursor.indexOf(partition);
      if (index >= 0) cursor.reset(index, low - 1);
    };
    catchUp.willTell({ reason: 'store-lost', from: null, move });
    this.tailMoved();
  }

  /** Leaves the cohort and gives up what is being read or waited for. */
  #standStill(): CatchUp {
    this.leaveCohort();
    const catchUp = this.#catchUp as CatchUp;
    catchUp.giveUp();
    this.#stopWaiting();
    return catchUp;
  }

  /** A turn of the keep-alive wheel. */
  keepAlive(nowTickMs: number): void {
    if (this.#isBlocked) {
      if (nowTickMs - this.#blockedSinceTickMs >= this.#home.options.stallMs) this.close('slow-reader');
      return;
    }
    if (nowTickMs >= this.#closeAtTickMs) return this.close('max-age');
    const isSilent = !this.#hasWritten;
    this.#hasWritten = false;
    this.#isHalfway = !this.#isHalfway;
    // Twice an interval, or a stream could be silent for nearly two of them; a position that moved is told once in it.
    const position = this.#isHalfway ? null : this.currentPosition();
    if (position !== null && position !== this.#text.lastPosition) {
      this.#home.out.begin();
      this.#text.position(position);
      this.#flushOut();
    } else if (isSilent) this.#write(keepAliveFrame);
  }

  /** Ends the stream on purpose. */
  close(code: CloseCode): void {
    if (this.#state === 'closed') return;
    const { out } = this.#home;
    out.begin();
    this.#text.close(code, this.#retryMs);
    this.#leave();
    this.#sink.end(out.take(), code);
  }

  // ---- what the terms ask for

  /** What was promised; null: nothing but the events. */
  get terms(): StreamTerms | null {
    return this.#watch?.terms ?? null;
  }

  /** The stream goes on under other terms. */
  renew(renewed: RenewedTerms): void {
    if (this.#state === 'closed' || this.#watch === null) return;
    this.#watch.renew(renewed);
    this.#planWatch();
  }

  get isAtTail(): boolean {
    return this.#state === 'live' && this.#cohort?.hasPending === false;
  }

  get isFlowing(): boolean {
    return this.#state !== 'closed' && !this.#isBlocked;
  }

  noteCohort(): void {
    const cohort = this.#cohort;
    if (cohort !== null && cohort.newestMs !== null) this.#watch?.sent(cohort.newestMs, cohort.sentTickMs);
  }

  tell(type: string, data: object): void {
    this.#home.out.begin();
    this.#text.note(type, data);
    this.#flushOut();
  }

  endWith(event: TermsEvent, code: CloseCode): void {
    this.#home.out.begin();
    this.#text.last(event, this.currentPosition());
    this.#flushOut();
    this.close(code);
  }

  #planWatch(): void {
    const { deadlines } = this.#home;
    if (this.#watch !== null) deadlines.plan(this.#watch, this.#watch.look());
  }

  // ---- what the socket tells

  onWritable(): void {
    this.#isBlocked = false;
    this.#resume();
  }

  onPeerGone(): void {
    if (this.#state !== 'closed') this.#leave();
  }

  // ---- catching up

  /** Goes on, unless it is live, or waits for a page or for the socket. */
  #resume(): void {
    if (this.#state !== 'catching-up' || this.#isBlocked || this.#catchUp?.isReading === true) return;
    this.#home.out.begin();
    this.#pump();
  }

  /** Writes what is in the writer and everything that `recent` has for the cursor; then reads on, waits, or goes live. */
  #pump(): void {
    const cursor = this.#cursor;
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
    const written = this.#text.page(cursor, index, events);
    if (written === null) {
      this.#flushOut();
      return this.close('ended');
    }
    cursor.advance(index, provenTo);
    const newest = written[written.length - 1];
    if (newest === undefined) return;
    const { metrics, environment } = this.#home;
    this.#watch?.sent(newest.timestampMs, environment.clock.tickMs());
    // What was there before the reader, waited for its socket, or is read from another tier: its age tells nothing of how prompt this node is.
    if (this.#isAway || this.#catchUp?.isReplay === true) return;
    const nowMs = environment.clock.nowMs();
    for (const { timestampMs } of written) metrics.delivered((nowMs - timestampMs) / 1_000);
  }

  #readPage(cursor: Cursor, index: number): void {
    const catchUp = this.#catchUp as CatchUp;
    const partition = cursor.partitions[index] as PartitionLog;
    const query = {
      topic: partition.topic.topic,
      partition: partition.partition,
      channels: this.subscription.channels,
      after: cursor.at[index] as number,
      recentStart: partition.recent.start,
      budget: catchUp.beginReplay(() => this.#home.newBudget()),
      owner: this.terms?.owner ?? '',
    };
    catchUp.read(
      (signal) => this.#home.tiers.readPage({ ...query, signal }),
      (page) => {
        // A keep-alive may have found the socket behind meanwhile: the page is dropped and read again, nothing is held.
        if (this.#state === 'catching-up' && !this.#isBlocked) this.#takePage(cursor, index, page);
      },
    );
  }

  #takePage(cursor: Cursor, index: number, page: Page): void {
    this.#home.out.begin();
    if (page.kind === 'gap') {
      // Who was there all the time has lost nothing by being away.
      this.#tellGap(page.reason, this.#isAway ? page.cause : 'fabric', () => cursor.advance(index, page.to));
    } else {
      this.#catchUp?.saw(page.tier);
      this.#appendPage(cursor, index, page.events, page.provenTo);
      if (this.state === 'closed') return;
      // Each page ends with a position, or a filtered replay that is cut off would start over for ever.
      const position = cursor.text(this.#home.safeTimeMs());
      if (position !== this.#text.lastPosition) this.#text.position(position);
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
    cohort.members.push(this);
    this.#isAway = false;
    this.#enter('live');
    this.#sink.onLive?.();
  }

  #stopWaiting(): void {
    for (const partition of this.#catchUp?.cursor.partitions ?? []) partition.ahead.delete(this);
  }

  #endCatchUp(): void {
    this.#catchUp?.end();
    this.#resumedFrom ??= this.#catchUp?.resumedFrom ?? null;
    this.#catchUp = null;
  }

  // ---- writing

  get #retryMs(): number {
    return this.terms?.retryMs ?? this.#home.options.retryMs;
  }

  /** Tells a gap and moves over it; what was filtered out before it is no part of it. */
  #tellGap(reason: GapReason, cause: GapCause, move: () => void, begin = this.#cursor): void {
    const from = begin.text(this.#home.safeTimeMs());
    move();
    this.#catchUp?.sawGap(cause);
    this.#text.gap(reason, cause, from, this.#cursor.text(this.#home.safeTimeMs()));
  }

  #tellUntold(cursor: Cursor): void {
    for (const { reason, from, move } of this.#catchUp?.takeUntold() ?? [])
      this.#tellGap(reason, 'fabric', () => move(cursor), from ?? cursor);
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
    this.#isAway = true;
    this.leaveCohort();
    return false;
  }

  /** The position of everything handed over or filtered out so far. */
  currentPosition(): string {
    if (this.#state === 'closed') return this.#text.lastPosition;
    const safeTimeMs = this.#home.safeTimeMs();
    return this.#cohort?.position(safeTimeMs) ?? this.#cursor.text(safeTimeMs);
  }

  get #cursor(): Cursor {
    return this.#catchUp?.cursor ?? (this.#cohort as Cohort<Subscriber>).cursor;
  }

  #enter(state: SubscriberState): void {
    const from = this.#state;
    this.#state = state;
    this.#home.stateChanged(this, from, state);
  }

  #leave(): void {
    this.leaveCohort();
    this.#catchUp?.giveUp();
    this.#stopWaiting();
    if (this.#watch !== null) {
      this.#watch.end();
      this.#home.deadlines.forget(this.#watch);
    }
    this.#enter('closed');
    this.#home.closed(this);
  }
}
