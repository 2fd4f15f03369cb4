import { closeCatalogue, type CloseCode } from '../protocol/close-catalogue.js';
import { encodeRetry, keepAliveFrame } from '../protocol/control-frames.js';
import type { GapCause, GapReason } from '../protocol/names.js';
import { matchesFilter } from '../routing/filter.js';
import type { RoutedEvent } from '../routing/routed-event.js';
import type { Cursor } from './cursor.js';
import { askedChannels, endMark, isSameRecord } from './encode-events.js';
import type { StreamTerms, TermsEvent } from './stream-terms.js';
import type { Start, TextHome } from './subscriber-home.js';
import type { Subscription } from './subscription.js';
import type { TermsWatch } from './terms-watch.js';

/**
 * What one reader is told, in words of the protocol: its frames are put into the hub's writer, which the caller begins and sends, and the last
 * position among them is remembered. Decides nothing and moves no cursor but over the events that it writes.
 */
export class StreamText {
  /** The last position that the reader was given, or is about to be. */
  lastPosition = '';
  eventCount = 0;
  readonly #home: TextHome;
  readonly #subscription: Subscription;

  constructor(home: TextHome, subscription: Subscription) {
    this.#home = home;
    this.#subscription = subscription;
  }

  /** The cohort has written `count` events for all of its readers. */
  handedOver(position: string | null, count: number): void {
    this.eventCount += count;
    if (position !== null) this.lastPosition = position;
  }

  /** Everything before the first event that is followed. Returns whether that was all. */
  head({ gap, latest, cursor, final }: Start, terms: StreamTerms | null, retryMs: number, watch: TermsWatch | null): boolean {
    const { out, environment } = this.#home;
    out.begin();
    out.append(encodeRetry(retryMs * this.#jitter()));
    out.append(keepAliveFrame);
    const position = cursor.text(this.#home.safeTimeMs());
    if (gap === null) this.position(position);
    else this.gap(gap.reason, gap.cause, gap.from, position);
    const greeting = terms?.greeting ?? null;
    if (greeting !== null) this.note(greeting.type, greeting.data(environment.clock.nowMs()));
    if (final !== undefined) {
      this.last(final, position);
      return true;
    }
    const { filter, format } = this.#subscription;
    for (const event of latest) {
      if (!matchesFilter(filter, event)) continue;
      watch?.sent(event.timestampMs, environment.clock.tickMs());
      const isTerminal = filter.until?.has(event.type) === true;
      if (isTerminal) this.lastPosition = position + endMark;
      format.event(out, event, askedChannels(this.#subscription, event), this.lastPosition);
      this.eventCount++;
      if (isTerminal) return true;
    }
    return false;
  }

  /**
   * Those of `events` above the cursor that pass the filter, each record's last with its position; moves the cursor over them. Returns them; null: the terminal
   * event was among them, and is the last that was written.
   */
  page(cursor: Cursor, index: number, events: readonly RoutedEvent[]): readonly RoutedEvent[] | null {
    const { out, metrics } = this.#home;
    const { filter, format } = this.#subscription;
    const wanted = events.filter((event) => event.offset > (cursor.at[index] as number) && matchesFilter(filter, event));
    const before = out.length;
    for (let i = 0; i < wanted.length; i++) {
      const event = wanted[i] as RoutedEvent;
      const isTerminal = filter.until?.has(event.type) === true;
      const isLast = isTerminal || !isSameRecord(event, wanted[i + 1]);
      if (isLast) {
        cursor.advance(index, event.offset);
        this.lastPosition = cursor.text(this.#home.safeTimeMs()) + (isTerminal ? endMark : '');
      }
      format.event(out, event, askedChannels(this.#subscription, event), isLast ? this.lastPosition : null);
      if (isTerminal) {
        this.eventCount += i + 1;
        return null;
      }
    }
    this.eventCount += wanted.length;
    if (wanted.length > 0) metrics.eventsSent(wanted.length, out.length - before);
    return wanted;
  }

  /** The position moved without an event. */
  position(position: string): void {
    this.#control('selvage.position', {}, position);
  }

  /** Events between may be missing. The id of a gap is where reading goes on. */
  gap(reason: GapReason, cause: GapCause, from: string | null, to: string): void {
    this.#home.metrics.gapTold(reason, cause);
    this.#control('selvage.gap', { reason, from, to }, to);
  }

  /** An event of the fabric's own, without an id. */
  note(type: string, data: object): void {
    this.#subscription.format.control(this.#home.out, type, data, null);
  }

  /** An event of the fabric's own behind which there is nothing: whoever comes back with its id is told so. */
  last(event: TermsEvent, position: string): void {
    const { out, environment } = this.#home;
    this.lastPosition = position + endMark;
    const nowMs = environment.clock.nowMs();
    this.#subscription.format.own(out, event.type, event.data(nowMs), nowMs, this.lastPosition);
  }

  /** The end on purpose; `retryMs` is the stream's own, at least half of which a reader waits that should come back. */
  close(code: CloseCode, retryMs: number): void {
    const { reconnect, retryMs: codeRetryMs } = closeCatalogue[code];
    const jitteredMs = Math.round(Math.max(codeRetryMs, reconnect === 'stop' ? 0 : retryMs / 2) * this.#jitter());
    if (reconnect !== 'stop') this.#home.out.append(encodeRetry(jitteredMs));
    this.note('selvage.close', { code, reconnect, retryMs: jitteredMs });
  }

  #control(type: string, data: object, position: string): void {
    this.lastPosition = position;
    this.#subscription.format.control(this.#home.out, type, data, position);
  }

  /** Spreads what would come all at once. */
  #jitter(): number {
    return 0.75 + 0.5 * this.#home.environment.random();
  }
}
