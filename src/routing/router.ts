import type { LogRecord } from '../protocol/log-record.js';
import type { KeyHash } from './partition-hash.js';
import type { RecordEvent } from './record-event.js';

/** Why a record cannot be decoded. Goes to the dead-letter topic's headers and to a metric label. */
export type UndecodableReason = 'invalid-utf8' | 'invalid-json' | 'invalid-cloudevent' | 'oversized';

/** Routing's counters; a record that no route selects, and a channel skipped for want of a value, are normal and counted. */
export interface RoutingObserver {
  unrouted(topic: string): void;
  channelSkipped(topic: string, why: 'missing-value' | 'invalid-channel' | 'too-many-channels'): void;
  typeReplaced(topic: string): void;
}

/** Chooses the partition of a keyed channel's events for a partition count. */
export type HomePartition = (partitionCount: number) => number;

/** A topic that can produce a channel. */
export interface ChannelSource {
  readonly topic: string;
  /** Where the channel's events are, when its name yields the record key; null: they may be in any partition. */
  readonly home: HomePartition | null;
  readonly hasLatest: boolean;
  /** `time`: positions are record times (at-least-once), for topics too wide for a vector. */
  readonly position: 'offset' | 'time';
  readonly attributes: readonly string[];
}

/** Where an event published to a channel goes. */
export interface PublishTarget {
  readonly topic: string;
  readonly key: string;
  /** How the key must choose the partition; readers look for the channel nowhere else. */
  readonly keyHash: KeyHash;
  /** Every key leads to the channel: who publishes may choose another, for order. */
  readonly keyIsFree: boolean;
  /** Record headers that the type is read from, in that order. */
  readonly typeHeaders: readonly string[];
  /** Attribute → the record header that it is read from; attributes that come from elsewhere are not there. */
  readonly attributeHeaders: ReadonlyMap<string, string>;
}

/** A topic with at least one route. */
export interface RoutedTopic {
  readonly topic: string;
  /** Enters the topic's hash in positions and window keys; changes when an operator says that offsets began anew. */
  readonly generation: string;
  /** Stable over processes: changes whenever what the window would hold for this topic changes. */
  readonly fingerprint: string;
  /** True when some route of the topic is keyed. */
  readonly keyed: boolean;
  readonly compactedMeans: 'gap' | 'current-state';
  /** Some route keeps latest events. */
  readonly keepsLatest: boolean;
  /** Some route keeps latest events, and what the log still has is the current state: they can be read from there when they are lost. */
  readonly latestIsInLog: boolean;
}

/** Pure: records in, events out. Nothing here does I/O; what is kept between records changes no answer. */
export interface Router {
  readonly topics: readonly RoutedTopic[];
  /** Names that readers may filter by, over all routes. */
  readonly attributeNames: readonly string[];
  /** The record's events (empty: none), or why it cannot be decoded. Copies what it keeps. */
  route(topic: string, partition: number, record: LogRecord): readonly RecordEvent[] | UndecodableReason;
  /** `route`, adding the events to `into`; nothing is added for a record that cannot be decoded. */
  routeInto(topic: string, partition: number, record: LogRecord, into: RecordEvent[]): UndecodableReason | null;
  /**
   * Whether the record of a keyed topic is outside the home partition that `partitionCount` gives it. Records stay where they were when a topic
   * grows: ask for each count that the topic had while it was watched.
   */
  isStray(topic: string, partition: number, record: LogRecord, partitionCount: number): boolean;
  /** Topics that can produce the channel; empty: no route can. */
  sourcesOf(channel: string): readonly ChannelSource[];
  /** Where a publish to the channel goes; null when no route marked `publish` can produce it. */
  publishTargetOf(channel: string): PublishTarget | null;
}
