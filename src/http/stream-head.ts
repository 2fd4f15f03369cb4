import type { HttpResponse } from 'uWebSockets.js';
import type { HeaderList } from './cors.js';

/** The media type of streams. */
export const streamContentType = 'text/event-stream; charset=utf-8';

/** Headers of every stream, besides those of CORS. */
export const streamHeaders: HeaderList = [
  ['Content-Type', streamContentType],
  ['Cache-Control', 'no-store, no-transform'],
  ['X-Accel-Buffering', 'no'],
  ['Vary', 'Accept, Origin'],
  // After its stream a client must come back on a connection of its own: on this one it would find the same node again, even a draining one.
  ['Connection', 'close'],
];

/** Writes the status and headers of a stream; the response must be corked. */
export function writeStreamHead(res: HttpResponse, further: HeaderList): void {
  res.writeStatus('200 OK');
  for (const [name, value] of streamHeaders) res.writeHeader(name, value);
  for (const [name, value] of further) res.writeHeader(name, value);
}
