import { isAmbiguous } from '../../protocol/url-shape.js';
import { FieldReader, type FieldProblem } from '../../std/field-reader.js';
import type { NamedStream } from './named-stream.js';
import { parseNamedStream } from './parse-named-stream.js';

export type ParsedStreams =
  | { readonly kind: 'streams'; readonly streams: readonly NamedStream[] }
  /** Every problem at once. */
  | { readonly kind: 'problems'; readonly problems: readonly FieldProblem[] };

const streamsMax = 1_000;

/** Checks the value of `streams` of the configuration; absent: there are none. Paths of problems begin with `streams`. */
export function parseNamedStreams(raw: unknown): ParsedStreams {
  if (raw === undefined || raw === null) return { kind: 'streams', streams: [] };
  if (!Array.isArray(raw)) return { kind: 'problems', problems: [{ path: 'streams', message: 'must be a list' }] };
  const reader = new FieldReader();
  if (raw.length > streamsMax) reader.problem('streams', `has ${raw.length} elements, at most ${streamsMax} are allowed`);
  const parsed = raw.slice(0, streamsMax).map((value, i) => parseNamedStream(reader, `streams[${i}]`, value));
  const streams = parsed.filter((stream) => stream !== undefined);
  if (reader.problems.length === 0) checkNames(reader, streams);
  if (reader.problems.length === 0) checkShapes(reader, streams);
  return reader.problems.length === 0 ? { kind: 'streams', streams } : { kind: 'problems', problems: reader.problems };
}

function checkNames(reader: FieldReader, streams: readonly NamedStream[]): void {
  const names = new Map<string, number>();
  for (const [i, { name }] of streams.entries()) {
    const other = names.get(name);
    if (other === undefined) names.set(name, i);
    else reader.problem(`streams[${i}].name`, `is also that of streams[${other}]`);
  }
}

/** An address must lead to one stream. */
function checkShapes(reader: FieldReader, streams: readonly NamedStream[]): void {
  const shapes = streams.flatMap((stream, i) =>
    stream.shapes.map((shape, k) => ({ shape, path: `streams[${i}].${stream.shapes.length === 1 ? 'path' : `paths[${k}]`}` })),
  );
  for (const [at, one] of shapes.entries()) {
    const other = shapes.slice(0, at).find((earlier) => isAmbiguous(earlier.shape, one.shape));
    if (other !== undefined) reader.problem(one.path, `can be the same address as ${other.path} (${other.shape.text})`);
  }
}
