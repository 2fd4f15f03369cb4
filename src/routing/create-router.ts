import { EventBodyEncoder } from '../protocol/event-body-codec.js';
import { ChannelList } from './channel-list.js';
import { BoundedCache } from '../std/bounded-cache.js';
import { ChannelSources } from './channel-sources.js';
import { compileRoute } from './compile-route.js';
import type { CompiledRoute } from './compile-route.js';
import { fingerprintRoutes } from './fingerprint.js';
import { hashKeyOf } from './partition-hash.js';
import type { KeyHash } from './partition-hash.js';
import { PackedRecord } from '../protocol/packed-record.js';
import { isOfKind, RecordEvent } from './record-event.js';
import type { EventKind } from './record-event.js';
import { RecordView } from './record-view.js';
import type { LogRecord } from '../protocol/log-record.js';
import { recordChannelsMax } from '../protocol/names.js';
import type { Attributes } from './routed-event.js';
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

/** Makes the router of checked routes (`parseRoutes`). Templates are compiled once, here. */
export function createRouter(routes: readonly Route[], observer: RoutingObserver, options: RouterOptions = {}): Router {
  const eventBytesMax = options.eventBytesMax ?? eventBytesMaxDefault;
  const encoder = options.encoder ?? new EventBodyEncoder();
  const byTopic = groupByTopic(routes);
  const compiled = new Map([...byTopic].map(([topic, own]) => [topic, own.map((route) => compileRoute(route, observer))]));
  const hashes = new Map([...byTopic].map(([topic, own]) => [topic, keyHashOf(own)]));
  const sources = new ChannelSources(routes);
  const surroundings: Surroundings = {
    observer,
    encoder,
    view: new RecordView(eventBytesMax, recordChannelsMax + 1),
    list: new ChannelList(observer, new BoundedCache(knownChannelsMax)),
  };
  const routeInto: Router['routeInto'] = (topic, partition, record, into) => {
    const own = compiled.get(topic);
    if (own !== undefined) return routeRecord(own, topic, partition, record, into, surroundings);
    observer.unrouted(topic);
    return null;
  };
  return {
    topics: [...byTopic].map(([topic, own]) => describeTopic(topic, own, eventBytesMax)),
    attributeNames: [...new Set(routes.flatMap((route) => route.attributes.map(({ name }) => name)))],
    routeInto,
    route: (topic, partition, record) => {
      const events: RecordEvent[] = [];
      return routeInto(topic, partition, record, events) ?? events;
    },
    isStray: (topic, partition, record, partitionCount) => isStray(hashes.get(topic) ?? false, partition, record, partitionCount),
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
  readonly view: RecordView;
  readonly list: ChannelList;
}

function routeRecord(
  routes: readonly CompiledRoute[],
  topic: string,
  partition: number,
  record: LogRecord,
  into: RecordEvent[],
  { observer, encoder, view, list }: Surroundings,
): UndecodableReason | null {
  view.look(record);
  list.begin(topic);
  const before = into.length;
  let isSelected = false;
  for (const route of routes) {
    if (route.selects !== null && !route.selects(view)) continue;
    isSelected = true;
    const tombstone = route.tombstone !== undefined && isTombstone(record) ? route.tombstone : undefined;
    if (tombstone === null || view.failure !== null) continue;
    route.expandChannels(view, list);
    const type = tombstone === undefined ? route.type(view) : tombstone.type;
    if (view.failure !== null) continue;
    const plain = tombstone === undefined && route.takesWhole ? view.placePlain(type, encoder) : null;
    const data = plain !== null ? null : tombstone === undefined ? route.data(view) : tombstone.data;
    const channels = list.take();
    if (view.failure !== null || channels.length === 0) continue;
    const index = into.length - before;
    const kind = kindOf(route, partition, index, type, route.attributes(view), record);
    const place = plain ?? encoder.place(type, data as Uint8Array);
    into.push(new RecordEvent(kind, record.offset, record.timestampMs, channels, place));
  }
  if (view.failure !== null) {
    into.length = before;
    return view.failure;
  }
  if (!isSelected) observer.unrouted(topic);
  return null;
}

/** What the event has in common with the one before it in its partition, or the beginning of something new. */
function kindOf(
  route: CompiledRoute,
  partition: number,
  index: number,
  type: string,
  attributes: Attributes | null,
  record: LogRecord,
): EventKind {
  const last = route.kinds[partition];
  if (last !== undefined && attributes === null && isOfKind(last, index, type, record)) return last;
  const { topic, latest } = route;
  const { offset, timestampMs } = record;
  return (route.kinds[partition] = { topic, partition, offset, index, timestampMs, type, attributes, latest });
}

const isTombstone = (record: LogRecord): boolean => (record instanceof PackedRecord ? record.valueStart < 0 : record.value === null);

function describeTopic(topic: string, routes: readonly Route[], eventBytesMax: number): RoutedTopic {
  const keepsLatest = routes.some((route) => route.latest !== null);
  return {
    topic,
    generation: routes[0]?.generation ?? '',
    fingerprint: fingerprintRoutes(routes, eventBytesMax),
    keyed: routes.some((route) => route.keyed !== false),
    compactedMeans: routes[0]?.compactedMeans ?? 'gap',
    keepsLatest,
    latestIsInLog: routes[0]?.compactedMeans === 'current-state' && keepsLatest,
  };
}

/** Keyed routes of a topic share one hash: `parseRoutes` refuses others. */
const keyHashOf = (routes: readonly Route[]): KeyHash | false => routes.find((route) => route.keyed !== false)?.keyed ?? false;

function isStray(keyed: KeyHash | false, partition: number, record: LogRecord, partitionCount: number): boolean {
  if (keyed === false) return false;
  const hash = hashKeyOf(keyed, record);
  return hash !== null && hash % partitionCount !== partition;
}
