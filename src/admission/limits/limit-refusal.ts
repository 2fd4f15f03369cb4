import type { AdmissionRefusal } from '../authenticator.js';
import type { LimitName, Refused } from './leases.js';
import type { HeaderPairs } from './rate-limit-headers.js';

const sentences: Readonly<Record<LimitName, string>> = {
  'user-streams': 'This user has as many streams open as it may have at a time.',
  'tenant-streams': 'The users of this tenant have as many streams open as they may have at a time.',
  'address-streams': 'As many streams are open from this address as it may have at a time on this node.',
  'user-connects': 'This user begins streams faster than it may.',
  'tenant-connects': 'The users of this tenant begin streams faster than they may.',
  'address-connects': 'Streams begin from this address faster than they may.',
  'user-publishes': 'This user publishes faster than it may.',
  'tenant-publishes': 'The users of this tenant publish faster than they may.',
};

const isOfStreams = (by: LimitName): boolean => by.endsWith('-streams');

/** What the one refused is told. */
export function toAdmissionRefusal({ by, limit, present, retryMs }: Refused, headers: HeaderPairs): AdmissionRefusal {
  const isNever = !Number.isFinite(retryMs);
  const detail = isNever ? `At most ${limit} events may be published at once; send fewer in one request.` : sentences[by];
  return {
    code: isOfStreams(by) ? 'too-many-streams' : 'rate-limited',
    detail,
    limit,
    present,
    ...(isNever ? {} : { retryAfterSeconds: Math.max(1, Math.ceil(retryMs / 1_000)) }),
    ...(headers.length === 0 ? {} : { headers: Object.fromEntries(headers) }),
  };
}
