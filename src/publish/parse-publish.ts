import { isChannelName, isEventType } from '../protocol/channel-name.js';
import type { ErrorCode } from '../protocol/error-catalogue.js';

/** One event as offered for publishing. */
export interface PublishItem {
  readonly channel: string;
  /** Empty: the default type `message`. */
  readonly type: string;
  /** The record's value: a string as it is, anything else as JSON. */
  readonly data: string;
}

export type PublishParse =
  | { readonly kind: 'items'; readonly items: readonly PublishItem[] }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly detail: string; readonly limit?: number };

const decoder = new TextDecoder('utf-8', { fatal: true });
const eventFields = new Set(['channel', 'type', 'data']);

/** Reads `{channel, type?, data}` or `{events: [those]}`. All or nothing: one bad item refuses the batch and is named. */
export function parsePublish(body: Uint8Array, itemsMax: number): PublishParse {
  let root: unknown;
  try {
    root = JSON.parse(decoder.decode(body));
  } catch {
    return { kind: 'refused', code: 'malformed-request', detail: 'The body is not JSON in UTF-8.' };
  }
  if (!isObject(root)) return invalid('The body must be an object.');
  if (!Object.hasOwn(root, 'events')) return collect([root], () => 'The event');
  const { events } = root;
  if (Object.keys(root).length > 1) return invalid('A batch has nothing but "events".');
  if (!Array.isArray(events) || events.length === 0) return invalid('"events" must be an array with at least one event.');
  if (events.length > itemsMax) return { ...invalid(`A batch has at most ${itemsMax} events.`), limit: itemsMax };
  return collect(events, (index) => `events[${index}]`);
}

function collect(events: readonly unknown[], nameOf: (index: number) => string): PublishParse {
  const items: PublishItem[] = [];
  for (const [index, event] of events.entries()) {
    const item = parseEvent(event);
    if (typeof item === 'string') return invalid(`${nameOf(index)}: ${item}`);
    items.push(item);
  }
  return { kind: 'items', items };
}

/** The item, or what is wrong with it. */
function parseEvent(event: unknown): PublishItem | string {
  if (!isObject(event)) return 'must be an object.';
  const { channel, type, data } = event;
  const unknown = Object.keys(event).find((field) => !eventFields.has(field));
  if (unknown !== undefined) return `has a field that is not known here: ${JSON.stringify(unknown.slice(0, 40))}.`;
  if (typeof channel !== 'string' || !isChannelName(channel))
    return '"channel" must be a string of 1 to 255 bytes without control characters.';
  if (type !== undefined && (typeof type !== 'string' || !isEventType(type))) {
    return '"type" must be a string of 1 to 64 bytes without CR, LF and NUL, and must not begin with "selvage.".';
  }
  if (!Object.hasOwn(event, 'data')) return '"data" is missing.';
  return { channel, type: type ?? '', data: typeof data === 'string' ? data : JSON.stringify(data) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(detail: string): PublishParse & { kind: 'refused' } {
  return { kind: 'refused', code: 'invalid-event', detail };
}
