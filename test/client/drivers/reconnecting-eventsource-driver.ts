import { EventSource } from 'eventsource';
import reconnecting from 'reconnecting-eventsource';
import { RecordedStream } from '../sse-client.js';
import type { SseClient } from '../sse-client.js';
import { closeWhenToldToStop, listenByName } from './listen-by-name.js';
import type { EventSourceLike } from './listen-by-name.js';

interface ReconnectingOptions {
  readonly eventSourceClass: unknown;
  readonly max_retry_time: number;
  readonly lastEventId?: string;
}
// Its own types need those of a browser.
const ReconnectingEventSource = reconnecting as unknown as new (url: string, options: ReconnectingOptions) => EventSourceLike;
const retryMsMax = 500;

/**
 * `reconnecting-eventsource` around `eventsource`. It also comes back where a native EventSource gives up, so it has to be closed when
 * `selvage.close` says `stop`.
 */
export function createReconnectingClient(): SseClient {
  return {
    endsOn204: false,
    hearsEveryName: false,
    connect(url, { types, lastEventId }) {
      const begin = lastEventId === undefined ? {} : { lastEventId };
      const source = new ReconnectingEventSource(url, { eventSourceClass: EventSource, max_retry_time: retryMsMax, ...begin });
      const stream = new RecordedStream(() => source.close());
      listenByName(source, types, stream);
      closeWhenToldToStop(source, stream);
      return stream;
    },
  };
}
