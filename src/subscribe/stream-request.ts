import { isChannelName } from '../protocol/channel-name.js';
import { hasEnd } from '../admission/named-streams/named-stream.js';
import type { ResolvedStream } from '../admission/named-streams/resolve-named-stream.js';
import type { ErrorCode } from '../protocol/error-catalogue.js';
import type { RequestSnapshot } from '../protocol/request-snapshot.js';
import type { EventFilter } from '../routing/filter.js';
import { parseSince } from './parse-since.js';
import { commonParameters, openParameters, positionParameters, streamFormats } from './stream-parameters.js';

/** What a reader asked for, checked but not yet resolved against the routes. */
export interface StreamRequest {
  readonly channels: readonly string[];
  readonly filter: EventFilter;
  readonly format: 'plain' | 'envelope' | 'json';
  /** The position that it comes with, unread. */
  readonly position: string | null;
  readonly sinceMs: number | null;
  /** Events a channel; 0: none. */
  readonly rewind: number;
  /** Begins at the newest event of one of these types; null: no. */
  readonly rewindTo: ReadonlySet<string> | null;
  /** The present state comes first, where it is kept. */
  readonly wantsState: boolean;
  /** The stream has an end that it does not come back from: a position with the end mark is answered so. */
  readonly hasEnd: boolean;
  /** How long a poll may wait for its first event. */
  readonly waitMs: number;
}

export interface StreamRequestLimits {
  readonly channelsMax: number;
  readonly rewindMax: number;
  readonly pollWaitMsMax: number;
  /** Accepted values of one filter. */
  readonly filterValuesMax: number;
  /** Parameters that identity has read. */
  readonly credentialParameters: readonly string[];
}

/** Thrown for what cannot be served; becomes a problem+json. */
export class RefusedError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, detail: string) {
    super(detail);
    this.name = 'RefusedError';
    this.code = code;
  }
}

/** Reads a request for a stream or a poll of whatever channels it names. Throws `RefusedError`. */
export function parseStreamRequest(
  request: RequestSnapshot,
  attributeNames: readonly string[],
  limits: StreamRequestLimits,
  nowMs: number,
): StreamRequest {
  const { query } = request;
  refuseUnknown(query, [...openParameters, ...attributeNames], limits);
  const filter = parseFilter(query, attributeNames, limits.filterValuesMax);
  return {
    channels: parseChannels(query, limits.channelsMax),
    filter,
    format: parseFormat(request, 'plain'),
    position: findPosition(request),
    sinceMs: parseSinceParameter(query, nowMs),
    rewind: parseCount(query, 'rewind', limits.rewindMax),
    rewindTo: null,
    wantsState: true,
    hasEnd: filter.until !== null,
    waitMs: parseWait(query, limits),
  };
}

/** Reads a request for a named stream: what its configuration leaves to the client. Throws `RefusedError`. */
export function parseNamedRequest(
  request: RequestSnapshot,
  { stream, channels }: ResolvedStream,
  attributeNames: readonly string[],
  limits: StreamRequestLimits,
  nowMs: number,
): StreamRequest {
  const { query } = request;
  refuseUnknown(query, stream.allowQuery, limits);
  const asked = parseFilter(query, attributeNames, limits.filterValuesMax);
  const until = stream.until === null ? asked.until : new Set([...stream.until, ...(asked.until ?? [])]);
  const types = narrowTypes(stream.types, asked.types, until);
  const { rewind } = stream;
  const count = parseCount(query, 'rewind', limits.rewindMax);
  return {
    channels,
    filter: { ...asked, types, until },
    format: parseFormat(request, stream.format),
    position: findPosition(request),
    sinceMs: parseSinceParameter(query, nowMs),
    rewind: count > 0 ? count : rewind?.kind === 'count' ? rewind.count : 0,
    rewindTo: rewind?.kind === 'to' ? new Set(rewind.types) : null,
    wantsState: stream.hasState,
    hasEnd: until !== null || hasEnd(stream),
    waitMs: parseWait(query, limits),
  };
}

/** Both must hold, where both are given; what ends the stream always comes. */
function narrowTypes(
  configured: readonly string[] | null,
  asked: ReadonlySet<string> | null,
  until: ReadonlySet<string> | null,
): ReadonlySet<string> | null {
  if (configured === null && asked === null) return null;
  const types = configured === null ? [...(asked ?? [])] : configured.filter((type) => asked === null || asked.has(type));
  return new Set([...types, ...(until ?? [])]);
}

