import type { RoutedEvent } from './routed-event.js';

/** Order within a partition. */
export const compareEvents = (a: RoutedEvent, b: RoutedEvent): number => a.offset - b.offset || a.index - b.index;

/** Whether two objects stand for one event as it was found: `recent` makes one for each channel that it is asked for. A window finds it once a channel. */
export const isSameEvent = (a: RoutedEvent, b: RoutedEvent | undefined): boolean =>
  b !== undefined && compareEvents(a, b) === 0 && a.channels === b.channels;

/**
 * Merges the lists of several channels of one partition into one, in order, each event once. Lists are in order; an event object that several
 * channels share stands for one event.
 */
export function mergeEvents(lists: readonly (readonly RoutedEvent[])[]): readonly RoutedEvent[] {
  const [only] = lists;
  if (lists.length === 1 && only !== undefined) return only;
  const merged = lists.flat().sort(compareEvents);
  return merged.filter((event, i) => event !== merged[i - 1]);
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
