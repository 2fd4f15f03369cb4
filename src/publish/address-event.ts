import type { AppendRecord } from '../log/event-log.js';
import { channelBytesMax } from '../protocol/names.js';
import type { RecordHeaders } from '../protocol/log-record.js';
import type { RoutedEvent } from '../routing/routed-event.js';
import type { PublishTarget, Router, UndecodableReason } from '../routing/router.js';
import { invalidEvent, isFault } from './publish-event.js';
import type { EventFault, PublishEvent } from './publish-event.js';
import { quote } from './read-plain-event.js';

/** The type's header where the route reads it; of CloudEvents it is `ce_type`. */
const ownTypeHeader = 'selvage-type';

/** An event with its place, and every channel that it reaches there. */
export interface AddressedEvent {
  readonly channel: string;
  readonly record: AppendRecord;
  readonly channels: ReadonlySet<string>;
}

/**
 * Makes the record of an event and proves, by routing it, that readers get what was asked for: this channel, this type, these attributes. What the
 * route cannot carry is refused by name. `extra` headers yield to the event's own.
 */
export function addressEvent(
  event: PublishEvent,
  router: Pick<Router, 'publishTargetOf' | 'route'>,
  nowMs: number,
  extra: Readonly<Record<string, string>>,
): AddressedEvent | EventFault {
  const target = router.publishTargetOf(event.channel);
  if (target === null)
    return {
      code: 'unroutable-channel',
      detail: `No route that may be published to can produce the channel ${quoteChannel(event.channel)}.`,
    };
  if (event.key !== null && !target.keyIsFree && event.key !== target.key)
    return invalidEvent(`"key" cannot be chosen here: the channel ${quoteChannel(event.channel)} gives the key.`);
  const key = event.key ?? target.key;
  const headers = headersOf(event, target, extra);
  if (isFault(headers)) return headers;
  const record = { topic: target.topic, key, partitionHash: target.keyHash, value: event.data, headers };
  const routed = router.route(target.topic, 0, {
    offset: 0,
    timestampMs: nowMs,
    key: Buffer.from(key),
    value: typeof event.data === 'string' ? Buffer.from(event.data) : event.data,
    headers: toBytes(headers),
  });
  const fault = typeof routed === 'string' ? undecodable(routed) : findDifference(event, routed);
  if (fault !== null) return fault;
  const channels = new Set(typeof routed === 'string' ? [] : routed.flatMap((one) => one.channels));
  return { channel: event.channel, record, channels };
}

export const quoteChannel = (channel: string): string => JSON.stringify(channel.slice(0, channelBytesMax));

function headersOf(
  event: PublishEvent,
  target: PublishTarget,
  extra: Readonly<Record<string, string>>,
): Record<string, string> | EventFault {
  const headers: Record<string, string> = { ...extra, ...event.headers };
  if (event.type !== '') {
    const [first] = target.typeHeaders;
    const own = target.typeHeaders.includes(ownTypeHeader) ? ownTypeHeader : first;
    const isCarried = target.typeHeaders.some((header) => headers[header] === event.type);
    if (own !== undefined && !isCarried) headers[own] = event.type;
  }
  for (const [name, value] of event.attributes) {
    const header = target.attributeHeaders.get(name);
    if (header === undefined) continue;
    const other = headers[header];
    if (other !== undefined && other !== value)
      return invalidEvent(`The attribute ${quote(name)} has another value elsewhere in the event.`);
    headers[header] = value;
  }
  return headers;
}

/** What readers of the channel would get otherwise than asked. */
function findDifference(event: PublishEvent, routed: readonly RoutedEvent[]): EventFault | null {
  const mine = routed.filter(({ channels }) => channels.includes(event.channel));
  const [one] = mine;
  if (one === undefined) return invalidEvent(`The route of the channel ${quoteChannel(event.channel)} does not select this event.`);
  if (event.type !== '' && one.type !== event.type)
    return invalidEvent(`The route of the channel does not carry the type ${quote(event.type)}: it would be ${quote(one.type)}.`);
  for (const [name, value] of event.attributes) {
    const { attributes } = one;
    const got = attributes !== null && Object.hasOwn(attributes, name) ? attributes[name] : undefined;
    if (got !== value) return invalidEvent(`The route of the channel does not carry the attribute ${quote(name)}.`);
  }
  return null;
}

function undecodable(reason: UndecodableReason): EventFault {
  switch (reason) {
    case 'oversized':
      return { code: 'body-too-large', detail: 'The data is larger than an event may be.' };
    case 'invalid-json':
      return invalidEvent('The data must be JSON: the route of the channel reads fields of it.');
    case 'invalid-utf8':
    case 'invalid-cloudevent':
      return invalidEvent('The route of the channel cannot read this event.');
  }
}

function toBytes(headers: Readonly<Record<string, string>>): RecordHeaders {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Buffer.from(value)]));
}
