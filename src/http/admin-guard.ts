import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { Problem } from './problem.js';

export interface AdminGuardOptions {
  /** Host names by which the port may be asked, besides addresses, names without a dot and names inside a cluster or a house. */
  readonly hosts: readonly string[];
  /** Bearer secrets that are good now (old and new overlap); none: nobody is asked for one. Read for each request. */
  tokens(): readonly string[];
}

/** A request's head, as the guard sees it. */
export interface AdminHead {
  readonly method: string;
  header(name: string): string | undefined;
}

const innerNames = /(^[^.]+|\.localhost|\.svc|\.cluster\.local|\.internal|\.local)$/;

/**
 * Keeps pages out of the inner port: a browser inside the network is the way in for those outside. What a browser sends for another site's page, or for any page's POST,
 * carries `Origin` or `Sec-Fetch-Site`; a page that points its own name here (DNS rebinding) is same-origin and shows by that name in `Host`. Null: the request may go on.
 */
export function refuseAdmin(head: AdminHead, options: AdminGuardOptions): Problem | null {
  const site = head.header('sec-fetch-site');
  const isTyped = site === undefined || (site === 'none' && head.method !== 'POST');
  if (head.header('origin') !== undefined || !isTyped) {
    return { code: 'origin-forbidden', detail: 'This port is not for pages: a request of a browser is not served.' };
  }
  const tokens = options.tokens();
  if (tokens.length > 0) return refuseToken(head.header('authorization'), tokens);
  if (isOwnName(head.header('host'), options.hosts)) return null;
  return { code: 'origin-forbidden', detail: 'The Host is not a name of this port: ask by address, or list the name in admin.hosts.' };
}

function refuseToken(authorization: string | undefined, tokens: readonly string[]): Problem | null {
  const headers = { 'WWW-Authenticate': 'Bearer realm="selvage-admin"' };
  if (authorization === undefined) return { code: 'token-missing', detail: 'This port asks for the bearer secret admin.token.', headers };
  const given = /^bearer +(.+)$/i.exec(authorization)?.[1] ?? '';
  // All are compared, each in constant time: neither which nor how much of it was right can be measured.
  const isGood = tokens.map((token) => timingSafeEqual(digest(token), digest(given))).includes(true);
  return isGood ? null : { code: 'token-invalid', detail: 'The bearer secret is not the one of admin.token.', headers };
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

function isOwnName(host: string | undefined, listed: readonly string[]): boolean {
  const name =
    /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$/
      .exec(host ?? '')?.[1]
      ?.toLowerCase()
      .replace(/\.$/, '') ?? '';
  if (name === '') return false;
  return isIP(name.replace(/^\[|\]$/g, '')) !== 0 || innerNames.test(name) || listed.some((one) => one.toLowerCase() === name);
}
