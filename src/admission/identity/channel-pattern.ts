import { isChannelName } from '../../protocol/channel-name.js';
import { encodeValue } from '../../std/percent-encoding.js';

/** Longest pattern. Longer than a channel, as a placeholder may be longer than its value. */
export const patternBytesMax = 512;

type Part =
  { readonly kind: 'literal'; readonly text: string } | { readonly kind: 'subject' } | { readonly kind: 'claim'; readonly name: string };
/** Null: any one segment (`*`). */
type Segment = readonly Part[] | null;

/** Which channels somebody may touch, with places for the caller's own values. */
export interface ChannelPattern {
  readonly segments: readonly Segment[];
  /** Ends with `**`: whatever follows the segments, at least one segment. */
  readonly hasRest: boolean;
}

/** A pattern of one caller. */
export interface BoundPattern {
  /** Null: any one segment that is not empty. */
  readonly segments: readonly (string | null)[];
  readonly hasRest: boolean;
}

/** The caller's own values; undefined where there is none. */
export interface CallerValues {
  readonly subject: string | undefined;
  claim(name: string): string | undefined;
}

export type ParsedPattern =
  { readonly kind: 'pattern'; readonly pattern: ChannelPattern } | { readonly kind: 'problem'; readonly problem: string };

const problem = (text: string): ParsedPattern => ({ kind: 'problem', problem: text });

/**
 * Reads a pattern: segments separated by `.`; `*` is one segment, `**` at the end the rest, `{sub}` and `{claim:name}` are values of the
 * caller. A wildcard is a whole segment. Problems are sentences that follow the pattern's path and do not quote it: it may come from a token.
 */
export function parseChannelPattern(text: string): ParsedPattern {
  if (text === '') return problem('is empty');
  if (text.length > patternBytesMax || Buffer.byteLength(text) > patternBytesMax) return problem(`is longer than ${patternBytesMax} bytes`);
  const split = splitSegments(text);
  if (typeof split === 'string') return problem(split);
  const hasRest = isLiteral(split.at(-1), '**');
  const segments: Segment[] = [];
  for (const parts of hasRest ? split.slice(0, -1) : split) {
    const wrong = findSegmentProblem(parts);
    if (wrong !== null) return problem(wrong);
    segments.push(isLiteral(parts, '*') ? null : parts);
  }
  return { kind: 'pattern', pattern: { segments, hasRest } };
}

const isLiteral = (parts: readonly Part[] | undefined, text: string): boolean => {
  const [first] = parts ?? [];
  return parts?.length === 1 && first?.kind === 'literal' && first.text === text;
};

/** The parts of each segment, or what is wrong. Dots inside braces belong to the claim's name. */
function splitSegments(text: string): readonly (readonly Part[])[] | string {
  const segments: Part[][] = [[]];
  const open = (): Part[] => segments.at(-1) ?? [];
  for (let at = 0; at < text.length;) {
    if (text[at] === '.') {
      segments.push([]);
      at += 1;
    } else if (text[at] === '{') {
      const end = text.indexOf('}', at);
      const part = end < 0 ? undefined : parsePlaceholder(text.slice(at + 1, end));
      if (part === undefined) return 'has a brace that is not part of {sub} or {claim:name}';
      open().push(part);
      at = end + 1;
    } else {
      const end = text.slice(at).search(/[.{]/);
      const literal = end < 0 ? text.slice(at) : text.slice(at, at + end);
      open().push({ kind: 'literal', text: literal });
      at += literal.length;
    }
  }
  return segments;
}

function parsePlaceholder(inner: string): Part | undefined {
  if (inner === 'sub') return { kind: 'subject' };
  const name = /^claim:([^{}]{1,255})$/.exec(inner)?.[1];
  return name === undefined ? undefined : { kind: 'claim', name };
}

/** Holds a character that no encoded value can hold, so that two values beside it cannot be shifted against each other. */
const separates = /[^A-Za-z0-9_~%-]/;

function findSegmentProblem(parts: readonly Part[]): string | null {
  if (parts.length === 0) return 'has an empty segment';
  let sinceValue: string | null = null;
  for (const part of parts) {
    if (part.kind === 'literal') {
      if (part.text === '**') return 'has ** before its end';
      if (part.text.includes('*') && !(part.text === '*' && parts.length === 1)) return 'has a wildcard that is not a whole segment';
      if (part.text.includes('}')) return 'has a brace that is not part of {sub} or {claim:name}';
      if (!isChannelName(part.text)) return 'holds what a channel cannot hold';
      if (sinceValue !== null) sinceValue += part.text;
    } else {
      if (sinceValue !== null && !separates.test(sinceValue))
        return 'has two values in one segment with nothing between them that values cannot hold';
      sinceValue = '';
    }
  }
  return null;
}

/** The pattern of a caller; null where the caller lacks a value that it needs, and so gets nothing by it. Values are percent-encoded. */
export function bindPattern(pattern: ChannelPattern, values: CallerValues): BoundPattern | null {
  const segments: (string | null)[] = [];
  for (const parts of pattern.segments) {
    const bound = parts === null ? null : bindSegment(parts, values);
    if (bound === undefined) return null;
    segments.push(bound);
  }
  return { segments, hasRest: pattern.hasRest };
}

function bindSegment(parts: readonly Part[], values: CallerValues): string | undefined {
  let text = '';
  for (const part of parts) {
    const added =
      part.kind === 'literal' ? part.text : encodeCallerValue(part.kind === 'subject' ? values.subject : values.claim(part.name));
    if (added === undefined) return undefined;
    text += added;
  }
  return text;
}

/** An empty value counts as none: `user..inbox` is nobody's. */
const encodeCallerValue = (value: string | undefined): string | undefined =>
  value === undefined || value === '' ? undefined : encodeValue(value);

/** Whether the channel's segments fit. */
export function matchesPattern({ segments, hasRest }: BoundPattern, channel: readonly string[]): boolean {
  if (hasRest ? channel.length <= segments.length : channel.length !== segments.length) return false;
  return segments.every((segment, i) => (segment === null ? channel[i] !== '' : segment === channel[i]));
}
