import launchdarkly from 'launchdarkly-eventsource';
import { RecordedStream } from '../sse-client.js';
import type { SseClient } from '../sse-client.js';
import { listenByName, withPosition } from './listen-by-name.js';

/**
 * `launchdarkly-eventsource`. A position to begin at belongs into the query: given among its `headers`, it would replace the newer one on every
 * reconnect.
 */
export function createLaunchdarklyClient(): SseClient {
  return {
    endsOn204: true,
    hearsEveryName: false,
    connect(url, { types, lastEventId }) {
      const source = new launchdarkly.EventSource(withPosition(url, lastEventId));
      const stream = new RecordedStream(() => source.close());
      listenByName(source, types, stream);
      // Only after the error event does it decide to give up.
      source.addEventListener('closed', () => (stream.isOver = true));
      return stream;
    },
  };
}
