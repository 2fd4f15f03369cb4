import { sliceJson } from './json-slice.js';

/** A CloudEvent in structured mode: its attributes, and its data as text. */
export interface StructuredEvent {
  readonly attributes: Readonly<Record<string, unknown>>;
  /** The data as a reader gets it; bytes when it came as base64. */
  readonly data: string | Uint8Array;
}

const structuredType = /^application\/cloudevents\+([a-z0-9.-]+)[ \t]*(?:;|$)/i;

/** The format named by a structured mode content type (`json`, `avro`, …); undefined for every other content type. */
export function structuredFormatOf(contentType: string): string | undefined {
  return structuredType.exec(contentType.trim())?.[1]?.toLowerCase();
}

const required = ['specversion', 'id', 'source', 'type'] as const;
const jsonType = /[/+]json[ \t]*(?:;|$)/i;
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * Reads a CloudEvents 1.0 JSON envelope. `data` is taken as written (so numbers keep their digits); a string under a `datacontenttype` that is
 * not JSON is the text itself (JSON format §3.1); no data is no bytes. Undefined when it is not a CloudEvent.
 */
export function readStructuredEvent(text: string): StructuredEvent | undefined {
  let envelope: unknown;
  try {
    envelope = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof envelope !== 'object' || envelope === null || Array.isArray(envelope)) return undefined;
  const attributes = envelope as Readonly<Record<string, unknown>>;
  for (const name of required) {
    if (!Object.hasOwn(attributes, name) || typeof attributes[name] !== 'string' || attributes[name] === '') return undefined;
  }
  const data = dataOf(text, attributes);
  return data === undefined ? undefined : { attributes, data };
}

function dataOf(text: string, attributes: Readonly<Record<string, unknown>>): string | Uint8Array | undefined {
  const hasData = Object.hasOwn(attributes, 'data');
  if (Object.hasOwn(attributes, 'data_base64')) {
    const encoded = attributes['data_base64'];
    return !hasData && typeof encoded === 'string' && base64.test(encoded) ? Buffer.from(encoded, 'base64') : undefined;
  }
  if (!hasData) return '';
  const data = attributes['data'];
  const contentType = Object.hasOwn(attributes, 'datacontenttype') ? attributes['datacontenttype'] : undefined;
  if (typeof data === 'string' && typeof contentType === 'string' && !jsonType.test(contentType)) return data;
  return sliceJson(text, ['data']) ?? '';
}
