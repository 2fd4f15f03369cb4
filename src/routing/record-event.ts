import { EventBody } from '../protocol/event-body.js';
import type { EncodedPlace } from '../protocol/event-body.js';
import type { Attributes, LatestRule, RoutedEvent } from './routed-event.js';

/** Differences up to this are small integers to the engine, which cost no object of their own. */
const smallMax = 0x3fffffff;

/** What the events of one partition under one route have in common as long as they have it. */
export class EventKind {
  readonly topic: string;
  readonly partition: number;
  readonly index: number;
  readonly type: string;
  readonly attributes: Attributes | null;
  readonly latest: LatestRule | null;
  /** Offset and record time of its first event; those of the others are kept as differences. */
  readonly offset: number;
  readonly timestampMs: number;

  constructor(
    {
      topic,
      partition,
      index,
      type,
      attributes,
      latest,
    }: Pick<RoutedEvent, 'topic' | 'partition' | 'index' | 'type' | 'attributes' | 'latest'>,
    offset: number,
    timestampMs: number,
  ) {
    this.topic = topic;
    this.partition = partition;
    this.index = index;
    this.type = type;
    this.attributes = attributes;
    this.latest = latest;
    this.offset = offset;
    this.timestampMs = timestampMs;
  }

  /** Whether an event of this topic and partition, without attributes, is of this kind. */
  fits(index: number, type: string, latest: LatestRule | null, offset: number, timestampMs: number): boolean {
    if (this.attributes !== null || this.index !== index || this.type !== type || this.latest !== latest) return false;
    const offsetBy = offset - this.offset;
    return offsetBy >= 0 && offsetBy <= smallMax && Math.abs(timestampMs - this.timestampMs) <= smallMax;
  }
}

/**
 * An event just made of a record. A node holds a million of them for a minute each, and what they weigh is most of what the garbage collector has to do:
 * so event and body are one object, and what many have in common is another that they share.
 */
export class RecordEvent extends EventBody implements RoutedEvent {
  readonly channels: readonly string[];
  readonly #kind: EventKind;
  readonly #offsetBy: number;
  readonly #timeByMs: number;

  constructor(kind: EventKind, offset: number, timestampMs: number, channels: readonly string[], place: EncodedPlace) {
    super(place);
    this.channels = channels;
    this.#kind = kind;
    this.#offsetBy = offset - kind.offset;
    this.#timeByMs = timestampMs - kind.timestampMs;
  }

  get topic(): string {
    return this.#kind.topic;
  }

  get partition(): number {
    return this.#kind.partition;
  }

  get offset(): number {
    return this.#kind.offset + this.#offsetBy;
  }

  get index(): number {
    return this.#kind.index;
  }

  get timestampMs(): number {
    return this.#kind.timestampMs + this.#timeByMs;
  }

  get type(): string {
    return this.#kind.type;
  }

  get attributes(): Attributes | null {
    return this.#kind.attributes;
  }

  get latest(): LatestRule | null {
    return this.#kind.latest;
  }

  get body(): EventBody {
    return this;
  }
}
