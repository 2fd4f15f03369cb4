import type { RoutedEvent } from './routed-event.js';

/** Order within a partition. */
export const compareEvents = (a: RoutedEvent, b: RoutedEvent): number => a.offset - b.offset || a.index - b.index;

/** Whether two objects of one partition stand for one event: it may be found, and made an object, once for each of its channels. */
export const isSameEvent = (a: RoutedEvent, b: RoutedEvent | undefined): boolean => b !== undefined && compareEvents(a, b) === 0;

/** An event that was found twice, by what was asked for: its channels are those of both. */
export function uniteEvent(a: RoutedEvent, b: RoutedEvent): RoutedEvent {
  const { topic, partition, offset, index, timestampMs, type, attributes, latest, body } = a;
  const channels = [...new Set([...a.channels, ...b.channels])];
  return { topic, partition, offset, index, timestampMs, channels, type, attributes, latest, body };
}

/** Merges the lists of several channels of one partition into one, in order, each event once. Lists are in order, and their events have all of their channels. */
export function mergeEvents(lists: readonly (readonly RoutedEvent[])[]): readonly RoutedEvent[] {
  const [only] = lists;
  if (lists.length === 1 && only !== undefined) return only;
  const merged = lists.flat().sort(compareEvents);
  return merged.filter((event, i) => !isSameEvent(event, merged[i - 1]));
}

/** Events of one partition that are complete up to an offset. */
export interface EventPage {
  readonly events: readonly RoutedEvent[];
  readonly provenTo: number;
}

/** The beginning of a page, no further than the record that passes a bound; records stay whole, and there is always one. */
export function cutPage(page: EventPage, eventsMax: number, bytesMax: number): EventPage {
  const { events } = page;
  let bytes = 0;
  for (let i = 0; i < events.length - 1; i++) {
    const { body, offset } = events[i] as RoutedEvent;
    bytes += body.byteLength;
    const isFull = bytes >= bytesMax || i + 1 >= eventsMax;
    if (isFull && offset !== events[i + 1]?.offset) return { events: events.slice(0, i + 1), provenTo: offset };
  }
  return page;
}
