import type { RoutedEvent } from '../routing/routed-event.js';
import type { Subscription } from './subscription.js';

/** Behind a position: the stream's terminal event was had. */
export const endMark = '~e';

/** Those of the event's channels that the reader asked for; never any other, which might be another reader's secret. */
export function askedChannels(subscription: Subscription, event: RoutedEvent): readonly string[] {
  const { channels } = subscription;
  if (channels.length === 1 || event.channels.length === 1) return event.channels.length === 1 ? event.channels : channels;
  return event.channels.filter((channel) => channels.includes(channel));
}

/** Whether two events came from one record (of the same topic). */
export const isSameRecord = (a: RoutedEvent, b: RoutedEvent | undefined): boolean =>
  b !== undefined && a.offset === b.offset && a.partition === b.partition && a.topic === b.topic;
