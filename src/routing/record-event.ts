import { EventBody } from '../protocol/event-body.js';
import type { EncodedPlace } from '../protocol/event-body.js';
import type { LogRecord } from '../protocol/log-record.js';
import type { Attributes, LatestRule, RoutedEvent } from './routed-event.js';

/** Differences up to this are small integers to the engine, which cost no object of their own. */
const smallMax = 0x3fffffff;

/** What the events of one partition under one route have in common as long as they have it; offset and record time are those of the first. */
export type EventKind = Omit<RoutedEvent, 'channels' | 'body'>;

/** Whether an event without attributes, of the same partition and route as those of `kind`, can be one of them. */
export function isOfKind(kind: EventKind, index: number, type: string, { offset, timestampMs }: LogRecord): boolean {
  if (kind.attributes !== null || kind.index !== index || kind.type !== type) return false;
  const offsetBy = offset - kind.offset;
  return offsetBy >= 0 && offsetBy <= smallMax && Math.abs(timestampMs - kind.timestampMs) <= smallMax;
}

/**
 * An event made of a record. A node makes as many as there are records: event and body are one object, and what many have in common is another that they
 * share.
 */
export class RecordEvent extends EventBody implements RoutedEvent {
  readonly channels: readonly string[];
  readonly kind: EventKind;
  readonly #offsetBy: number;
  readonly #timeByMs: number;

  constructor(kind: EventKind, offset: number, timestampMs: number, channels: readonly string[], place: EncodedPlace) {
    super(place);
    this.channels = channels;
    this.kind = kind;
    this.#offsetBy = offset - kind.offset;
    this.#timeByMs = timestampMs - kind.timestampMs;
  }

  get topic(): string {
    return this.kind.topic;
  }

  get partition(): number {
    return this.kind.partition;
  }

  get offset(): number {
    return this.kind.offset + this.#offsetBy;
  }

  get index(): number {
    return this.kind.index;
  }

  get timestampMs(): number {
    return this.kind.timestampMs + this.#timeByMs;
  }

  get type(): string {
    return this.kind.type;
  }

  get attributes(): Attributes | null {
    return this.kind.attributes;
  }

  get latest(): LatestRule | null {
    return this.kind.latest;
  }

  get body(): EventBody {
    return this;
  }
}
