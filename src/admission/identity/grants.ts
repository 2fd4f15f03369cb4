import type { Grant } from '../principal.js';
import { bindPattern, matchesPattern } from './channel-pattern.js';
import type { BoundPattern, CallerValues, ChannelPattern } from './channel-pattern.js';

export const grantNothing: Grant = { allows: () => false };
const grantEverything: Grant = { allows: () => true };

/** What the patterns give to one caller. */
export function grantOf(patterns: readonly ChannelPattern[], values: CallerValues): Grant {
  const exact = new Set<string>();
  const wild: BoundPattern[] = [];
  for (const pattern of patterns) {
    const bound = bindPattern(pattern, values);
    if (bound === null) continue;
    if (bound.hasRest && bound.segments.length === 0) return grantEverything;
    if (bound.hasRest || bound.segments.includes(null)) wild.push(bound);
    else exact.add(bound.segments.join('.'));
  }
  if (exact.size === 0 && wild.length === 0) return grantNothing;
  return {
    allows(channel) {
      if (exact.has(channel)) return true;
      if (wild.length === 0) return false;
      const segments = channel.split('.');
      return wild.some((pattern) => matchesPattern(pattern, segments));
    },
  };
}

/** These channels and no others. */
export function grantChannels(channels: readonly string[]): Grant {
  const set = new Set(channels);
  return { allows: (channel) => set.has(channel) };
}

/** What either of two grants allows. */
export function grantEither(one: Grant, other: Grant): Grant {
  if (one === grantEverything || other === grantNothing) return one;
  if (other === grantEverything || one === grantNothing) return other;
  return { allows: (channel) => one.allows(channel) || other.allows(channel) };
}
