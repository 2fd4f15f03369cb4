import { isWellFormed } from '../std/percent-encoding.js';

/** One segment of a shape; `parameter` is the name of the value that stands there, null for a literal. */
export interface ShapeSegment {
  readonly text: string;
  readonly parameter: string | null;
}

/** The shape of a path: literals and `{name}`, one segment each. A slash at its end is part of it (an empty last literal). */
export interface UrlShape {
  readonly text: string;
  readonly segments: readonly ShapeSegment[];
  /** Names, in order. */
  readonly parameters: readonly string[];
}

const literal = /^[A-Za-z0-9._~-]+$/;
const parameterName = /^\{([A-Za-z][A-Za-z0-9_]{0,63})\}$/;
const segmentsMax = 32;

/** Parses `/tasks/{task_id}/progress`; a problem is a sentence. */
export function parseUrlShape(text: string): UrlShape | { readonly problem: string } {
  if (!text.startsWith('/')) return { problem: 'must begin with a slash' };
  const segments: ShapeSegment[] = [];
  const parameters: string[] = [];
  const parts = text.slice(1).split('/');
  if (parts.length > segmentsMax) return { problem: `has more than ${segmentsMax} segments` };
  for (const [i, part] of parts.entries()) {
    const name = parameterName.exec(part)?.[1] ?? null;
    if (part === '' && i < parts.length - 1) return { problem: 'has an empty segment' };
    if (name === null && part !== '' && (!literal.test(part) || part === '.' || part === '..')) {
      return { problem: `has the segment ${JSON.stringify(part)}: a segment is A-Z a-z 0-9 . _ ~ - or {name}` };
    }
    if (name !== null && parameters.includes(name)) return { problem: `has {${name}} twice` };
    if (name !== null) parameters.push(name);
    segments.push({ text: part, parameter: name });
  }
  return { text, segments, parameters };
}

/** Whether some path fits both shapes and neither is the more special one, so that nothing says which of them is meant. */
export function isAmbiguous(a: UrlShape, b: UrlShape): boolean {
  if (a.segments.length !== b.segments.length) return false;
  let aIsNarrower = false;
  let bIsNarrower = false;
  for (const [i, left] of a.segments.entries()) {
    const right = b.segments[i] as ShapeSegment;
    if (left.parameter === null && right.parameter === null) {
      if (left.text !== right.text) return false;
    } else if (left.parameter === null) {
      // An empty last segment is never a value.
      if (left.text === '') return false;
      aIsNarrower = true;
    } else if (right.parameter === null) {
      if (right.text === '') return false;
      bIsNarrower = true;
    }
  }
  return aIsNarrower === bIsNarrower;
}

const unsafe = /[\u0000-\u001f\u007f-\u009f\u2028\u2029/\\\ufffd]/u;

/**
 * The value of a segment, decoded once (`%2525` is `%25`). Undefined for what no honest client sends: nothing, an escape that is malformed or not
 * UTF-8, a slash, a control character, `.` and `..`.
 */
export function decodePathSegment(raw: string): string | undefined {
  let value = raw;
  if (raw.includes('%')) {
    try {
      value = decodeURIComponent(raw);
    } catch {
      return undefined;
    }
  }
  const isTrick = value === '' || value === '.' || value === '..' || unsafe.test(value) || !isWellFormed(value);
  return isTrick ? undefined : value;
}
