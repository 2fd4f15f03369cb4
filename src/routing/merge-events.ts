import type { RoutedEvent } from './routed-event.js';

/** Order within a partition. */
export const compareEvents = (a: RoutedEvent, b: RoutedEvent): number => a.offset - b.offset || a.index - b.index;

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
