import type { StreamTemplate } from '../admission/named-streams/stream-template.js';
import type { Template, ValueSource } from '../routing/template.js';
import type { JsonObject } from './surface.js';

/** A template as AsyncAPI writes addresses: `{name}` for each value, and what the names mean. */
export interface Address {
  readonly address: string;
  readonly parameters: JsonObject;
  /** The channel that it makes of values that are all `x`. */
  readonly sample: string;
}

interface Value {
  readonly name: string;
  readonly description: string;
  readonly fallback: string | null;
}

/** Of a route's channel. */
export const addressOfRoute = ({ parts }: Template): Address =>
  toAddress(parts.map((part) => (part.kind === 'literal' ? part.text : { ...wordsOf(part.source), fallback: part.fallback })));

/** Of a named stream's channel. */
export const addressOfStream = ({ parts }: StreamTemplate): Address =>
  toAddress(
    parts.map((part) => {
      if (typeof part === 'string') return part;
      const fallback = null;
      switch (part.kind) {
        case 'path':
          return { name: part.name, description: 'From the address.', fallback };
        case 'subject':
          return { name: 'sub', description: 'Who asks.', fallback };
        case 'claim':
          return { name: `claim_${part.name}`, description: `The claim ${part.name} of who asks.`, fallback };
        case 'now':
          return { name: 'now', description: 'The time.', fallback };
      }
    }),
  );

function wordsOf(source: ValueSource): { readonly name: string; readonly description: string } {
  switch (source.kind) {
    case 'key':
      return { name: 'key', description: "The record's key." };
    case 'header':
      return { name: `header_${source.name}`, description: `The record's header ${source.name}.` };
    case 'json': {
      const pointer = source.pointer.map((segment) => `/${segment.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
      return { name: source.pointer.join('_'), description: `The field ${pointer} of the record's value.` };
    }
  }
}

function toAddress(pieces: readonly (string | Value)[]): Address {
  const parameters: Record<string, JsonObject> = {};
  let address = '';
  let sample = '';
  for (const piece of pieces) {
    if (typeof piece === 'string') {
      address += piece;
      sample += piece;
      continue;
    }
    const { description, fallback } = piece;
    const name = piece.name.replace(/[^A-Za-z0-9_-]/g, '_');
    parameters[name] = { description, ...(fallback === null ? {} : { default: fallback }) };
    address += `{${name}}`;
    sample += 'x';
  }
  return { address, parameters, sample };
}
