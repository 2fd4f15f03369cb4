import { isEventType } from '../../protocol/channel-name.js';
import { channelBytesMax, controlPrefix, recordChannelsMax, typeBytesMax } from '../../protocol/names.js';
import { parseUrlShape, type UrlShape } from '../../protocol/url-shape.js';
import type { FieldReader, Fields } from '../../std/field-reader.js';
import { parseData } from './data-template.js';
import type { ConfiguredEvent, NamedStream, Rewind } from './named-stream.js';
import { namesCaller, parseStreamTemplate, valuesOf, type StreamTemplate } from './stream-template.js';

/** The names that a stream may have. */
export const streamFields = [
  'name',
  'path',
  'paths',
  'channels',
  'auth',
  'permission',
  'greeting',
  'heartbeat',
  'state',
  'rewind',
  'until',
  'types',
  'timeout',
  'unknown',
  'format',
  'allowQuery',
  'maxAgeSeconds',
  'retrySeconds',
] as const;

const yearSeconds = 31_536_000;
const typesMax = 64;

/** Checks one stream by itself; undefined when it is not an object. Problems are in `reader`. */
export function parseNamedStream(reader: FieldReader, path: string, value: unknown): NamedStream | undefined {
  const raw = reader.fields(path, value, streamFields);
  if (raw === undefined) return undefined;
  const shapes = parseShapes(reader, path, raw);
  const parameters = shapes[0]?.parameters ?? [];
  const event = (name: string, more: readonly string[] = []): readonly [ConfiguredEvent, Fields] | null =>
    raw[name] === undefined ? null : parseEvent(reader, `${path}.${name}`, raw[name], parameters, more);
  const heartbeat = event('heartbeat', ['everySeconds']);
  const timeout = event('timeout', ['seconds']);
  const seconds = (at: string, field: unknown): number => reader.integer(`${path}.${at}`, field, 1, yearSeconds, null) * 1_000;
  const stream: NamedStream = {
    name: parseName(reader, `${path}.name`, raw['name']),
    shapes,
    channels: parseChannels(reader, `${path}.channels`, raw['channels'], parameters),
    auth: reader.choice(`${path}.auth`, raw['auth'], ['required', 'optional', 'none'], 'required'),
    permission: reader.choice(`${path}.permission`, raw['permission'], ['token', 'hook', 'none'], 'token'),
    greeting: event('greeting')?.[0] ?? null,
    heartbeat: heartbeat === null ? null : { ...heartbeat[0], everyMs: seconds('heartbeat.everySeconds', heartbeat[1]['everySeconds']) },
    hasState: raw['state'] !== undefined && reader.choice(`${path}.state`, raw['state'], ['latest'], 'latest') === 'latest',
    rewind: raw['rewind'] === undefined ? null : parseRewind(reader, `${path}.rewind`, raw['rewind']),
    until: raw['until'] === undefined ? null : parseTypes(reader, `${path}.until`, raw['until']),
    types: raw['types'] === undefined ? null : parseTypes(reader, `${path}.types`, raw['types']),
    timeout: timeout === null ? null : { ...timeout[0], afterMs: seconds('timeout.seconds', timeout[1]['seconds']) },
    unknown: raw['unknown'] === undefined ? null : parseUnknown(reader, `${path}.unknown`, raw['unknown'], parameters),
    format: reader.choice(`${path}.format`, raw['format'], ['plain', 'envelope'], 'plain'),
    allowQuery: raw['allowQuery'] === undefined ? [] : parseAllowQuery(reader, `${path}.allowQuery`, raw['allowQuery']),
    maxAgeMs:
      raw['maxAgeSeconds'] === undefined
        ? null
        : reader.integer(`${path}.maxAgeSeconds`, raw['maxAgeSeconds'], 0, yearSeconds, null) * 1_000,
    retryMs: raw['retrySeconds'] === undefined ? null : reader.integer(`${path}.retrySeconds`, raw['retrySeconds'], 1, 3_600, null) * 1_000,
  };
  checkTogether(reader, path, raw, stream);
  return stream;
}

/** What the parts of one stream promise together. */
function checkTogether(
  reader: FieldReader,
  path: string,
  raw: Fields,
  { auth, permission, channels, hasState, rewind }: NamedStream,
): void {
  for (const [i, template] of channels.entries()) {
    if (auth !== 'required' && namesCaller(template)) {
      reader.problem(`${path}.channels[${i}]`, 'has a value of the caller, who need not say who it is: it needs auth: required');
    }
  }
  if (raw['unknown'] !== undefined && permission !== 'hook') {
    reader.problem(`${path}.unknown`, 'needs permission: hook, which alone can tell');
  }
  if (hasState && rewind !== null) reader.problem(`${path}.rewind`, 'stands beside state: a reader begins in one way');
}

function parseName(reader: FieldReader, path: string, value: unknown): string {
  if (typeof value === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(value)) return value;
  reader.problem(path, value === undefined ? 'is missing' : 'must be 1 to 64 of A-Z a-z 0-9 _ -');
  return '';
}

