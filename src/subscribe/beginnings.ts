import type { Hub } from '../hub/hub.js';
import type { EventLog } from '../log/event-log.js';
import { decodePosition } from '../protocol/position.js';
import type { RoutedEvent } from '../routing/routed-event.js';
import { after, type MaybePromise } from '../std/after.js';
import type { Environment } from '../std/clock.js';
import type { ReplayWindow } from '../window/replay-window.js';
import { addPresentState } from './latest.js';
import type { LogPages } from './log-pages.js';
import type { ResolvedSubscription } from './resolve-subscription.js';
import { findNewestEventMs } from './newest-event-time.js';
import { startRewound } from './rewind.js';
import { startAtNewestOf } from './rewind-to.js';
import { startAtPosition, startAtTail, startLost, startSince, type StartingPoint } from './starting-point.js';
import type { StreamRequest } from './stream-request.js';

export interface BeginningsParts {
  readonly hub: Hub;
  readonly log: EventLog;
  readonly window: ReplayWindow | null;
  readonly logPages: Pick<LogPages, 'read'>;
  readonly environment: Pick<Environment, 'clock'>;
}

/** A start, with what is sent before anything else. */
export interface Beginning {
  readonly start: StartingPoint;
  readonly latest: readonly RoutedEvent[];
  /** The position that it came with, if that could be read. */
  readonly from: string | null;
  readonly isResume: boolean;
  /** Record time of the newest event of its channels; null: not known, or not asked for. */
  readonly newestMs: number | null;
}

/** Finds where streams begin. Rejects, or throws, when somebody who has to be asked does not answer. */
export class Beginnings {
  readonly #parts: BeginningsParts;

  constructor(parts: BeginningsParts) {
    this.#parts = parts;
  }

  /** Whether the position says that the stream's end was had. */
  isEnded({ position }: StreamRequest): boolean {
    return position !== null && decodePosition(position)?.ended === true;
  }

  /** `wantsNewest`: the record time of the newest event is asked for, too. */
  find(asked: StreamRequest, resolved: ResolvedSubscription, wantsNewest: boolean): MaybePromise<Beginning> {
    const begun = this.#find(asked, resolved);
    if (!wantsNewest) return begun;
    return after(begun, async (beginning) => {
      const newestMs = await findNewestEventMs(resolved, beginning.start.at.keys(), this.#parts);
      return { ...beginning, newestMs };
    });
  }

  /** Position, then `since`, then `rewind`, then the present state: the URL repeats on every reconnect, the position is newer than it. */
  #find(asked: StreamRequest, resolved: ResolvedSubscription): MaybePromise<Beginning> {
    const { hub, log, window, logPages, environment } = this.#parts;
    const { clock } = environment;
    const { subscription } = resolved;
    const safeTimeMs = hub.safeTimeMs();
    if (asked.position !== null) return this.#findAtPosition(asked.position, asked, resolved, safeTimeMs);
    if (asked.sinceMs !== null) return startSince(subscription, asked.sinceMs, log, safeTimeMs).then(anew);
    if (asked.rewind > 0) return startRewound(subscription, asked.rewind, window, safeTimeMs).then(anew);
    if (asked.rewindTo !== null) return startAtNewestOf(subscription, asked.rewindTo, window, logPages, safeTimeMs).then(anew);
    const start = startAtTail(subscription, safeTimeMs);
    if (!asked.wantsState || resolved.latest.size === 0) return anew(start);
    return addPresentState(start, resolved.latest, [...start.at.keys()], window, clock).then((latest) => ({ ...anew(start), latest }));
  }

  #findAtPosition(text: string, asked: StreamRequest, resolved: ResolvedSubscription, safeTimeMs: number): MaybePromise<Beginning> {
    const { hub, log, window, environment } = this.#parts;
    const { clock } = environment;
    const { subscription, latest } = resolved;
    const position = decodePosition(text);
    const found =
      position === null
        ? startLost(subscription, 'unknown-position', 'reader', safeTimeMs)
        : startAtPosition(position, subscription, hub.topics, log, safeTimeMs);
    const from = position === null ? null : text;
    return after(found, (start) => {
      const beginning = { start, latest: [], from, isResume: true, newestMs: null };
      if (start.lost.size === 0 || latest.size === 0 || !asked.wantsState) return beginning;
      // After a gap on a resume the present state is sent where it is kept: the reader cannot know it otherwise.
      return addPresentState(start, latest, [...start.lost], window, clock).then((events) => ({ ...beginning, latest: events }));
    });
  }
}

const anew = (start: StartingPoint): Beginning => ({ start, latest: [], from: null, isResume: false, newestMs: null });
