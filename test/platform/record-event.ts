import { encodeEventBody } from '../../src/protocol/event-body-codec.js';
import { RecordEvent } from '../../src/routing/record-event.js';
import type { EventKind } from '../../src/routing/record-event.js';

export interface RecordEventGiven extends Partial<EventKind> {
  readonly channels?: readonly string[];
  readonly data?: string;
}

/** An event as the router makes it, of topic `t`, partition 0 and channel `c`, unless told otherwise. */
export function recordEvent({ channels = ['c'], data = '{}', ...given }: RecordEventGiven = {}): RecordEvent {
  const kind: EventKind = {
    topic: 't',
    partition: 0,
    offset: 0,
    index: 0,
    timestampMs: 0,
    type: 'message',
    attributes: null,
    latest: null,
    ...given,
  };
  return new RecordEvent(kind, kind.offset, kind.timestampMs, channels, encodeEventBody(kind.type, Buffer.from(data)));
}
