import { isEventType } from '../protocol/channel-name.js';
import { channelBytesMax, controlPrefix, recordChannelsMax, typeBytesMax } from '../protocol/names.js';
import { parseAttributes } from './parse-attributes.js';
import { parseJsonPointer } from './json-pointer.js';
import type { Condition, Pick, Route } from './route.js';
import type { FieldReader } from '../std/field-reader.js';
import { parseChannelSegments, type ChannelSegments } from './latest-rule.js';
import type { LatestRule } from './routed-event.js';
import { parseSource, parseTemplate, valuePartsOf } from './template.js';
import type { Template } from './template.js';

/** The names that a route may have. */
export const routeFields = [
  'topic',
  'channels',
  'type',
  'attributes',
  'when',
  'data',
  'tombstone',
  'keyed',
  'latest',
  'publish',
  'position',
  'generation',
  'compacted',
  'decode',
] as const;

/** Decoders that the grammar has names for, and nothing more yet. */
const futureDecoders = ['avro', 'protobuf', 'debezium-outbox'];
const latestBytesMaxDefault = 65_536;
const yearSeconds = 31_536_000;

/** Checks one route by itself; undefined when it is not an object. Problems are in `reader`. */
export function parseRoute(reader: FieldReader, path: string, value: unknown): Route | undefined {
  const raw = reader.fields(path, value, routeFields);
  if (raw === undefined) return undefined;
  if (raw['decode'] !== undefined) refuseDecode(reader, `${path}.decode`, raw['decode']);
  return {
    topic: parseTopic(reader, `${path}.topic`, raw['topic']),
    channels: parseChannels(reader, `${path}.channels`, raw['channels']),
    types: parseTypes(reader, `${path}.type`, raw['type']),
    attributes: raw['attributes'] === undefined ? [] : parseAttributes(reader, `${path}.attributes`, raw['attributes']),
    when: raw['when'] === undefined ? [] : parseWhen(reader, `${path}.when`, raw['when']),
    pick: parseData(reader, `${path}.data`, raw['data']),
    tombstone: parseTombstone(reader, `${path}.tombstone`, raw['tombstone']),
    keyed: reader.choice(`${path}.keyed`, raw['keyed'], ['murmur2', 'crc32', false], false),
    latest: raw['latest'] === undefined ? null : parseLatest(reader, `${path}.latest`, raw['latest']),
    publish: reader.choice(`${path}.publish`, raw['publish'], [true, false], false),
    position: reader.choice(`${path}.position`, raw['position'], ['offset', 'time'], 'offset'),
    generation: parseGeneration(reader, `${path}.generation`, raw['generation']),
    compactedMeans: reader.choice(`${path}.compacted`, raw['compacted'], ['gap', 'current-state'], 'gap'),
  };
}

function refuseDecode(reader: FieldReader, path: string, value: unknown): void {
  const isKnown = typeof value === 'string' && futureDecoders.includes(value);
  reader.problem(
    path,
    isKnown ? `${value} is not implemented yet: values must be text or JSON` : `must be one of ${futureDecoders.join(', ')}`,
  );
}

function parseTopic(reader: FieldReader, path: string, value: unknown): string {
  if (typeof value === 'string' && /^[A-Za-z0-9._-]{1,249}$/.test(value) && value !== '.' && value !== '..') return value;
  reader.problem(path, value === undefined ? 'is missing' : 'must be the name of a Kafka topic: 1 to 249 of A-Z a-z 0-9 . _ -');
  return '';
}

/** A generation separates offsets of a topic that was made anew; a number in YAML is meant as text. */
function parseGeneration(reader: FieldReader, path: string, value: unknown): string {
  if (value === undefined) return '';
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text === 'string' && /^[A-Za-z0-9_-]{1,32}$/.test(text)) return text;
  reader.problem(path, 'must be 1 to 32 of A-Z a-z 0-9 _ -');
  return '';
}

function parseTemplateField(reader: FieldReader, path: string, value: unknown): Template | undefined {
  const template = typeof value === 'string' ? parseTemplate(value) : { problem: 'must be a template (a string)' };
  if ('problem' in template) {
    reader.problem(path, template.problem);
    return undefined;
  }
  return template;
}

const literalsOf = (template: Template): readonly string[] =>
  template.parts.flatMap((part) => (part.kind === 'literal' ? [part.text] : part.fallback === null ? [] : [part.fallback]));

const hasControl = (text: string): boolean => /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/u.test(text);

