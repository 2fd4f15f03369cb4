import { readBinaryCloudEvent, readCloudEventJson } from './read-cloud-event.js';
import { checkJsonText } from './check-json-text.js';
import { invalidEvent } from './publish-event.js';
import type { EventFault, PublishEvent, PublishShape, ReadEvents } from './publish-event.js';
import { readPlainEvent } from './read-plain-event.js';
import { sliceElements, sliceJson } from '../routing/json-slice.js';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

/** Media type without parameters, in lower case. */
export const mediaTypeOf = (contentType: string): string => contentType.split(';')[0]?.trim().toLowerCase() ?? '';

/** Reads a body in the form that its content type and headers tell: events of our own, or CloudEvents 1.0 structured, batched or binary. */
export function readEvents(body: Uint8Array, contentType: string, headers: ReadonlyMap<string, string>, shape: PublishShape): ReadEvents {
  const type = mediaTypeOf(contentType);
  if (type === 'application/cloudevents+json') return withText(body, (text) => single(readCloudEventJson(text, shape)));
  if (type === 'application/cloudevents-batch+json') return withText(body, (text) => readCloudEventBatch(text, shape));
  if (type.startsWith('application/cloudevents'))
    return refuseType(`CloudEvents are read as JSON, not as ${JSON.stringify(type.slice(0, 80))}.`);
  if (headers.has('ce-specversion')) return single(readBinaryCloudEvent(body, contentType, headers, shape));
  if (type !== 'application/json' && !type.endsWith('+json')) {
    return refuseType(
      'The body must be application/json, application/cloudevents+json or application/cloudevents-batch+json, or a CloudEvent in ce- headers.',
    );
  }
  return withText(body, (text, root) => readOwn(text, root, shape));
}

function readOwn(text: string, root: unknown, shape: PublishShape): ReadEvents {
  if (!isObject(root)) return refuse(invalidEvent('The body must be an object: an event, or {"events": […]}.'));
  if (!Object.hasOwn(root, 'events')) return single(readPlainEvent(root, text, shape));
  if (Object.keys(root).length > 1) return refuse(invalidEvent('A batch has nothing but "events".'));
  const elements = sliceElements(sliceJson(text, ['events']) ?? '');
  const parsed = root['events'];
  if (elements === undefined || !Array.isArray(parsed)) return refuse(invalidEvent('"events" must be an array with at least one event.'));
  return batch(elements, shape, (element, index) => {
    const event: unknown = parsed[index];
    return isObject(event) ? readPlainEvent(event, element, shape) : invalidEvent('An event must be an object.');
  });
}

function readCloudEventBatch(text: string, shape: PublishShape): ReadEvents {
  const elements = sliceElements(text);
  if (elements === undefined) return refuse(invalidEvent('The body must be an array of CloudEvents.'));
  return batch(elements, shape, (element) => readCloudEventJson(element, shape));
}

function batch(
  elements: readonly string[],
  { eventsMax }: PublishShape,
  read: (element: string, index: number) => PublishEvent | EventFault,
): ReadEvents {
  if (elements.length === 0) return refuse(invalidEvent('A batch has at least one event.'));
  if (elements.length > eventsMax) return refuse({ ...invalidEvent(`A batch has at most ${eventsMax} events.`), limit: eventsMax });
  return { kind: 'events', isBatch: true, events: elements.map(read) };
}

function withText(body: Uint8Array, read: (text: string, root: unknown) => ReadEvents): ReadEvents {
  let text: string;
  let root: unknown;
  try {
    text = decoder.decode(body);
    const fault = checkJsonText(text);
    if (fault !== null) return refuse(fault);
    root = JSON.parse(text);
  } catch {
    return refuse({ code: 'malformed-request', detail: 'The body is not JSON in UTF-8.' });
  }
  return read(text, root);
}

const single = (event: PublishEvent | EventFault): ReadEvents => ({ kind: 'events', isBatch: false, events: [event] });
const refuse = (fault: EventFault): ReadEvents => ({ kind: 'refused', fault });
const refuseType = (detail: string): ReadEvents => refuse({ code: 'unsupported-media-type', detail });

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
