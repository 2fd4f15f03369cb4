import { decodeValue, encodedCharacterEnd } from '../std/percent-encoding.js';
import { valuePartsOf } from './template.js';
import type { Template, TemplatePart } from './template.js';

/**
 * Whether the template can produce `channel`. Exact: an encoded value is one or more canonically encoded characters, a raw value one or more
 * of any, a default itself. Time is bounded by parts × length², whatever the template (no backtracking).
 */
export function canProduce(template: Template, channel: string): boolean {
  const [first] = template.parts;
  if (first?.kind === 'literal' && !channel.startsWith(first.text)) return false;
  let reached: Uint8Array = new Uint8Array(channel.length + 1);
  reached[0] = 1;
  for (const part of template.parts) reached = advance(part, channel, reached);
  return reached[channel.length] === 1;
}

/** From the places reached before a part to those reachable behind it. */
function advance(part: TemplatePart, channel: string, from: Uint8Array): Uint8Array {
  const to = new Uint8Array(from.length);
  const step = (literal: string, at: number): void => {
    if (channel.startsWith(literal, at)) to[at + literal.length] = 1;
  };
  // Behind at least one character of the value; such a place may be reached from several starts, so it is walked once.
  const within = new Uint8Array(from.length);
  for (let at = 0; at < from.length; at++) {
    if (from[at] === 1) {
      if (part.kind === 'literal') step(part.text, at);
      else if (part.fallback !== null) step(part.fallback, at);
    }
    if (part.kind === 'literal' || at >= channel.length || (from[at] !== 1 && within[at] !== 1)) continue;
    const end = part.raw ? at + 1 : encodedCharacterEnd(channel, at);
    if (end > 0) within[end] = to[end] = 1;
  }
  return to;
}

/** A template whose only value is the key: the channel's name yields it. */
export interface KeyTemplate {
  readonly prefix: string;
  readonly suffix: string;
  readonly raw: boolean;
}

/** The template as one around the key; null when it has other values, several, or none. */
export function keyTemplateOf(template: Template): KeyTemplate | null {
  const [value, ...others] = valuePartsOf(template);
  if (value === undefined || others.length > 0 || value.source.kind !== 'key') return null;
  const at = template.parts.indexOf(value);
  const literal = (part: TemplatePart | undefined): string => (part?.kind === 'literal' ? part.text : '');
  return { prefix: literal(template.parts[at - 1]), suffix: literal(template.parts[at + 1]), raw: value.raw };
}

/** The key that makes the template produce `channel`; undefined when none does. */
export function keyOfChannel(template: KeyTemplate, channel: string): string | undefined {
  const { prefix, suffix, raw } = template;
  if (channel.length <= prefix.length + suffix.length || !channel.startsWith(prefix) || !channel.endsWith(suffix)) return undefined;
  const value = channel.slice(prefix.length, channel.length - suffix.length);
  return raw ? value : decodeValue(value);
}

type CharacterClass = { readonly kind: 'one'; readonly char: string } | { readonly kind: 'encoded' } | { readonly kind: 'any' };
interface Edge {
  readonly on: CharacterClass | null;
  readonly to: number;
}

/** A nondeterministic automaton over characters; state 0 begins, the last one accepts. */
function automatonOf(template: Template): readonly (readonly Edge[])[] {
  const states: Edge[][] = [[]];
  const grow = (from: number, on: CharacterClass | null): number => {
    const to = states.push([]) - 1;
    states[from]?.push({ on, to });
    return to;
  };
  const literal = (from: number, text: string): number => [...text].reduce((at, char) => grow(at, { kind: 'one', char }), from);
  let end = 0;
  for (const part of template.parts) {
    if (part.kind === 'literal') {
      end = literal(end, part.text);
      continue;
    }
    const on: CharacterClass = part.raw ? { kind: 'any' } : { kind: 'encoded' };
    const start = end;
    const within = grow(start, on);
    states[within]?.push({ on, to: within });
    const byDefault = part.fallback === null ? null : literal(start, part.fallback);
    end = grow(within, null);
    if (byDefault !== null) states[byDefault]?.push({ on: null, to: end });
  }
  return states;
}

const encodedCharacter = /^[A-Za-z0-9_~%-]$/;

function meet(a: CharacterClass, b: CharacterClass): boolean {
  if (a.kind === 'any' || b.kind === 'any') return true;
  if (a.kind === 'one') return b.kind === 'one' ? a.char === b.char : encodedCharacter.test(a.char);
  return b.kind === 'encoded' || encodedCharacter.test(b.char);
}

/** Whether some channel could be produced by both templates. Never wrongly false. */
export function mayOverlap(a: Template, b: Template): boolean {
  const left = automatonOf(a);
  const right = automatonOf(b);
  const seen = new Set<number>([0]);
  const todo: (readonly [number, number])[] = [[0, 0]];
  const visit = (l: number, r: number): void => {
    const pair = l * right.length + r;
    if (!seen.has(pair)) {
      seen.add(pair);
      todo.push([l, r]);
    }
  };
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const [l, r] = next;
    if (l === left.length - 1 && r === right.length - 1) return true;
    for (const edge of left[l] ?? []) {
      if (edge.on === null) visit(edge.to, r);
      else for (const other of right[r] ?? []) if (other.on !== null && meet(edge.on, other.on)) visit(edge.to, other.to);
    }
    for (const edge of right[r] ?? []) if (edge.on === null) visit(l, edge.to);
  }
  return false;
}