function refuseUnknown(query: RequestSnapshot['query'], further: readonly string[], { credentialParameters }: StreamRequestLimits): void {
  for (const name of query.keys()) {
    if (commonParameters.includes(name) || further.includes(name) || credentialParameters.includes(name)) continue;
    throw new RefusedError('unknown-parameter', `The parameter ${quote(name)} is not known here.`);
  }
}

/** Quotes what a caller sent so that it cannot break a line or grow without bound. */
const quote = (text: string): string => JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);

function single(query: RequestSnapshot['query'], name: string): string | null {
  const values = query.get(name);
  if (values === undefined) return null;
  if (values.length > 1) throw new RefusedError('invalid-parameter', `The parameter ${name} was given ${values.length} times.`);
  return values[0] ?? null;
}

function parseChannels(query: RequestSnapshot['query'], channelsMax: number): readonly string[] {
  const named = [...(query.get('channel') ?? [])];
  for (const list of query.get('channels') ?? []) named.push(...list.split(','));
  const channels = [...new Set(named)].sort();
  if (channels.length === 0) throw new RefusedError('missing-channel', 'Name at least one with ?channel=');
  if (channels.length > channelsMax) {
    throw new RefusedError('too-many-channels', `${channels.length} channels were named; one stream takes at most ${channelsMax}.`);
  }
  for (const channel of channels) {
    if (!isChannelName(channel)) {
      throw new RefusedError('invalid-channel', `${quote(channel)} is not a channel: 1 to 255 bytes without control characters.`);
    }
  }
  return channels;
}

function parseFilter(query: RequestSnapshot['query'], attributeNames: readonly string[], valuesMax: number): EventFilter {
  const attributes: [string, ReadonlySet<string>][] = [];
  for (const name of attributeNames) {
    const values = query.get(name);
    if (values !== undefined) attributes.push([name, new Set(bounded(values, name, valuesMax))]);
  }
  return { types: typeSet(query, 'type', valuesMax), attributes, until: typeSet(query, 'until', valuesMax) };
}

function typeSet(query: RequestSnapshot['query'], name: string, valuesMax: number): ReadonlySet<string> | null {
  const values = query.get(name)?.flatMap((list) => list.split(','));
  if (values === undefined) return null;
  if (values.includes('')) throw new RefusedError('invalid-parameter', `The parameter ${name} holds an empty event type.`);
  return new Set(bounded(values, name, valuesMax));
}

function bounded(values: readonly string[], name: string, valuesMax: number): readonly string[] {
  if (values.length > valuesMax) throw new RefusedError('invalid-parameter', `The parameter ${name} takes at most ${valuesMax} values.`);
  return values;
}

function parseFormat(request: RequestSnapshot, usual: 'plain' | 'envelope'): StreamRequest['format'] {
  const format = single(request.query, 'format');
  const known = streamFormats.find((name) => name === format);
  if (known !== undefined) return known;
  if (format !== null) throw new RefusedError('invalid-parameter', 'The parameter format is plain, envelope or json.');
  const accept = request.headers.get('accept') ?? '';
  return accept.includes('application/json') && !accept.includes('text/event-stream') ? 'json' : usual;
}

function findPosition(request: RequestSnapshot): string | null {
  const header = request.headers.get('last-event-id');
  if (header !== undefined && header !== '') return header;
  for (const name of positionParameters) {
    // reconnecting-eventsource adds its own behind one that the page's address holds: the last is the newest.
    const value = request.query.get(name)?.at(-1);
    if (value !== undefined && value !== '') return value;
  }
  return null;
}

function parseSinceParameter(query: RequestSnapshot['query'], nowMs: number): number | null {
  const text = single(query, 'since');
  if (text === null) return null;
  const sinceMs = parseSince(text, nowMs);
  if (sinceMs === null) {
    throw new RefusedError(
      'invalid-parameter',
      'The parameter since is an ISO time, milliseconds since 1970, or a duration such as 30s, 5m, 2h or 1d.',
    );
  }
  return sinceMs;
}

const parseWait = (query: RequestSnapshot['query'], { pollWaitMsMax }: StreamRequestLimits): number =>
  parseCount(query, 'wait', Math.floor(pollWaitMsMax / 1_000)) * 1_000;

function parseCount(query: RequestSnapshot['query'], name: string, max: number): number {
  const text = single(query, name);
  if (text === null) return 0;
  const count = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (!(count <= max)) throw new RefusedError('invalid-parameter', `The parameter ${name} is a whole number from 0 to ${max}.`);
  return count;
}
