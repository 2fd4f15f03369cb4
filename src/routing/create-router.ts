import { EventBodyEncoder } from '../protocol/event-body-codec.js';
import { ChannelList } from './channel-list.js';
import type { KnownChannels } from './channel-list.js';
import { BoundedCache } from '../std/bounded-cache.js';
import { ChannelSources } from './channel-sources.js';
import { compileRoute } from './compile-route.js';
import type { CompiledRoute } from './compile-route.js';
import { fingerprintRoutes } from './fingerprint.js';
import { hashKey } from './partition-hash.js';
import type { KeyHash } from './partition-hash.js';
import { RecordView } from './record-view.js';
import type { LogRecord } from '../protocol/log-record.js';
import { recordChannelsMax } from '../protocol/names.js';
import type { RoutedEvent } from './routed-event.js';
import type { Route } from './route.js';
import type { RoutedTopic, Router, RoutingObserver, UndecodableReason } from './router.js';

export interface RouterOptions {
  /** Longest value of a record, in bytes; default 1 MiB. A longer one is `oversized`. */
  readonly eventBytesMax?: number;
  /** Encodes the bodies; one of the router's own by default. */
  readonly encoder?: EventBodyEncoder;
}

const eventBytesMaxDefault = 1_048_576;
/** Names of channels that are remembered, so that the events of one share their list. */
const knownChannelsMax = 10_000;
const noEvents: readonly RoutedEvent[] = [];

/** Makes the router of checked routes (`parseRoutes`). Templates are compiled once, here. */
export function createRouter(routes: readonly Route[], observer: RoutingObserver, options: RouterOptions = {}): Router {
  const eventBytesMax = options.eventBytesMax ?? eventBytesMaxDefault;
  const encoder = options.encoder ?? new EventBodyEncoder();
  const byTopic = groupByTopic(routes);
  const compiled = new Map([...byTopic].map(([topic, own]) => [topic, own.map((route) => compileRoute(route, observer))]));
  const hashes = new Map([...byTopic].map(([topic, own]) => [topic, keyHashOf(own)]));
  const sources = new ChannelSources(routes);
  const surroundings: Surroundings = { observer, encoder, eventBytesMax, knownChannels: new BoundedCache(knownChannelsMax) };
  return {
    topics: [...byTopic].map(([topic, own]) => describeTopic(topic, own, eventBytesMax)),
    attributeNames: [...new Set(routes.flatMap((route) => route.attributes.map(({ name }) => name)))],
    route: (topic, partition, record) => {
      const own = compiled.get(topic);
      if (own !== undefined) return routeRecord(own, topic, partition, record, surroundings);
      observer.unrouted(topic);
      return noEvents;
    },
    isStray: (topic, partition, record, partitionCount) => isStray(hashes.get(topic) ?? false, partition, record.key, partitionCount),
    sourcesOf: (channel) => sources.sourcesOf(channel),
    publishTargetOf: (channel) => sources.publishTargetOf(channel),
  };
}

function groupByTopic(routes: readonly Route[]): ReadonlyMap<string, readonly Route[]> {
  const byTopic = new Map<string, Route[]>();
  for (const route of routes) {
    const own = byTopic.get(route.topic);
    if (own === undefined) byTopic.set(route.topic, [route]);
    else own.push(route);
  }
  return byTopic;
}

interface Surroundings {
  readonly observer: RoutingObserver;
  readonly encoder: EventBodyEncoder;
  readonly eventBytesMax: number;
  readonly knownChannels: KnownChannels;
}

function routeRecord(
  routes: readonly CompiledRoute[],
  topic: string,
  partition: number,
  record: LogRecord,
  { observer, encoder, eventBytesMax, knownChannels }: Surroundings,
): readonly RoutedEvent[] | UndecodableReason {
  const view = new RecordView(record, eventBytesMax, recordChannelsMax + 1);
  const list = new ChannelList(topic, observer, knownChannels);
  const events: RoutedEvent[] = [];
  let isSelected = false;
  for (const route of routes) {
    if (route.selects !== null && !route.selects(view)) continue;
    isSelected = true;
    const tombstone = record.value === null ? route.tombstone : undefined;
    if (tombstone === null || view.failure !== null) continue;
    const data = tombstone === undefined ? route.data(view) : tombstone.data;
    if (view.failure !== null) continue;
    route.expandChannels(view, list);
    const channels = list.take();
    if (channels.length === 0) continue;
    const type = tombstone === undefined ? route.type(view) : tombstone.type;
    events.push({
      topic,
      partition,
      offset: record.offset,
      index: events.length,
      timestampMs: record.timestampMs,
      channels,
      type,
      attributes: route.attributes(view),
      latest: route.latest,
      body: encoder.encode(type, data),
    });
  }
  if (view.failure !== null) return view.failure;
  if (!isSelected) observer.unrouted(topic);
  return events;
}

function describeTopic(topic: string, routes: readonly Route[], eventBytesMax: number): RoutedTopic {
  return {
    topic,
    generation: routes[0]?.generation ?? '',
    fingerprint: fingerprintRoutes(routes, eventBytesMax),
    keyed: routes.some((route) => route.keyed !== false),
    compactedMeans: routes[0]?.compactedMeans ?? 'gap',
    latestIsInLog: routes[0]?.compactedMeans === 'current-state' && routes.some((route) => route.latest !== null),
  };
}

/** Keyed routes of a topic share one hash: `parseRoutes` refuses others. */
const keyHashOf = (routes: readonly Route[]): KeyHash | false => routes.find((route) => route.keyed !== false)?.keyed ?? false;

function isStray(keyed: KeyHash | false, partition: number, key: Uint8Array | null, partitionCount: number): boolean {
  if (keyed === false || key === null) return false;
  const hash = hashKey(keyed, key);
  return hash !== null && hash % partitionCount !== partition;
}