function parseChannels(reader: FieldReader, path: string, value: unknown): readonly Template[] {
  if (value === undefined) {
    reader.problem(path, 'is missing');
    return [];
  }
  const templates: Template[] = [];
  for (const [at, element] of reader.list(path, value, recordChannelsMax)) {
    const template = parseTemplateField(reader, at, element);
    if (template === undefined) continue;
    if (literalsOf(template).some(hasControl)) reader.problem(at, 'holds a control character');
    const literal = template.parts.map((part) => (part.kind === 'literal' ? part.text : '')).join('');
    if (Buffer.byteLength(literal) > channelBytesMax) reader.problem(at, `is longer than a channel can be (${channelBytesMax} bytes)`);
    if (templates.some((other) => other.text === template.text)) reader.problem(at, 'is there twice');
    templates.push(template);
  }
  return templates;
}

function parseTypes(reader: FieldReader, path: string, value: unknown): readonly Template[] {
  if (value === undefined) return [];
  const templates: Template[] = [];
  for (const [at, element] of reader.list(path, value, 16)) {
    const template = parseTemplateField(reader, at, element);
    if (template === undefined) continue;
    const isConstant = valuePartsOf(template).length === 0;
    if (isConstant ? !isEventType(template.text) : template.text.startsWith(controlPrefix)) reader.problem(at, typeRule);
    templates.push(template);
  }
  return templates;
}

const typeRule = `must be 1 to ${typeBytesMax} bytes without CR, LF or NUL, not beginning with ${controlPrefix}`;

function parseWhen(reader: FieldReader, path: string, value: unknown): readonly Condition[] {
  const conditions: Condition[] = [];
  for (const [name, wanted] of Object.entries(reader.fields(path, value, null) ?? {})) {
    const at = `${path}["${name}"]`;
    const source = parseSource(name);
    if (source === undefined) reader.problem(at, 'must be named key, header:name, json:/pointer or json:name');
    const accepted = reader.list(at, wanted, 1_000).flatMap(([elementPath, element]) => {
      if (typeof element === 'string' || typeof element === 'number' || typeof element === 'boolean') return [String(element)];
      reader.problem(elementPath, 'must be a text');
      return [];
    });
    if (source !== undefined) conditions.push({ source, accepted });
  }
  return conditions;
}

function parseData(reader: FieldReader, path: string, value: unknown): readonly Pick[] | null {
  if (value === undefined || value === 'whole') return null;
  const raw = reader.fields(path, value, ['pick']);
  if (raw === undefined) return null;
  const picks: Pick[] = [];
  for (const [at, element] of reader.list(`${path}.pick`, raw['pick'], 64)) {
    const pointer = typeof element === 'string' ? parseJsonPointer(element) : undefined;
    const name = pointer?.at(-1);
    if (pointer === undefined || name === undefined) {
      reader.problem(at, 'must be a JSON pointer such as /customer/name');
      continue;
    }
    if (picks.some((other) => other.name === name))
      reader.problem(at, `would be the second field named ${name}: a picked value is named by the last segment`);
    picks.push({ name, pointer });
  }
  return picks;
}

function parseTombstone(reader: FieldReader, path: string, value: unknown): Route['tombstone'] {
  if (value === undefined || value === 'drop') return null;
  const raw = typeof value === 'string' ? undefined : reader.fields(path, value, ['type', 'data']);
  if (raw === undefined) {
    if (typeof value === 'string') reader.problem(path, 'must be drop, or {type, data}');
    return null;
  }
  const { type, data = 'null' } = raw as { type?: unknown; data?: unknown };
  if (typeof type !== 'string' || !isEventType(type)) reader.problem(`${path}.type`, type === undefined ? 'is missing' : typeRule);
  // Not text: the JSON of what stands in the configuration.
  return { type: String(type), data: typeof data === 'string' ? data : JSON.stringify(data) };
}

function parseLatest(reader: FieldReader, path: string, value: unknown): LatestRule | null {
  const raw = reader.fields(path, value, ['ttlSeconds', 'bytesMax', 'channels']);
  if (raw === undefined) return null;
  return {
    ...(raw['channels'] === undefined ? {} : { channels: parseLatestChannels(reader, `${path}.channels`, raw['channels']) }),
    ttlMs: reader.integer(`${path}.ttlSeconds`, raw['ttlSeconds'], 1, 10 * yearSeconds, null) * 1_000,
    bytesMax: reader.integer(`${path}.bytesMax`, raw['bytesMax'], 1, 16_777_216, latestBytesMaxDefault),
  };
}

function parseLatestChannels(reader: FieldReader, path: string, value: unknown): readonly ChannelSegments[] {
  return reader.list(path, value, 64).flatMap(([at, element]) => {
    const segments =
      typeof element === 'string' ? parseChannelSegments(element) : { problem: 'must be a pattern of channels such as task.*' };
    if (!('problem' in segments)) return [segments];
    reader.problem(at, segments.problem);
    return [];
  });
}
