import type { Route } from './route.js';
import type { FieldReader } from '../std/field-reader.js';
import { parseTemplate } from './template.js';

/** Query parameters that mean something else; compared without case, `-` and `_`. An attribute is filtered by with its name as parameter. */
const reserved = new Set([
  'channel',
  'channels',
  'type',
  'types',
  'since',
  'rewind',
  'format',
  'wait',
  'until',
  'lasteventid',
  'accesstoken',
  'ticket',
]);
/** Names that plain objects have anyway. */
const inherited = new Set(['__proto__', 'constructor', 'prototype']);
const attributesMax = 16;

/** Checks `attributes`: name → template. */
export function parseAttributes(reader: FieldReader, path: string, value: unknown): Route['attributes'] {
  const raw = reader.fields(path, value, null);
  if (raw === undefined) return [];
  const entries = Object.entries(raw);
  if (entries.length > attributesMax) reader.problem(path, `has ${entries.length} names, at most ${attributesMax} are allowed`);
  return entries.flatMap(([name, text]) => {
    const at = `${path}.${name}`;
    const problem = nameProblem(name);
    if (problem !== undefined) reader.problem(at, problem);
    const template = typeof text === 'string' ? parseTemplate(text) : { problem: 'must be a template (a string)' };
    if (!('problem' in template)) return [{ name, template }];
    reader.problem(at, template.problem);
    return [];
  });
}

function nameProblem(name: string): string | undefined {
  if (inherited.has(name) || !/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/.test(name)) {
    return 'must be named with 1 to 64 of A-Z a-z 0-9 _ -, beginning with a letter or _';
  }
  return reserved.has(name.toLowerCase().replaceAll(/[_-]/g, ''))
    ? 'has the name of a query parameter of the fabric: choose another'
    : undefined;
}
