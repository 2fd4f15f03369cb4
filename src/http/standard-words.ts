import type { RequestSnapshot } from '../protocol/request-snapshot.js';
import { positionParameters } from '../subscribe/stream-parameters.js';

/** HTTP's own words for a position and for waiting, as a request used them. */
export interface StandardWords {
  /** The request in the words of this program; the same object when it used none. */
  readonly request: RequestSnapshot;
  /** The position that `If-None-Match` named and that was taken; null: none. */
  readonly noneMatch: string | null;
  /** Seconds of `Prefer: wait=`, as far as they were granted; null: not asked, or the query says otherwise. */
  readonly waitSeconds: number | null;
}

/**
 * `If-None-Match: "<position>"` is a position and `Prefer: wait=n` (RFC 7240) is `wait=n`. What a request says in this program's own words goes
 * first, and a preference for more than `waitSecondsMax` is granted as far as it goes: a preference is no demand.
 */
export function readStandardWords(request: RequestSnapshot, waitSecondsMax: number): StandardWords {
  const noneMatch = hasPosition(request) ? null : entityTagOf(request.headers.get('if-none-match'));
  const preferred = request.query.has('wait') ? null : preferredWait(request.headers.get('prefer'));
  const waitSeconds = preferred === null ? null : Math.min(preferred, waitSecondsMax);
  if (noneMatch === null && waitSeconds === null) return { request, noneMatch, waitSeconds };
  const headers = noneMatch === null ? request.headers : new Map([...request.headers, ['last-event-id', noneMatch]]);
  const query = waitSeconds === null ? request.query : new Map([...request.query, ['wait', [String(waitSeconds)]]]);
  return { request: { ...request, headers, query }, noneMatch, waitSeconds };
}

/** The entity tag of a position: strong where the bytes are the answer's own, weak where they were compressed. */
export function entityTag(position: string, isCompressed: boolean): string {
  return `${isCompressed ? 'W/' : ''}"${position}"`;
}

function hasPosition({ headers, query }: RequestSnapshot): boolean {
  return (headers.get('last-event-id') ?? '') !== '' || positionParameters.some((name) => (query.get(name)?.at(-1) ?? '') !== '');
}

/** The first tag of the list: `If-None-Match` compares weakly. `*` names no position. */
function entityTagOf(header: string | undefined): string | null {
  return /^\s*(?:W\/)?"([^"\s]+)"/.exec(header ?? '')?.[1] ?? null;
}

function preferredWait(header: string | undefined): number | null {
  for (const preference of (header ?? '').split(',')) {
    const seconds = /^\s*wait\s*=\s*"?(\d{1,9})"?\s*(;|$)/i.exec(preference)?.[1];
    if (seconds !== undefined) return Number(seconds);
  }
  return null;
}
