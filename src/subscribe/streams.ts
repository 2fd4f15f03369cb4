import type { AdmissionRefusal } from '../admission/authenticator.js';
import { replayOwnerOf } from '../admission/limits/owner.js';
import type { NamedStream } from '../admission/named-streams/named-stream.js';
import { resolveNamedStream, type ResolvedStream } from '../admission/named-streams/resolve-named-stream.js';
import type { Principal } from '../admission/principal.js';
import type { Hub } from '../hub/hub.js';
import type { StreamTerms } from '../hub/stream-terms.js';
import type { Start } from '../hub/subscriber-home.js';
import type { EventLog } from '../log/event-log.js';
import { errorCatalogue, type ErrorCode } from '../protocol/error-catalogue.js';
import { positionBytesMax as longestPosition } from '../protocol/position.js';
import type { RequestSnapshot } from '../protocol/request-snapshot.js';
import type { Router } from '../routing/router.js';
import { after, type MaybePromise } from '../std/after.js';
import type { Environment } from '../std/clock.js';
import type { Logger } from '../telemetry/logger.js';
import type { ReplayWindow } from '../window/replay-window.js';
import { Beginnings, type Beginning } from './beginnings.js';
import type { EventStreams, StreamAnswer } from './event-streams.js';
import type { LogPages } from './log-pages.js';
import { poll, type PollLimits } from './poll.js';
import { SubscriptionResolver, type ResolvedSubscription } from './resolve-subscription.js';
import { findForbidden, type StreamGate } from './stream-gate.js';
import { parseNamedRequest, parseStreamRequest, RefusedError, type StreamRequest, type StreamRequestLimits } from './stream-request.js';
import { StreamSeat } from './stream-seat.js';

export interface StreamsParts {
  readonly hub: Hub;
  readonly router: Router;
  readonly log: EventLog;
  readonly window: ReplayWindow | null;
  readonly logPages: Pick<LogPages, 'read'>;
  readonly gate: StreamGate;
  readonly environment: Environment;
  readonly logger: Logger;
  readonly limits: StreamRequestLimits & PollLimits & { readonly positionBytesMax: number };
  /** Null while streams may be opened; else why not. */
  readonly notReady: () => string | null;
}

/** Room that a position leaves for each offset when its stream is first opened: 36^7 is 78 thousand million records a partition. */
const reservedDigits = 7;
/** How long before its token runs out a reader is told. */
const tokenNoticeMs = 30_000;
/** For clients that read `Retry-After`: streams that come back have a time of their own in their close. */
const retryAfterSeconds = 1;

/** A request whose channels its caller may read. */
interface Permitted {
  readonly request: RequestSnapshot;
  readonly principal: Principal;
  readonly asked: StreamRequest;
  readonly resolved: ResolvedSubscription;
  /** Null: the request named its channels. */
  readonly named: ResolvedStream | null;
  /** The permission hook knows nothing of what it names: this is said, and nothing follows. */
  readonly isUnknown: boolean;
}

/**
 * The request story: who asks, for which channels, may they, is there room, where to begin; then the hub has it. Where nothing has to be asked of
 * anybody, the answer is there at once.
 */
export class Streams implements EventStreams {
  readonly #parts: StreamsParts;
  readonly #resolver: SubscriptionResolver;
  readonly #beginnings: Beginnings;

  constructor(parts: StreamsParts) {
    this.#parts = parts;
    this.#resolver = new SubscriptionResolver(parts.router, parts.hub.topics);
    this.#beginnings = new Beginnings(parts);
  }

  open(request: RequestSnapshot, stream: NamedStream | null = null): Promise<StreamAnswer> | StreamAnswer {
    const why = this.#parts.notReady();
    if (why !== null) return refused('not-ready', why);
    return this.#guarded(() =>
      after(this.#identify(request, stream), (principal) =>
        after(this.#permit(request, stream, principal), (permitted) => this.#admit(permitted)),
      ),
    );
  }

