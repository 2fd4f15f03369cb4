import type { RequestSnapshot } from '../../protocol/request-snapshot.js';
import { refuseOrigin } from './refusals.js';
import type { Refused } from './refusals.js';

/**
 * Whether the page's origin is that of the address that it asks, as far as one can tell behind a balancer that ends TLS: host and port are
 * compared, the scheme is not known here. `null` (a sandboxed frame, a local file) is never the same.
 */
export function isSameOrigin(origin: string, host: string | undefined): boolean {
  const page = parseUrl(origin);
  if (page === null || host === undefined || (page.protocol !== 'https:' && page.protocol !== 'http:')) return false;
  // The URL parser leaves out the scheme's own port.
  return page.origin === origin && parseUrl(`${page.protocol}//${host}`)?.host === page.host;
}

function parseUrl(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

/** A browser says so of requests from pages of other sites, also of those that carry no Origin (images, scripts, links). */
export function comesFromElsewhere({ headers }: RequestSnapshot): boolean {
  const site = headers.get('sec-fetch-site');
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}

/**
 * Cookies are sent by the browser for pages of other sites, too: such a page must not act as, or take up the streams of, whoever is signed in.
 * Null: the request may go on.
 */
export function refuseForeignPage(request: RequestSnapshot, isListed: (origin: string) => boolean): Refused | null {
  const origin = request.headers.get('origin');
  if (origin !== undefined) return isOfOwnPage(origin, request, isListed) ? null : foreign();
  const isReading = request.method === 'GET' || request.method === 'HEAD';
  if (!isReading) return refuseOrigin('A request that changes something and is authenticated by a cookie needs an Origin header.');
  return comesFromElsewhere(request) ? refuseOrigin('Only pages of an allowed origin may use the cookie.') : null;
}

/**
 * Whether a request may set or clear the cookie. A page of another site must neither sign somebody in as somebody else (who then writes into the
 * attacker's streams) nor sign them out; programs, which send no `Origin`, sign in nobody but themselves. Null: the request may go on.
 */
export function refuseForeignSession(request: RequestSnapshot, isListed: (origin: string) => boolean): Refused | null {
  const origin = request.headers.get('origin');
  if (origin === undefined) return comesFromElsewhere(request) ? foreign() : null;
  return isOfOwnPage(origin, request, isListed) ? null : foreign();
}

const isOfOwnPage = (origin: string, { headers }: RequestSnapshot, isListed: (origin: string) => boolean): boolean =>
  isListed(origin) || isSameOrigin(origin, headers.get('host'));

const foreign = (): Refused => refuseOrigin('Pages of this origin may not use the cookie.');
