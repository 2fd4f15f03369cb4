import type { RequestSnapshot } from '../protocol/request-snapshot.js';

const served = new Set(['text/event-stream', 'application/json', 'text/*', 'application/*', '*/*']);

/** Whether the request accepts a stream or the polling answer; one that names a `format` or no media type accepts what it gets. */
export function isAcceptable(request: RequestSnapshot): boolean {
  const accept = request.headers.get('accept');
  if (accept === undefined || accept.trim() === '' || request.query.has('format')) return true;
  return acceptedTypes(accept).some((type) => served.has(type));
}

/** Whether the client is one that reads streams and says so, as every EventSource does. Such a client gives up for good on any status but 200. */
export function asksForStream(request: RequestSnapshot): boolean {
  if (request.query.get('format')?.includes('json') === true) return false;
  return acceptedTypes(request.headers.get('accept') ?? '').includes('text/event-stream');
}

function acceptedTypes(accept: string): string[] {
  return accept
    .split(',')
    .map((range) => range.split(';').map((part) => part.trim().toLowerCase()))
    .filter(([, ...parameters]) => !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter)))
    .map(([type]) => type ?? '');
}
