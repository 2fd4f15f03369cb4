import type { EventBody } from '../protocol/event-body.js';

/** Attributes of an event that readers may filter by; declared names only. */
export type Attributes = Readonly<Record<string, string>>;

/** How long, and up to which size, the latest event of a channel is kept past the window. */
export interface LatestRule {
  readonly ttlMs: number;
  readonly bytesMax: number;
  /** Patterns of the channels that keep it, in segments (`*`: any, `**`: the rest); absent: all of the route. Ask `keepsLatest`. */
  readonly channels?: readonly (readonly string[])[];
}

/**
 * What one record became under one route. A record that several routes select makes several events with the same offset, told apart and
 * ordered by `index`.
 */
export interface RoutedEvent {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** 0 for the first event of a record. */
  readonly index: number;
  /** Record time. */
  readonly timestampMs: number;
  /** At least one; exact strings; no repeats. */
  readonly channels: readonly string[];
  readonly type: string;
  readonly attributes: Attributes | null;
  readonly latest: LatestRule | null;
  readonly body: EventBody;
}
