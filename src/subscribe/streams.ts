import type { Hub } from '../hub/hub.js';
import type { Start } from '../hub/subscriber-home.js';
import type { EventLog } from '../log/event-log.js';
import { errorCatalogue, type ErrorCode } from '../protocol/error-catalogue.js';
import { decodePosition, positionBytesMax as longestPosition } from '../protocol/position.js';
import type { RequestSnapshot } from '../protocol/request-snapshot.js';
import type { Router } from '../routing/router.js';
import type { RoutedEvent } from '../routing/routed-event.js';
import type { Environment } from '../std/clock.js';
import type { Logger } from '../telemetry/logger.js';
import type { ReplayWindow } from '../window/replay-window.js';
import type { EventStreams, StreamAnswer } from './event-streams.js';
import { addPresentState } from './latest.js';
import { poll, type PollLimits } from './poll.js';
import { SubscriptionResolver, type ResolvedSubscription } from './resolve-subscription.js';
import { startRewound } from './rewind.js';
import { startAtPosition, startAtTail, startLost, startSince, type StartingPoint } from './starting-point.js';
import { parseStreamRequest, RefusedError, type StreamRequest, type StreamRequestLimits } from './stream-request.js';

export interface StreamsParts {
  readonly hub: Hub;
  readonly router: Router;
  readonly log: EventLog;
  readonly window: ReplayWindow | null;
  readonly environment: Environment;
  readonly logger: Logger;
  readonly limits: StreamRequestLimits & PollLimits & { readonly positionBytesMax: number };
  /** Null while streams may be opened; else why not. */
  readonly notReady: () => string | null;
}

/** Room that a position leaves for each offset when its stream is first opened: 36^7 is 78 thousand million records a partition. */
const reservedDigits = 7;

/** A start, with what is sent before anything else. */
interface Beginning {
  readonly start: StartingPoint;
  readonly latest: readonly RoutedEvent[];
  readonly from: string | null;
  readonly isResume: boolean;
}

/**
 * The request story: read the request, resolve its channels, find where to begin, attach to the hub. Where nothing has to be asked of anybody,
 * the answer is there at once.
 */
export class Streams implements EventStreams {
  readonly #parts: StreamsParts;
  readonly #resolver: SubscriptionResolver;

  constructor(parts: StreamsParts) {
    this.#parts = parts;
    this.#resolver = new SubscriptionResolver(parts.router, parts.hub.topics);
  }

  open(request: RequestSnapshot): Promise<StreamAnswer> | StreamAnswer {
    const { router, limits, environment, notReady } = this.#parts;
    try {
      const why = notReady();
      if (why !== null) return refused('not-ready', why);
      const asked = parseStreamRequest(request, router.attributeNames, limits, environment.clock.nowMs());
      const resolved = this.#resolver.resolve(asked);
      const beginning = this.#begin(asked, resolved);
      if (beginning === 'ended') return { kind: 'ended' };
      if (!(beginning instanceof Promise)) return this.#answer(asked, resolved, beginning);
      return beginning.then((begun) => this.#answer(asked, resolved, begun)).catch((error: unknown) => this.#refuse(error));
    } catch (error) {
      return this.#refuse(error);
    }
  }

  /** Position, then `since`, then `rewind`, then the present state: the URL repeats on every reconnect, the position is newer than it. */
  #begin(asked: StreamRequest, resolved: ResolvedSubscription): Promise<Beginning> | Beginning | 'ended' {
    const { hub, log, window } = this.#parts;
    const { subscription } = resolved;
    const safeTimeMs = hub.safeTimeMs();
    if (asked.position !== null) return this.#beginAtPosition(asked.position, resolved, safeTimeMs);
    const begun = (start: StartingPoint, latest: readonly RoutedEvent[] = []): Beginning => ({
      start,
      latest,
      from: null,
      isResume: false,
    });
    if (asked.sinceMs !== null) return startSince(subscription, asked.sinceMs, log, safeTimeMs).then((start) => begun(start));
    if (asked.rewind > 0) return startRewound(subscription, asked.rewind, window, safeTimeMs).then((start) => begun(start));
    if (resolved.latest.size > 0) {
      const start = startAtTail(subscription, safeTimeMs);
      return addPresentState(start, resolved.latest, [...start.at.keys()], window).then((events) => begun(start, events));
    }
    return begun(startAtTail(subscription, safeTimeMs));
  }

  #beginAtPosition(text: string, resolved: ResolvedSubscription, safeTimeMs: number): Promise<Beginning> | Beginning | 'ended' {
    const { hub, log } = this.#parts;
    const { subscription } = resolved;
    const position = decodePosition(text);
    if (position?.ended === true && subscription.filter.until !== null) return 'ended';
    const begun = (start: StartingPoint): Promise<Beginning> | Beginning =>
      this.#withPresentState(start, position === null ? null : text, resolved);
    if (position === null) return begun(startLost(subscription, 'unknown-position', safeTimeMs));
    const start = startAtPosition(position, subscription, hub.topics, log, safeTimeMs);
    return start instanceof Promise ? start.then(begun) : begun(start);
  }

  /** After a gap on a resume the present state is sent where it is kept: the reader cannot know it otherwise. */
  #withPresentState(start: StartingPoint, from: string | null, { latest }: ResolvedSubscription): Promise<Beginning> | Beginning {
    if (start.lost.size === 0 || latest.size === 0) return { start, latest: [], from, isResume: true };
    return addPresentState(start, latest, [...start.lost], this.#parts.window).then((events) => ({
      start,
      latest: events,
      from,
      isResume: true,
    }));
  }

  #answer(asked: StreamRequest, { subscription }: ResolvedSubscription, beginning: Beginning): StreamAnswer {
    const { hub, limits } = this.#parts;
    const cursor = beginning.start.toCursor(hub.topics.clusterTag);
    // What was opened once may come back, however much its numbers have grown since.
    const width = beginning.isResume ? cursor.widthWithin(1) : cursor.widthWithin(reservedDigits);
    if (width > (beginning.isResume ? longestPosition : limits.positionBytesMax)) {
      const detail = `The position of this subscription may take ${width} bytes; at most ${limits.positionBytesMax} are allowed. Ask for fewer channels, give the route "position: time", or raise stream.positionBytesMax.`;
      return refused('subscription-too-wide', detail);
    }
    const { gap } = beginning.start;
    const start: Start = {
      cursor,
      gap: gap === null ? null : { reason: gap, from: beginning.from },
      latest: beginning.latest,
      isResume: beginning.isResume,
    };
    if (asked.format === 'json') return { kind: 'poll', poll: (signal) => poll(hub, subscription, start, asked.waitMs, limits, signal) };
    return { kind: 'stream', attach: (sink) => hub.attach(subscription, start, sink) };
  }

  #refuse(error: unknown): StreamAnswer {
    if (error instanceof RefusedError) return refused(error.code, error.message);
    this.#parts.logger.warn('a stream could not begin', { error: String(error) });
    return refused('log-unavailable', 'Where this stream begins could not be found out; try again.');
  }
}

/** For clients that read `Retry-After`: streams that come back have a time of their own in their close. */
const retryAfterSeconds = 1;

function refused(code: ErrorCode, detail: string): StreamAnswer {
  const comesBack = errorCatalogue[code].status === 503;
  return { kind: 'refused', refusal: comesBack ? { code, detail, retryAfterSeconds } : { code, detail } };
}
