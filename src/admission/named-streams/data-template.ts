import type { FieldReader } from '../../std/field-reader.js';
import { fillText, parseStreamTemplate, valuesOf, type StreamCaller, type StreamTemplate } from './stream-template.js';

/** The data of an event that the configuration writes: JSON whose texts are templates. */
export type DataTemplate =
  | { readonly kind: 'constant'; readonly value: string | number | boolean | null }
  | { readonly kind: 'text'; readonly template: StreamTemplate }
  | { readonly kind: 'list'; readonly items: readonly DataTemplate[] }
  | { readonly kind: 'object'; readonly members: readonly (readonly [name: string, value: DataTemplate])[] };

const depthMax = 8;

/** Reads an object of the configuration as data. */
export function parseData(reader: FieldReader, path: string, value: unknown, parameters: readonly string[], depth = 0): DataTemplate {
  if (depth > depthMax) reader.problem(path, `is nested deeper than ${depthMax}`);
  else if (value === null || typeof value === 'number' || typeof value === 'boolean') return { kind: 'constant', value };
  else if (typeof value === 'string') {
    const template = parseStreamTemplate(value, parameters);
    if (!('problem' in template)) {
      return valuesOf(template).length === 0 ? { kind: 'constant', value } : { kind: 'text', template };
    }
    reader.problem(path, template.problem);
  } else if (Array.isArray(value)) {
    return { kind: 'list', items: value.map((item, i) => parseData(reader, `${path}[${i}]`, item, parameters, depth + 1)) };
  } else if (typeof value === 'object') {
    const members = Object.entries(value).map(
      ([name, member]) => [name, parseData(reader, `${path}.${name}`, member, parameters, depth + 1)] as const,
    );
    return { kind: 'object', members };
  } else reader.problem(path, 'must be JSON');
  return { kind: 'constant', value: null };
}

/** The data for one caller at one moment. */
export function fillData(data: DataTemplate, caller: StreamCaller, nowMs: number): unknown {
  switch (data.kind) {
    case 'constant':
      return data.value;
    case 'text':
      return fillText(data.template, caller, nowMs);
    case 'list':
      return data.items.map((item) => fillData(item, caller, nowMs));
    case 'object':
      return Object.fromEntries(data.members.map(([name, value]) => [name, fillData(value, caller, nowMs)]));
  }
}
