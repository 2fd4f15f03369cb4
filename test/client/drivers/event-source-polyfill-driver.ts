import polyfill from 'event-source-polyfill';
import { RecordedStream } from '../sse-client.js';
import type { SseClient } from '../sse-client.js';
import { closeWhenToldToStop, listenByName, withPosition } from './listen-by-name.js';

/**
 * `event-source-polyfill`: brings its position back in the query, in the place of one that is there already. It fails over the missing body of a 204 and comes
 * back, so it has to be closed when `selvage.close` says `stop`.
 */
export function createEventSourcePolyfillClient(): SseClient {
  return {
    endsOn204: false,
    hearsEveryName: false,
    connect(url, { types, lastEventId }) {
      const source = new polyfill.EventSourcePolyfill(withPosition(url, lastEventId));
      const stream = new RecordedStream(() => source.close());
      listenByName(source, types, stream);
      closeWhenToldToStop(source, stream);
      return stream;
    },
  };
}