  #identify(request: RequestSnapshot, stream: NamedStream | null): MaybePromise<Principal> {
    const { gate } = this.#parts;
    if (stream?.auth === 'none') return gate.anonymous;
    return after(gate.authenticator.authenticate(request), (authentication) => {
      if (authentication.kind === 'refused') throw new AdmissionError(authentication.refusal);
      return authentication.principal;
    });
  }

  #permit(request: RequestSnapshot, stream: NamedStream | null, principal: Principal): MaybePromise<Permitted> {
    if (stream !== null) return this.#permitNamed(request, stream, principal);
    const { router, limits, environment } = this.#parts;
    const asked = parseStreamRequest(request, router.attributeNames, limits, environment.clock.nowMs());
    const forbidden = findForbidden(asked.channels, principal);
    if (forbidden !== null) throw new AdmissionError(forbidden);
    return { request, principal, asked, resolved: this.#resolver.resolve(asked), named: null, isUnknown: false };
  }

  #permitNamed(request: RequestSnapshot, stream: NamedStream, principal: Principal): MaybePromise<Permitted> {
    const { gate, router, limits, environment } = this.#parts;
    const { pathParameters } = request;
    const resolution = resolveNamedStream(stream, pathParameters, principal);
    if (resolution.kind === 'refused') throw new AdmissionError(resolution.refusal);
    const named = resolution.resolved;
    // A ticket is for its channels alone, whatever the stream's own permission.
    const forbidden = principal.via === 'ticket' ? findForbidden(named.channels, principal) : null;
    if (forbidden !== null) throw new AdmissionError(forbidden);
    const asked = parseNamedRequest(request, named, router.attributeNames, limits, environment.clock.nowMs());
    const permitted = { request, principal, asked, resolved: this.#resolver.resolve(asked), named };
    const permission = stream.permission === 'hook' ? gate.permit(named, principal, pathParameters) : 'allowed';
    return after(permission, (answer) => {
      if (typeof answer === 'object') throw new AdmissionError(answer);
      if (answer === 'forbidden') throw new AdmissionError({ code: 'channel-forbidden', detail: 'This stream may not be read.' });
      if (answer === 'unknown' && named.unknown === null)
        throw new AdmissionError({ code: 'not-found', detail: 'There is nothing of this name.' });
      return { ...permitted, isUnknown: answer === 'unknown' };
    });
  }

  /** Takes a place, finds the beginning, and gives the place back where that fails. */
  #admit(permitted: Permitted): MaybePromise<StreamAnswer> {
    const { gate } = this.#parts;
    const { asked, principal, request } = permitted;
    if (asked.hasEnd && this.#beginnings.isEnded(asked)) return { kind: 'ended' };
    const streamId = gate.newStreamId();
    const claim = { streamId, principal, address: request.remoteAddress, isResume: asked.position !== null };
    return after(gate.limits.admitStream(claim), (admission) => {
      if (admission.kind === 'refused') throw new AdmissionError(admission.refusal);
      const { lease, headers } = admission;
      try {
        const answer = after(this.#beginnings.find(asked, permitted.resolved, (permitted.named?.timeout ?? null) !== null), (beginning) => {
          const start = this.#startOf(permitted, beginning);
          const terms = this.#termsOf(permitted, streamId);
          return this.#answer(permitted, start, terms, lease, headers);
        });
        if (!(answer instanceof Promise)) return answer;
        return answer.catch((error: unknown) => {
          lease.release();
          throw error;
        });
      } catch (error) {
        lease.release();
        throw error;
      }
    });
  }

  #startOf({ named, isUnknown }: Permitted, beginning: Beginning): Start {
    const { hub, limits } = this.#parts;
    const cursor = beginning.start.toCursor(hub.topics.clusterTag);
    // What was opened once may come back, however much its numbers have grown since.
    const width = beginning.isResume ? cursor.widthWithin(1) : cursor.widthWithin(reservedDigits);
    if (width > (beginning.isResume ? longestPosition : limits.positionBytesMax)) {
      const detail = `The position of this subscription may take ${width} bytes; at most ${limits.positionBytesMax} are allowed. Ask for fewer channels, give the route "position: time", or raise stream.positionBytesMax.`;
      throw new RefusedError('subscription-too-wide', detail);
    }
    const { gap } = beginning.start;
    return {
      cursor,
      gap: gap === null ? null : { ...gap, from: beginning.from },
      latest: beginning.latest,
      isResume: beginning.isResume,
      ...(isUnknown && named !== null && named.unknown !== null ? { final: named.unknown } : {}),
      ...(beginning.newestMs === null ? {} : { newestMs: beginning.newestMs }),
    };
  }

  #termsOf({ principal, named }: Permitted, streamId: string): StreamTerms {
    return {
      streamId,
      owner: replayOwnerOf(principal),
      greeting: named?.greeting ?? null,
      heartbeat: named?.heartbeat ?? null,
      timeout: named?.timeout ?? null,
      expiresAtMs: principal.expiresAtMs,
      tokenNoticeMs,
      maxAgeMs: named?.stream.maxAgeMs ?? null,
      retryMs: named?.stream.retryMs ?? null,
    };
  }

  #answer(
    { asked, principal, resolved: { subscription }, named, request }: Permitted,
    start: Start,
    terms: StreamTerms,
    lease: { release(): void },
    headers: readonly (readonly [string, string])[],
  ): StreamAnswer {
    const { hub, gate, limits } = this.#parts;
    const isPoll = asked.format === 'json';
    const stillAllows = permissionOf(named, request.pathParameters, subscription.channels);
    // A poll is neither greeted nor kept awake; while it waits it is found, and taken back, like a stream.
    const ofSeat = isPoll ? { ...terms, greeting: null, heartbeat: null } : terms;
    const seat = new StreamSeat({ hub, registry: gate.registry, principal, lease, subscription, start, terms: ofSeat, stillAllows });
    const discard = (): void => seat.discard();
    if (!isPoll) return { kind: 'stream', headers, attach: (sink) => seat.take(sink), discard };
    const { waitMs } = asked;
    const answerPoll = (signal: AbortSignal): ReturnType<typeof poll> =>
      poll((sink) => seat.take(sink), waitMs, limits, hub.environment.timers, signal);
    return { kind: 'poll', headers, poll: answerPoll, discard };
  }

  /** Turns what was thrown on the way into a refusal. */
  #guarded(open: () => MaybePromise<StreamAnswer>): MaybePromise<StreamAnswer> {
    try {
      const answer = open();
      return answer instanceof Promise ? answer.catch((error: unknown) => this.#refuse(error)) : answer;
    } catch (error) {
      return this.#refuse(error);
    }
  }

  #refuse(error: unknown): StreamAnswer {
    if (error instanceof RefusedError) return refused(error.code, error.message);
    if (error instanceof AdmissionError) return { kind: 'refused', refusal: error.refusal };
    this.#parts.logger.warn('a stream could not begin', { error: String(error) });
    return refused('log-unavailable', 'Where this stream begins could not be found out; try again.');
  }
}

/**
 * Whether a later principal may read what this one reads. A hook's word is asked again with each request, not with each token. Made apart from the
 * request, which would else be kept for as long as the stream.
 */
function permissionOf(
  named: ResolvedStream | null,
  pathParameters: RequestSnapshot['pathParameters'],
  channels: readonly string[],
): (principal: Principal) => boolean {
  if (named === null) return (principal) => findForbidden(channels, principal) === null;
  const { stream } = named;
  return (principal) => {
    const resolution = resolveNamedStream(stream, pathParameters, principal);
    return resolution.kind === 'resolved' && resolution.resolved.channels.join('\n') === channels.join('\n');
  };
}

/** Carries a refusal of admission to the end of the story. */
class AdmissionError extends Error {
  readonly refusal: AdmissionRefusal;
  constructor(refusal: AdmissionRefusal) {
    super(refusal.detail);
    this.refusal = refusal;
  }
}

function refused(code: ErrorCode, detail: string): StreamAnswer {
  const comesBack = errorCatalogue[code].status === 503;
  return { kind: 'refused', refusal: comesBack ? { code, detail, retryAfterSeconds } : { code, detail } };
}
