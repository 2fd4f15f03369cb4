import { EventSource } from 'eventsource';
import { RecordedStream } from '../sse-client.js';
import type { SseClient } from '../sse-client.js';
import { listenByName, withPosition } from './listen-by-name.js';

/** `eventsource`: the standard's API over fetch. */
export function createEventsourceClient(): SseClient {
  return {
    endsOn204: true,
    hearsEveryName: false,
    connect(url, { types, lastEventId }) {
      const source = new EventSource(withPosition(url, lastEventId));
      const stream = new RecordedStream(() => source.close());
      listenByName(source, types, stream);
      return stream;
    },
  };
}
