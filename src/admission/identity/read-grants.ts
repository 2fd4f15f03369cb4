import { parseChannelPattern } from './channel-pattern.js';
import type { ChannelPattern } from './channel-pattern.js';
import type { PatternGrants } from './issuer.js';

/** Most patterns of one token, reading and publishing each. */
export const patternsMax = 64;

/** The grants in a claim, or a sentence on what is wrong with it, without a quote of it. */
export function readGrants(value: unknown, claimName: string): PatternGrants | string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return `The claim ${claimName} must be an object.`;
  const read = readPatterns(value, 'read', claimName);
  if (typeof read === 'string') return read;
  const publish = readPatterns(value, 'publish', claimName);
  return typeof publish === 'string' ? publish : { read, publish };
}

function readPatterns(grants: object, field: 'read' | 'publish', claimName: string): readonly ChannelPattern[] | string {
  const list: unknown = Object.hasOwn(grants, field) ? (grants as Record<string, unknown>)[field] : [];
  const where = `The list "${field}" of the claim ${claimName}`;
  if (!Array.isArray(list)) return `${where} must be a list of channel patterns.`;
  if (list.length > patternsMax) return `${where} has ${list.length} patterns; at most ${patternsMax} are allowed.`;
  const patterns: ChannelPattern[] = [];
  for (const [i, text] of list.entries()) {
    if (typeof text !== 'string') return `${where} holds something that is not a text, at ${i}.`;
    const parsed = parseChannelPattern(text);
    if (parsed.kind === 'problem') return `${where} has a pattern at ${i} that ${parsed.problem}.`;
    patterns.push(parsed.pattern);
  }
  return patterns;
}
