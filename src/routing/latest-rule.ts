import type { LatestRule } from './routed-event.js';

/** A pattern of channels, by segment: `*` is any one segment, `**` (last) one or more. */
export type ChannelSegments = readonly string[];

/** Splits a pattern such as `task.*`; a problem is a sentence. */
export function parseChannelSegments(text: string): ChannelSegments | { readonly problem: string } {
  const segments = text.split('.');
  if (segments.includes('')) return { problem: 'has an empty segment: write it like task.* or project.**' };
  if (segments.slice(0, -1).includes('**')) return { problem: 'has ** before its end: it stands for the rest' };
  if (segments.some((segment) => segment.includes('*') && segment !== '*' && segment !== '**')) {
    return { problem: 'mixes * with text: * stands for a whole segment' };
  }
  return segments;
}

function fits(pattern: ChannelSegments, channel: readonly string[]): boolean {
  const hasRest = pattern.at(-1) === '**';
  if (hasRest ? channel.length < pattern.length : channel.length !== pattern.length) return false;
  return pattern.every((segment, i) => segment === '*' || segment === '**' || segment === channel[i]);
}

/** Whether the latest event of the channel is kept. */
export function keepsLatest(rule: LatestRule, channel: string): boolean {
  if (rule.channels === undefined) return true;
  const segments = channel.split('.');
  return rule.channels.some((pattern) => fits(pattern, segments));
}
