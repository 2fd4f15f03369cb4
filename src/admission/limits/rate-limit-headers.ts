import type { LeaseAnswer } from './leases.js';
import type { LimitOptions } from './limit-options.js';
import type { Rate } from './rate.js';
import { tokenMs } from './rate.js';

/**
 * `RateLimit-Policy` and `RateLimit` as draft-ietf-httpapi-ratelimit-headers-10 has them: lists of structured fields, one item a quota; `q` the
 * quota, `w` the seconds in which it comes back, `qu` its unit, `r` what is left, `t` the seconds until there is more. A rate is told as its burst
 * in the time in which it fills again. Limits of tenants and addresses are not told: what others use is not the caller's to know.
 */
export type HeaderPairs = readonly (readonly [string, string])[];

/** Names of quotas in the headers. */
const quotas = { streams: '"streams"', connects: '"connects"', publishes: '"publishes"' } as const;

const rateItem = (name: string, rate: Rate): string =>
  `${name};q=${rate.burst};w=${Math.max(1, Math.ceil((rate.burst * tokenMs(rate)) / 1_000))}`;

function streamPolicy({ userStreamsMax, userConnects }: LimitOptions): string {
  const streams = userStreamsMax > 0 ? [`${quotas.streams};q=${userStreamsMax};qu="concurrent-requests"`] : [];
  return [...streams, ...(userConnects === null ? [] : [rateItem(quotas.connects, userConnects)])].join(', ');
}

/** What a user may have on streams, and how much of it is left. Empty where nothing is limited. */
export function streamHeaders(options: LimitOptions, answer: LeaseAnswer): HeaderPairs {
  const policy = streamPolicy(options);
  if (policy === '') return [];
  const state = answer.kind === 'admitted' ? admittedState(options, answer) : refusedState(answer);
  return state === ''
    ? [['RateLimit-Policy', policy]]
    : [
        ['RateLimit-Policy', policy],
        ['RateLimit', state],
      ];
}

function admittedState({ userStreamsMax }: LimitOptions, answer: Extract<LeaseAnswer, { kind: 'admitted' }>): string {
  const streams = userStreamsMax > 0 ? [`${quotas.streams};r=${Math.max(0, userStreamsMax - answer.present)}`] : [];
  return [...streams, ...(answer.connectsLeft === null ? [] : [`${quotas.connects};r=${answer.connectsLeft}`])].join(', ');
}

function refusedState({ by, retryMs }: Extract<LeaseAnswer, { kind: 'refused' }>): string {
  const seconds = Number.isFinite(retryMs) ? `;t=${Math.max(1, Math.ceil(retryMs / 1_000))}` : '';
  if (by === 'user-streams') return `${quotas.streams};r=0`;
  if (by === 'user-connects') return `${quotas.connects};r=0${seconds}`;
  return by === 'user-publishes' ? `${quotas.publishes};r=0${seconds}` : '';
}

/** What a user may publish; `refused` null where it may. Empty where nothing is limited. */
export function publishHeaders({ userPublishes }: LimitOptions, refused: Extract<LeaseAnswer, { kind: 'refused' }> | null): HeaderPairs {
  if (userPublishes === null) return [];
  const state = refused === null ? '' : refusedState(refused);
  const policy = ['RateLimit-Policy', rateItem(quotas.publishes, userPublishes)] as const;
  return state === '' ? [policy] : [policy, ['RateLimit', state]];
}
