import { readTextClaim } from '../identity/claims.js';
import type { Principal } from '../principal.js';
import { encodeValue } from '../../std/percent-encoding.js';

/** Where a value of a template comes from. */
export type StreamValue =
  | { readonly kind: 'path'; readonly name: string }
  | { readonly kind: 'subject' }
  | { readonly kind: 'claim'; readonly name: string }
  /** The time of sending, ISO 8601; data alone has it. */
  | { readonly kind: 'now' };

/** Literals and values, in order. */
export interface StreamTemplate {
  readonly text: string;
  readonly parts: readonly (string | StreamValue)[];
}

/** What the values of a template come to for one request. */
export interface StreamCaller {
  readonly pathParameters: Readonly<Record<string, string>>;
  readonly principal: Principal;
}

const templateLengthMax = 1_024;

/** Parses `project.{project_id}`; `path` lists the names that the address has. A problem is a sentence. */
export function parseStreamTemplate(text: string, path: readonly string[]): StreamTemplate | { readonly problem: string } {
  if (text.length > templateLengthMax) return { problem: `is longer than ${templateLengthMax} characters` };
  const parts: (string | StreamValue)[] = [];
  for (const piece of text.split(/(\{[^{}]*\})/)) {
    if (piece === '') continue;
    if (!piece.startsWith('{') || !piece.endsWith('}')) {
      if (/[{}]/.test(piece)) return { problem: 'has a { or } without its other half' };
      parts.push(piece);
      continue;
    }
    const value = parseValue(piece.slice(1, -1), path);
    if (value === undefined) {
      const named = path.map((name) => `{${name}}`).join(', ');
      return { problem: `has ${piece}, which is no value here: there are ${named === '' ? '' : `${named}, `}{sub} and {claim:name}` };
    }
    parts.push(value);
  }
  return { text, parts };
}

/** Names of the path go first: `{sub}` of an address is its own. */
function parseValue(text: string, path: readonly string[]): StreamValue | undefined {
  if (path.includes(text)) return { kind: 'path', name: text };
  if (text === 'sub') return { kind: 'subject' };
  if (text === 'now') return { kind: 'now' };
  return text.startsWith('claim:') && text.length > 6 ? { kind: 'claim', name: text.slice(6) } : undefined;
}

/** The values of a template, literals left out. */
export const valuesOf = ({ parts }: StreamTemplate): readonly StreamValue[] => parts.filter((part) => typeof part !== 'string');

/** Whether the template says something of the caller. */
export const namesCaller = (template: StreamTemplate): boolean =>
  valuesOf(template).some(({ kind }) => kind === 'subject' || kind === 'claim');

function read(value: StreamValue, { pathParameters, principal }: StreamCaller, nowMs: number): string | undefined {
  switch (value.kind) {
    case 'path':
      return Object.hasOwn(pathParameters, value.name) ? pathParameters[value.name] : undefined;
    case 'subject':
      return principal.subject ?? undefined;
    case 'claim':
      return readTextClaim(principal.claims, value.name);
    case 'now':
      return new Date(nowMs).toISOString();
  }
}

/** A channel: values are percent-encoded as those of routes are, so that none can name another channel. Or which value is missing. */
export function fillChannel({ parts }: StreamTemplate, caller: StreamCaller): string | { readonly missing: StreamValue } {
  let channel = '';
  for (const part of parts) {
    if (typeof part === 'string') {
      channel += part;
      continue;
    }
    const value = read(part, caller, 0);
    const encoded = value === undefined || value === '' ? undefined : encodeValue(value);
    if (encoded === undefined) return { missing: part };
    channel += encoded;
  }
  return channel;
}

/** A text for people's programs: values as they are, nothing where one is missing. */
export const fillText = ({ parts }: StreamTemplate, caller: StreamCaller, nowMs: number): string =>
  parts.map((part) => (typeof part === 'string' ? part : (read(part, caller, nowMs) ?? ''))).join('');
