import fetchEventSourcePackage from '@microsoft/fetch-event-source';
import { RecordedStream } from '../sse-client.js';
import type { SseClient } from '../sse-client.js';

const { fetchEventSource, EventStreamContentType } = fetchEventSourcePackage;

/** Thrown where the stream is over for good; its documentation calls it so. */
class FatalError extends Error {}

/** It is written for browsers: in Node it finds no `window` and no `document`. */
function makeShims(): void {
  Object.assign(globalThis, {
    window: globalThis,
    document: { hidden: false, addEventListener: () => undefined, removeEventListener: () => undefined },
  });
}

/** `@microsoft/fetch-event-source`, used as its documentation shows: it throws in `onclose` to come back after a clean end, and in `onopen` to give up. */
export function createFetchEventSourceClient(): SseClient {
  makeShims();
  return {
    endsOn204: true,
    hearsEveryName: true,
    connect(url, { lastEventId }) {
      const closing = new AbortController();
      const stream = new RecordedStream(() => closing.abort());
      const following = fetchEventSource(url, {
        signal: closing.signal,
        headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
        async onopen(response) {
          if (response.status === 204) throw new FatalError('nothing more will come');
          const isStream = response.headers.get('content-type')?.startsWith(EventStreamContentType) === true;
          if (!response.ok || !isStream) throw new Error(`refused with ${response.status}`);
          stream.openedCount++;
        },
        onmessage: ({ event, data, id }) => stream.events.push({ type: event === '' ? 'message' : event, data, id }),
        onclose() {
          throw new Error('ended by the server: come back');
        },
        onerror(error) {
          if (error instanceof FatalError) throw error;
        },
      });
      following.catch((error: unknown) => {
        if (!(error instanceof FatalError)) throw error;
        stream.isOver = true;
      });
      return stream;
    },
  };
}
