import { createEventSource } from 'eventsource-client';
import { RecordedStream } from '../sse-client.js';
import type { SseClient } from '../sse-client.js';

/** `eventsource-client`: one callback for all events. */
export function createEventsourceClientClient(): SseClient {
  return {
    endsOn204: true,
    hearsEveryName: true,
    connect(url, { lastEventId }) {
      const stream = new RecordedStream(() => source.close());
      const source = createEventSource({
        url,
        ...(lastEventId === undefined ? {} : { initialLastEventId: lastEventId }),
        onMessage: ({ event, data, id }) => stream.events.push({ type: event ?? 'message', data, id: id ?? '' }),
        onConnect: () => stream.openedCount++,
        onDisconnect: () => {
          // On a 204 it closes itself right after this call.
          queueMicrotask(() => {
            if (source.readyState === 'closed') stream.isOver = true;
          });
        },
      });
      return stream;
    },
  };
}
