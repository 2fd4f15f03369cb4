import type { ErrorCode } from '../protocol/error-catalogue.js';

/** One event as offered for publishing, whatever form it came in. */
export interface PublishEvent {
  readonly channel: string;
  /** Empty: none was named. */
  readonly type: string;
  /** The record's value. */
  readonly data: string | Uint8Array;
  /** For readers to filter by; the route must carry them. */
  readonly attributes: ReadonlyMap<string, string>;
  /** For order, where the channel leaves the choice; null: the channel's own. */
  readonly key: string | null;
  /** Record headers that the event brings along: of a CloudEvent, its attributes. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What is wrong with one event. */
export interface EventFault {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly limit?: number;
}

export const isFault = (value: object): value is EventFault => 'code' in value;

export function invalidEvent(detail: string): EventFault {
  return { code: 'invalid-event', detail };
}

/** The events of a body, each by itself, or why the body as such cannot be read. */
export type ReadEvents =
  | { readonly kind: 'events'; readonly isBatch: boolean; readonly events: readonly (PublishEvent | EventFault)[] }
  | { readonly kind: 'refused'; readonly fault: EventFault };

export interface PublishShape {
  /** Most events of one request. */
  readonly eventsMax: number;
  /** With `{user}` and `{channel}`. */
  readonly userChannel: string;
  readonly broadcastChannel: string;
  /** Attributes of a CloudEvent that name its channel; the first that is there counts. */
  readonly cloudEventChannel: readonly string[];
}

export const defaultPublishShape: PublishShape = {
  eventsMax: 100,
  userChannel: 'user.{user}.{channel}',
  broadcastChannel: 'broadcast',
  cloudEventChannel: ['selvagechannel', 'subject'],
};
