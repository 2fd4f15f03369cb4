import { fitsBytes, isChannelName, isEventType } from '../protocol/channel-name.js';
import { channelBytesMax } from '../protocol/names.js';
import { sliceJson } from '../routing/json-slice.js';
import { encodeValue, isWellFormed } from '../std/percent-encoding.js';
import { invalidEvent } from './publish-event.js';
import type { EventFault, PublishEvent, PublishShape } from './publish-event.js';

export const eventFields = new Set(['channel', 'user', 'broadcast', 'type', 'data', 'attributes', 'key']);
export const attributesMax = 16;
export const attributeLengthMax = 1_024;

/** Reads `{channel | user + channel | broadcast, type?, data, attributes?, key?}`; `text` is the source of `event`. */
export function readPlainEvent(event: Readonly<Record<string, unknown>>, text: string, shape: PublishShape): PublishEvent | EventFault {
  const unknown = Object.keys(event).find((field) => !eventFields.has(field));
  if (unknown !== undefined) return invalidEvent(`A field is not known here: ${quote(unknown)}.`);
  const channel = readChannel(event, shape);
  if (typeof channel !== 'string') return channel;
  const { type, key } = event;
  if (type !== undefined && (typeof type !== 'string' || !isEventType(type))) return invalidEvent(typeRule);
  if (key !== undefined && (typeof key !== 'string' || !isChannelName(key)))
    return invalidEvent('"key" must be a string of 1 to 255 bytes without control characters.');
  const attributes = readAttributes(event['attributes']);
  if ('code' in attributes) return attributes;
  if (!Object.hasOwn(event, 'data')) return invalidEvent('"data" is missing.');
  const { data } = event;
  if (typeof data === 'string' && !isWellFormed(data)) return invalidEvent('"data" has an unpaired surrogate.');
  // Not stringified anew: numbers keep their digits.
  const value = typeof data === 'string' ? data : (sliceJson(text, ['data']) ?? '');
  return { channel, type: type ?? '', data: value, attributes, key: key ?? null, headers: {} };
}

const typeRule = '"type" must be a string of 1 to 64 bytes without CR, LF and NUL, and must not begin with "selvage.".';
const channelRule = '"channel" must be a string of 1 to 255 bytes without control characters.';

/** Text of the caller, shortened, for a sentence. */
export const quote = (text: string): string => JSON.stringify(text.slice(0, 60));

function readChannel({ channel, user, broadcast }: Readonly<Record<string, unknown>>, shape: PublishShape): string | EventFault {
  if (broadcast !== undefined && broadcast !== false) {
    if (broadcast !== true) return invalidEvent('"broadcast" must be true or absent.');
    if (channel !== undefined || user !== undefined) return invalidEvent('"broadcast" goes without "channel" and "user".');
    return shape.broadcastChannel;
  }
  if (typeof channel !== 'string' || !isChannelName(channel)) return invalidEvent(channelRule);
  if (user === undefined) return channel;
  if (typeof user !== 'string' || user === '' || !fitsBytes(user, channelBytesMax))
    return invalidEvent('"user" must be a string of 1 to 255 bytes.');
  const encoded = { user: encodeValue(user), channel: encodeValue(channel) };
  if (encoded.user === undefined || encoded.channel === undefined) return invalidEvent('"user" has an unpaired surrogate.');
  const { userChannel } = shape;
  const whole = userChannel.replace('{user}', () => encoded.user ?? '').replace('{channel}', () => encoded.channel ?? '');
  return isChannelName(whole) ? whole : invalidEvent('"user" and "channel" make a channel that is longer than 255 bytes.');
}

function readAttributes(value: unknown): ReadonlyMap<string, string> | EventFault {
  const attributes = new Map<string, string>();
  if (value === undefined) return attributes;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return invalidEvent('"attributes" must be an object of strings.');
  const entries = Object.entries(value);
  if (entries.length > attributesMax)
    return { ...invalidEvent(`"attributes" has more than ${attributesMax} names.`), limit: attributesMax };
  for (const [name, text] of entries) {
    if (typeof text !== 'string' || text.length > attributeLengthMax || !isWellFormed(text))
      return invalidEvent(`The attribute ${quote(name)} must be a string of at most ${attributeLengthMax} characters.`);
    attributes.set(name, text);
  }
  return attributes;
}
