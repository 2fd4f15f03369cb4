import { isUtf8 } from 'node:buffer';
import { isChannelName, isEventType } from '../protocol/channel-name.js';
import { readStructuredEvent } from '../routing/cloud-event.js';
import { isWellFormed } from '../std/percent-encoding.js';
import { invalidEvent } from './publish-event.js';
import type { EventFault, PublishEvent, PublishShape } from './publish-event.js';
import { quote } from './read-plain-event.js';

const attributesMax = 32;
const attributeLengthMax = 1_024;
const required = ['id', 'source', 'type'] as const;
const noAttributes: ReadonlyMap<string, string> = new Map();

/** Reads a CloudEvent in structured mode (JSON event format 1.0.2). */
export function readCloudEventJson(text: string, shape: PublishShape): PublishEvent | EventFault {
  const envelope = readStructuredEvent(text);
  if (envelope === undefined)
    return invalidEvent('This is no CloudEvent in JSON: it needs specversion, id, source and type, and either "data" or "data_base64".');
  const attributes = new Map<string, string>();
  for (const [name, value] of Object.entries(envelope.attributes)) {
    // A null is an attribute that is not set.
    if (name === 'data' || name === 'data_base64' || value === null) continue;
    const isText = typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isSafeInteger(value));
    if (!isText) return invalidEvent(`The attribute ${quote(name)} must be a string, a boolean or a whole number.`);
    attributes.set(name, String(value));
  }
  const { data } = envelope;
  const hasData = data.length > 0 || 'data' in envelope.attributes || 'data_base64' in envelope.attributes;
  if (hasData && !attributes.has('datacontenttype')) attributes.set('datacontenttype', 'application/json');
  return toEvent(attributes, data, shape);
}

/** Reads a CloudEvent in binary mode (HTTP binding 1.0.2 §3.1): attributes in `ce-` headers, data in the body. */
export function readBinaryCloudEvent(
  body: Uint8Array,
  contentType: string,
  headers: ReadonlyMap<string, string>,
  shape: PublishShape,
): PublishEvent | EventFault {
  const attributes = new Map<string, string>();
  for (const [header, text] of headers) {
    if (!header.startsWith('ce-')) continue;
    const name = header.slice(3);
    const value = decodeHeaderValue(text);
    if (value === undefined) return invalidEvent(`The header ${quote(header)} is not percent-encoded UTF-8.`);
    if (name === 'datacontenttype') return invalidEvent('The data content type is the Content-Type of the request, not a ce- header.');
    attributes.set(name, value);
  }
  if (contentType !== '') attributes.set('datacontenttype', contentType);
  return toEvent(attributes, body, shape);
}

/** §3.1.3.2: perhaps quoted, then percent-encoded outside printable ASCII. */
function decodeHeaderValue(text: string): string | undefined {
  const quoted = /^"((?:[^"\\]|\\.)*)"$/.exec(text)?.[1];
  const plain = quoted === undefined ? text : quoted.replace(/\\(.)/g, '$1');
  if (/[^\x20-\x7e]/.test(plain)) return undefined;
  try {
    return decodeURIComponent(plain);
  } catch {
    return undefined;
  }
}

function toEvent(attributes: ReadonlyMap<string, string>, data: string | Uint8Array, shape: PublishShape): PublishEvent | EventFault {
  const fault = findFault(attributes, data);
  if (fault !== null) return fault;
  const named = shape.cloudEventChannel.find((name) => attributes.has(name));
  const channel = named === undefined ? undefined : attributes.get(named);
  if (channel === undefined) return invalidEvent(`No attribute names the channel: ${shape.cloudEventChannel.join(' or ')}.`);
  if (!isChannelName(channel))
    return invalidEvent(`The attribute ${quote(named ?? '')} must be a channel: 1 to 255 bytes without control characters.`);
  const headers: Record<string, string> = {};
  for (const [name, value] of attributes) headers[name === 'datacontenttype' ? 'content-type' : `ce_${name}`] = value;
  return { channel, type: attributes.get('type') ?? '', data, attributes: noAttributes, key: null, headers };
}

function findFault(attributes: ReadonlyMap<string, string>, data: string | Uint8Array): EventFault | null {
  if (attributes.get('specversion') !== '1.0') return invalidEvent('"specversion" must be 1.0.');
  const missing = required.find((name) => (attributes.get(name) ?? '') === '');
  if (missing !== undefined) return invalidEvent(`The attribute "${missing}" is missing or empty.`);
  if (attributes.size > attributesMax)
    return { ...invalidEvent(`A CloudEvent has at most ${attributesMax} attributes here.`), limit: attributesMax };
  for (const [name, value] of attributes) {
    if (!/^[a-z0-9]{1,64}$/.test(name)) return invalidEvent(`The attribute ${quote(name)} must be named with a-z and 0-9.`);
    if (value.length > attributeLengthMax || !isWellFormed(value) || /[\p{Cc}]/u.test(value))
      return invalidEvent(`The attribute ${quote(name)} must have at most ${attributeLengthMax} characters and no control characters.`);
  }
  if (!isEventType(attributes.get('type') ?? ''))
    return invalidEvent('The attribute "type" must have at most 64 bytes and must not begin with "selvage.".');
  if (/^application\/cloudevents/i.test(attributes.get('datacontenttype') ?? ''))
    return invalidEvent('A CloudEvent inside a CloudEvent is not read.');
  const isText = typeof data === 'string' ? isWellFormed(data) : isUtf8(data);
  return isText ? null : invalidEvent('The data must be UTF-8: readers get text.');
}
