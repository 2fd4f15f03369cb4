import type { JsonPointer } from './json-pointer.js';

/**
 * The source text of the value at `pointer`, exactly as written: numbers beyond 2^53 keep their digits, and nothing is walked recursively.
 * `text` must be JSON that `JSON.parse` accepts; as there, the last of repeated names counts. Undefined when nothing is there.
 */
export function sliceJson(text: string, pointer: JsonPointer): string | undefined {
  let start = skipSpace(text, 0);
  for (const segment of pointer) {
    const open = text[start];
    const found = open === '{' ? findMember(text, start, segment) : open === '[' ? findElement(text, start, segment) : -1;
    if (found < 0) return undefined;
    start = found;
  }
  return text.slice(start, skipValue(text, start));
}

/** The source texts of the elements of the array that `text` is, in one pass; undefined when it is none. As for `sliceJson`, `text` must be JSON. */
export function sliceElements(text: string): readonly string[] | undefined {
  let at = skipSpace(text, 0);
  if (text[at] !== '[') return undefined;
  const elements: string[] = [];
  at = skipSpace(text, at + 1);
  while (text[at] !== ']') {
    const end = skipValue(text, at);
    elements.push(text.slice(at, end));
    at = skipSpace(text, end);
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return elements;
}

const quote = 34;
const backslash = 92;

function skipSpace(text: string, at: number): number {
  let unit = text.charCodeAt(at);
  while (unit === 32 || unit === 10 || unit === 13 || unit === 9) unit = text.charCodeAt(++at);
  return at;
}

/** From an opening quote to behind the closing one. */
function skipString(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === quote) return i + 1;
    if (unit === backslash) i++;
  }
  return text.length;
}

const opens = (unit: number): boolean => unit === 123 || unit === 91;
const closes = (unit: number): boolean => unit === 125 || unit === 93;

function skipValue(text: string, at: number): number {
  if (text.charCodeAt(at) === quote) return skipString(text, at);
  if (opens(text.charCodeAt(at))) return skipNested(text, at);
  let i = at;
  while (i < text.length && !/[\s,\]}]/.test(text[i] as string)) i++;
  return i;
}

function skipNested(text: string, at: number): number {
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === quote) i = skipString(text, i) - 1;
    else if (opens(unit)) depth++;
    else if (closes(unit) && --depth === 0) return i + 1;
  }
  return text.length;
}

function findMember(text: string, open: number, name: string): number {
  let found = -1;
  let at = skipSpace(text, open + 1);
  while (text.charCodeAt(at) === quote) {
    const nameEnd = skipString(text, at);
    const written = text.slice(at, nameEnd);
    const value = skipSpace(text, skipSpace(text, nameEnd) + 1);
    const isName = written.includes('\\')
      ? JSON.parse(written) === name
      : written.length === name.length + 2 && written.slice(1, -1) === name;
    if (isName) found = value;
    at = skipSpace(text, skipValue(text, value));
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return found;
}

function findElement(text: string, open: number, segment: string): number {
  if (!/^(0|[1-9][0-9]{0,9})$/.test(segment)) return -1;
  const index = Number(segment);
  let at = skipSpace(text, open + 1);
  for (let i = 0; text[at] !== ']'; i++) {
    if (i === index) return at;
    at = skipSpace(text, skipValue(text, at));
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return -1;
}
