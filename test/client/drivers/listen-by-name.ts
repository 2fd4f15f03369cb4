import type { RecordedStream } from '../sse-client.js';

/** The part of `MessageEvent` that all clients agree on. */
export interface MessageLike {
  readonly type: string;
  readonly data?: unknown;
  readonly lastEventId?: string;
}

/** The part of `EventSource` that all clients of its kind agree on. */
export interface EventSourceLike {
  readonly readyState: number;
  addEventListener(type: string, listener: (event: MessageLike) => void): void;
  close(): void;
}

const closedState = 2;

/** Records an `EventSource` through listeners, as applications use it. */
export function listenByName(source: EventSourceLike, types: readonly string[], stream: RecordedStream): void {
  source.addEventListener('open', () => stream.openedCount++);
  source.addEventListener('error', () => {
    if (source.readyState === closedState) stream.isOver = true;
  });
  for (const type of types) {
    source.addEventListener(type, (event) => {
      stream.events.push({ type: event.type, data: String(event.data), id: event.lastEventId ?? '' });
    });
  }
}

/** Does what a client without an understanding of 204 leaves to the application: ends the stream when the server says that nothing more will come. */
export function closeWhenToldToStop(source: EventSourceLike, stream: RecordedStream): void {
  source.addEventListener('selvage.close', (event) => {
    const { reconnect } = JSON.parse(String(event.data)) as { reconnect: string };
    if (reconnect !== 'stop') return;
    source.close();
    stream.isOver = true;
  });
}

/** The address with the position in its query, for clients that have no other way to begin with one. */
export function withPosition(url: string, lastEventId: string | undefined): string {
  return lastEventId === undefined ? url : `${url}&lastEventId=${encodeURIComponent(lastEventId)}`;
}
