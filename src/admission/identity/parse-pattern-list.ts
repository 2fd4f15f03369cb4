import type { FieldReader } from '../../std/field-reader.js';
import { parseChannelPattern } from './channel-pattern.js';
import type { ChannelPattern } from './channel-pattern.js';
import { patternsMax } from './read-grants.js';

/** Channel patterns of the configuration; an empty list grants nothing. */
export function parsePatternList(reader: FieldReader, path: string, value: unknown): readonly ChannelPattern[] {
  if (Array.isArray(value) && value.length === 0) return [];
  return reader.list(path, value, patternsMax).flatMap(([at, text]) => {
    const parsed =
      typeof text === 'string' ? parseChannelPattern(text) : { kind: 'problem' as const, problem: 'must be a channel pattern (a string)' };
    if (parsed.kind === 'pattern') return [parsed.pattern];
    reader.problem(at, parsed.problem);
    return [];
  });
}
