import { parseJsonPointer } from './json-pointer.js';
import type { JsonPointer } from './json-pointer.js';

/** Where a value of a template comes from. */
export type ValueSource =
  { readonly kind: 'key' } | { readonly kind: 'header'; readonly name: string } | { readonly kind: 'json'; readonly pointer: JsonPointer };

export type TemplatePart =
  | { readonly kind: 'literal'; readonly text: string }
  | {
      readonly kind: 'value';
      readonly source: ValueSource;
      /** Taken as it stands when the value is missing or empty; null: then the template yields nothing. */
      readonly fallback: string | null;
      /** The value is not percent-encoded. Only channels encode. */
      readonly raw: boolean;
    };

/** A parsed template: `text` as written, `parts` in order, no two literals next to each other. */
export interface Template {
  readonly text: string;
  readonly parts: readonly TemplatePart[];
}

export type ValuePart = Extract<TemplatePart, { kind: 'value' }>;

export const valuePartsOf = (template: Template): readonly ValuePart[] => template.parts.filter((part) => part.kind === 'value');

const templateLengthMax = 1_024;

/**
 * Parses `literal{source|default|raw}…`; a problem is a sentence. A source is `key`, `header:name`, `json:/pointer` or `json:name` (a field
 * of the top level). Braces and `|` cannot be written inside a value or a literal.
 */
export function parseTemplate(text: string): Template | { readonly problem: string } {
  if (text === '') return { problem: 'is empty' };
  if (text.length > templateLengthMax) return { problem: `is longer than ${templateLengthMax} characters` };
  const parts: TemplatePart[] = [];
  let at = 0;
  while (at < text.length) {
    const open = text.indexOf('{', at);
    const literal = text.slice(at, open < 0 ? text.length : open);
    if (literal.includes('}')) return { problem: 'has a } without a {' };
    if (literal !== '') parts.push({ kind: 'literal', text: literal });
    if (open < 0) break;
    const close = text.indexOf('}', open);
    if (close < 0) return { problem: 'has a { without a }' };
    const part = parseValue(text.slice(open + 1, close));
    if ('problem' in part) return part;
    parts.push(part);
    at = close + 1;
  }
  return { text, parts };
}

function parseValue(text: string): ValuePart | { readonly problem: string } {
  const [sourceText = '', ...options] = text.split('|');
  const raw = options.at(-1) === 'raw';
  if (raw) options.pop();
  if (options.length > 1) return { problem: `{${text}} has more than one default (|raw comes last)` };
  const source = parseSource(sourceText);
  if (source === undefined) {
    return { problem: `{${text}} is not a value: write {key}, {header:name}, {json:/pointer} or {json:name}, then |default, then |raw` };
  }
  return { kind: 'value', source, fallback: options[0] ?? null, raw };
}

/** Parses `key`, `header:name`, `json:/pointer` or `json:name`. */
export function parseSource(text: string): ValueSource | undefined {
  if (text === 'key') return { kind: 'key' };
  if (text.startsWith('header:') && text.length > 'header:'.length) return { kind: 'header', name: text.slice('header:'.length) };
  if (!text.startsWith('json:') || text.length === 'json:'.length) return undefined;
  const path = text.slice('json:'.length);
  const pointer = path.startsWith('/') ? parseJsonPointer(path) : [path];
  return pointer === undefined ? undefined : { kind: 'json', pointer };
}
