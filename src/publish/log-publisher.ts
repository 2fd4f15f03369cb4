import type { Principal } from '../admission/principal.js';
import type { StreamLimits } from '../admission/stream-limits.js';
import type { AppendResult, EventLog } from '../log/event-log.js';
import { LogError } from '../log/event-log.js';
import { errorCatalogue } from '../protocol/error-catalogue.js';
import type { ErrorCode } from '../protocol/error-catalogue.js';
import type { Router } from '../routing/router.js';
import type { Environment } from '../std/clock.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { addressEvent, quoteChannel } from './address-event.js';
import type { AddressedEvent } from './address-event.js';
import type { IdempotencyStore } from './idempotency-store.js';
import { isFault } from './publish-event.js';
import type { EventFault, PublishShape } from './publish-event.js';
import { PublishOnce } from './publish-once.js';
import type { Published } from './publish-once.js';
import type { PublishAnswer, Publisher, PublishOutcome, PublishRefusal, PublishRequest } from './publisher.js';
import { readEvents } from './read-events.js';
import { traceHeaders } from './trace-headers.js';

export interface LogPublisherParts {
  /** One that counts nothing: every event is routed once to see what becomes of it. */
  readonly router: Pick<Router, 'publishTargetOf' | 'route'>;
  readonly log: Pick<EventLog, 'append'>;
  readonly limits: Pick<StreamLimits, 'admitPublish'>;
  /** null: requests with an idempotency key are refused. */
  readonly idempotency: IdempotencyStore | null;
  readonly shape: PublishShape;
  /** The position of a reader that has had the event and all before it in its partition. */
  encodePosition(channel: string, result: AppendResult): string;
  readonly environment: Environment;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** Most channels that a refusal names. */
const namedMax = 16;

/** Publishes into the log: read, addressed, permitted, within limits, once a key, and answered when all in-sync replicas have the events. */
export class LogPublisher implements Publisher {
  readonly #parts: LogPublisherParts;
  readonly #once: PublishOnce;

  constructor(parts: LogPublisherParts) {
    this.#parts = parts;
    this.#once = new PublishOnce({ store: parts.idempotency, environment: parts.environment, logger: parts.logger });
  }

  async publish(request: PublishRequest): Promise<PublishAnswer> {
    const { shape, environment, router, limits } = this.#parts;
    const read = readEvents(request.body, request.contentType, request.headers, shape);
    if (read.kind === 'refused') return this.#refuse(1, toRefusal(read.fault));
    const trace = traceHeaders(request.headers);
    const events = read.events.map((event) =>
      isFault(event) || !request.principal.publish.allows(event.channel)
        ? event
        : addressEvent(event, router, environment.clock.nowMs(), trace),
    );
    const forbidden = namesForbidden(events, request.principal);
    if (forbidden !== null) return this.#refuse(events.length, forbidden);
    const addressed = events.filter((event): event is AddressedEvent | EventFault => isFault(event) || 'record' in event);
    const [first] = addressed;
    if (!read.isBatch && first !== undefined && isFault(first)) return this.#refuse(1, toRefusal(first));
    const count = addressed.filter((event) => !isFault(event)).length;
    if (count === 0) return this.#answer(addressed.map((event) => (isFault(event) ? toOutcome(event) : unreachable())));
    const refusal = await limits.admitPublish(request.principal, request.address, count);
    if (refusal !== null) return this.#refuse(count, refusal);
    return this.#once.run(request, () => this.#append(addressed, read.isBatch));
  }

  /** One append for each event in one turn: they travel together, in order, and each is heard of by itself. */
  async #append(events: readonly (AddressedEvent | EventFault)[], isBatch: boolean): Promise<Published> {
    let leftTraces = false;
    let retriable = false;
    const outcomes = await Promise.all(
      events.map(async (event): Promise<PublishOutcome> => {
        if (isFault(event)) return toOutcome(event);
        try {
          const [result] = await this.#parts.log.append([event.record]);
          if (result === undefined) throw new Error('the log told no offset');
          leftTraces = true;
          return {
            position: this.#parts.encodePosition(event.channel, result),
            partition: result.partition,
            offset: String(result.offset),
          };
        } catch (error) {
          if (!(error instanceof LogError)) throw error;
          this.#parts.logger.warn('the log did not take an event', { error });
          leftTraces ||= error.outcomeUnknown;
          retriable ||= error.retriable;
          return toOutcome(logFault(error));
        }
      }),
    );
    const [first] = outcomes;
    if (isBatch || first === undefined || !('error' in first)) return { answer: this.#answer(outcomes), leftTraces };
    const { code, detail } = first.error;
    const mayRepeat = retriable && code === 'log-unavailable';
    return { answer: this.#refuse(1, { code, detail, ...(mayRepeat ? { retryAfterSeconds: 1 } : {}) }), leftTraces };
  }

  #answer(results: readonly PublishOutcome[]): PublishAnswer {
    const faults = results.flatMap((result) => ('error' in result ? [result.error.code] : []));
    if (faults.length < results.length) this.#parts.metrics.published('accepted', results.length - faults.length);
    for (const code of faults) this.#parts.metrics.published(code, 1);
    return { kind: 'answered', status: faults.length === 0 ? 200 : 207, results, isReplay: false };
  }

  #refuse(count: number, refusal: PublishRefusal): PublishAnswer {
    this.#parts.metrics.published(refusal.code, count);
    return { kind: 'refused', refusal, isReplay: false };
  }
}

function unreachable(): never {
  throw new Error('an event is neither addressed nor at fault');
}

/** Every channel that the caller may not write to, whether it was named or only reached; null when there is none. */
function namesForbidden(
  events: readonly ({ readonly channel: string; readonly channels?: ReadonlySet<string> } | EventFault)[],
  { publish }: Principal,
): PublishRefusal | null {
  const reached = new Set(events.flatMap((event) => (isFault(event) ? [] : [event.channel, ...(event.channels ?? [])])));
  const forbidden = [...reached].filter((channel) => !publish.allows(channel));
  if (forbidden.length === 0) return null;
  const rest = forbidden.length > namedMax ? ` and ${forbidden.length - namedMax} more` : '';
  const names = forbidden.slice(0, namedMax).map(quoteChannel).join(', ');
  return { code: 'channel-forbidden', detail: `This caller may not publish to ${names}${rest}. Nothing was published.` };
}

function logFault({ outcomeUnknown }: LogError): EventFault {
  const code: ErrorCode = outcomeUnknown ? 'outcome-unknown' : 'log-unavailable';
  const detail = outcomeUnknown
    ? 'The log did not confirm the event: it may be in it, once, or still arrive.'
    : 'The log did not take the event: it is not in it.';
  return { code, detail };
}

const toOutcome = ({ code, detail }: EventFault): PublishOutcome => ({ error: { code, detail, status: errorCatalogue[code].status } });

const toRefusal = ({ code, detail, limit }: EventFault): PublishRefusal => ({ code, detail, ...(limit === undefined ? {} : { limit }) });
