import type { RoutedEvent } from './routed-event.js';

/** Which of a channel's events a reader wants. Values of one name are alternatives; names are combined. */
export interface EventFilter {
  /** Event types; null: every type. */
  readonly types: ReadonlySet<string> | null;
  /** Attribute name → accepted values. */
  readonly attributes: readonly (readonly [name: string, values: ReadonlySet<string>])[];
  /** Types that end the stream; they pass every filter. */
  readonly until: ReadonlySet<string> | null;
}

export const noFilter: EventFilter = { types: null, attributes: [], until: null };

/** Whether the reader wants the event. */
export function matchesFilter(filter: EventFilter, event: Pick<RoutedEvent, 'type' | 'attributes'>): boolean {
  if (filter.until?.has(event.type)) return true;
  if (filter.types !== null && !filter.types.has(event.type)) return false;
  for (const [name, values] of filter.attributes) {
    const value = event.attributes?.[name];
    if (value === undefined || !values.has(value)) return false;
  }
  return true;
}
