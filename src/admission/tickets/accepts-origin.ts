import type { RequestSnapshot } from '../../protocol/request-snapshot.js';
import { comesFromElsewhere, isSameOrigin } from '../identity/origin-rules.js';

/**
 * Whether a request may use a ticket that is bound to an origin; `bound` is the Origin of the request that issued it.
 *
 * A page asks for its ticket by POST, and browsers send an Origin with every POST, also to their own. The `EventSource` that then uses the
 * ticket is a GET: to another origin it carries an Origin, which must be the bound one; to the page's own it carries none. So an absent Origin
 * is accepted exactly where the bound one is that of the address asked (Host): a page of another origin could not have left it out, except by
 * an image or a script, and of those the browser says where they come from (`Sec-Fetch-Site`).
 *
 * A ticket that was issued without an Origin (by a server, for itself or for a page that it renders) is accepted without one only: whoever
 * wants it for a page of another origin names that origin when issuing. This binds browsers; anything else can send any header, and is held by
 * the ticket's short time, its one stream and its sealed channels.
 */
export function acceptsOrigin(bound: string | null, request: RequestSnapshot): boolean {
  const origin = request.headers.get('origin');
  if (origin !== undefined) return origin === bound;
  if (comesFromElsewhere(request)) return false;
  return bound === null || isSameOrigin(bound, request.headers.get('host'));
}