/** Addresses that are served whatever is configured, besides those below `/v1`. */
const ownPaths = ['/', '/openapi.json', '/asyncapi.json'];

function parseShapes(reader: FieldReader, path: string, raw: Fields): readonly UrlShape[] {
  if ((raw['path'] === undefined) === (raw['paths'] === undefined)) {
    reader.problem(`${path}.path`, raw['path'] === undefined ? 'is missing' : 'stands beside paths: give one of them');
    return [];
  }
  const listed = raw['path'] === undefined ? reader.list(`${path}.paths`, raw['paths'], 16) : [[`${path}.path`, raw['path']] as const];
  const shapes: UrlShape[] = [];
  for (const [at, text] of listed) {
    const shape = typeof text === 'string' ? parseUrlShape(text) : { problem: 'must be a path such as /tasks/{task_id}' };
    if ('problem' in shape) {
      reader.problem(at, shape.problem);
      continue;
    }
    if (ownPaths.includes(shape.text) || shape.segments[0]?.text === 'v1') reader.problem(at, "is an address of the fabric's own");
    const first = shapes[0] ?? shape;
    if ([...shape.parameters].sort().join() !== [...first.parameters].sort().join()) {
      reader.problem(at, `has other values than ${first.text}`);
    }
    shapes.push(shape);
  }
  return shapes;
}

function parseChannels(reader: FieldReader, path: string, value: unknown, parameters: readonly string[]): readonly StreamTemplate[] {
  if (value === undefined) {
    reader.problem(path, 'is missing');
    return [];
  }
  const templates: StreamTemplate[] = [];
  for (const [at, element] of reader.list(path, value, recordChannelsMax)) {
    const template =
      typeof element === 'string' && element !== '' ? parseStreamTemplate(element, parameters) : { problem: 'must be a template (a text)' };
    if ('problem' in template) {
      reader.problem(at, template.problem);
      continue;
    }
    const literal = template.parts.filter((part) => typeof part === 'string').join('');
    if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/u.test(literal)) reader.problem(at, 'holds a control character');
    if (Buffer.byteLength(literal) > channelBytesMax) reader.problem(at, `is longer than a channel can be (${channelBytesMax} bytes)`);
    if (valuesOf(template).some(({ kind }) => kind === 'now')) reader.problem(at, 'has {now}: a channel has no time');
    if (templates.some((other) => other.text === template.text)) reader.problem(at, 'is there twice');
    templates.push(template);
  }
  return templates;
}

const typeRule = `must be 1 to ${typeBytesMax} bytes without CR, LF or NUL, not beginning with ${controlPrefix}`;

function parseType(reader: FieldReader, path: string, value: unknown): string {
  if (typeof value === 'string' && isEventType(value)) return value;
  reader.problem(path, value === undefined ? 'is missing' : typeRule);
  return '';
}

const parseTypes = (reader: FieldReader, path: string, value: unknown): readonly string[] =>
  reader.list(path, value, typesMax).map(([at, element]) => parseType(reader, at, element));

function parseEvent(
  reader: FieldReader,
  path: string,
  value: unknown,
  parameters: readonly string[],
  more: readonly string[],
): readonly [ConfiguredEvent, Fields] | null {
  const raw = reader.fields(path, value, ['type', 'data', ...more]);
  if (raw === undefined) return null;
  const { data = {} } = raw;
  if (typeof data !== 'object' || data === null || Array.isArray(data)) reader.problem(`${path}.data`, 'must be an object');
  return [{ type: parseType(reader, `${path}.type`, raw['type']), data: parseData(reader, `${path}.data`, data, parameters) }, raw];
}

function parseUnknown(reader: FieldReader, path: string, value: unknown, parameters: readonly string[]): ConfiguredEvent | null {
  const parsed = parseEvent(reader, path, typeof value === 'object' ? { type: 'error', ...value } : value, parameters, ['answer']);
  const answer = parsed?.[1]['answer'];
  if (answer === 'event') return parsed?.[0] ?? null;
  if (answer !== undefined && answer !== 404) reader.problem(`${path}.answer`, 'must be 404 or event');
  return null;
}

function parseRewind(reader: FieldReader, path: string, value: unknown): Rewind {
  if (typeof value === 'number') return { kind: 'count', count: reader.integer(path, value, 1, 1_000, 1) };
  const raw = reader.fields(path, value, ['to']);
  if (raw === undefined) return { kind: 'count', count: 1 };
  if (raw['to'] === undefined) reader.problem(`${path}.to`, 'is missing');
  return { kind: 'to', types: raw['to'] === undefined ? [] : parseTypes(reader, `${path}.to`, raw['to']) };
}

function parseAllowQuery(reader: FieldReader, path: string, value: unknown): readonly string[] {
  return reader.list(path, value, 32).flatMap(([at, element]) => {
    if (typeof element === 'string' && /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/.test(element) && !/^channels?$/.test(element)) return [element];
    reader.problem(at, 'must be the name of a query parameter, not one of a channel');
    return [];
  });
}
