import { isEventType } from '../protocol/channel-name.js';
import type { ChannelList } from './channel-list.js';
import { compileChannel, compileCondition, compileText } from './compile-template.js';
import type { ReadText } from './compile-template.js';
import { isWellFormed } from '../std/percent-encoding.js';
import type { EventKind } from './record-event.js';
import type { RecordView } from './record-view.js';
import type { Pick, Route } from './route.js';
import type { Attributes, LatestRule } from './routed-event.js';
import type { RoutingObserver } from './router.js';

export const defaultType = 'message';
/** An attribute longer than this (in UTF-16 units) is left out of the event. */
const attributeLengthMax = 1_024;

/** A route with its templates compiled to closures. Each reads a record through its view; `view.failure` tells of what cannot be decoded. */
export interface CompiledRoute {
  readonly topic: string;
  readonly latest: LatestRule | null;
  /** null: selects every record. */
  readonly selects: ((view: RecordView) => boolean) | null;
  readonly tombstone: { readonly type: string; readonly data: Uint8Array } | null;
  expandChannels(view: RecordView, channels: ChannelList): void;
  type(view: RecordView): string;
  attributes(view: RecordView): Attributes | null;
  data(view: RecordView): Uint8Array;
  /** The data are the whole value as it is. */
  readonly takesWhole: boolean;
  /** By partition, the kind of the event made last. */
  readonly kinds: (EventKind | undefined)[];
}

export function compileRoute(route: Route, observer: RoutingObserver): CompiledRoute {
  const channels = route.channels.map(compileChannel);
  const { pick, tombstone } = route;
  return {
    topic: route.topic,
    latest: route.latest,
    selects: compileWhen(route),
    tombstone: tombstone === null ? null : { type: tombstone.type, data: Buffer.from(tombstone.data) },
    expandChannels: (view, list) => {
      for (const expand of channels) expand(view, list);
    },
    type: compileType(route, observer),
    attributes: compileAttributes(route),
    takesWhole: pick === null,
    kinds: [],
    data: pick === null ? (view) => view.data() : (view) => pickData(view, pick),
  };
}

function compileWhen(route: Route): CompiledRoute['selects'] {
  const conditions = route.when.map(({ source, accepted }) => compileCondition(source, accepted));
  if (conditions.length === 0) return null;
  return (view) => conditions.every((holds) => holds(view));
}

/** The first template that resolves; what cannot be a type is replaced and counted. */
function compileType(route: Route, observer: RoutingObserver): (view: RecordView) => string {
  const templates: readonly ReadText[] = route.types.map(compileText);
  let lastGood = defaultType;
  return (view) => {
    for (const read of templates) {
      const type = read(view);
      if (type === undefined) continue;
      if (type === lastGood) return type;
      if (isEventType(type)) return (lastGood = type);
      observer.typeReplaced(route.topic);
      return defaultType;
    }
    return defaultType;
  };
}

function compileAttributes(route: Route): (view: RecordView) => Attributes | null {
  const templates = route.attributes.map(({ name, template }) => ({ name, read: compileText(template) }));
  if (templates.length === 0) return () => null;
  return (view) => {
    let attributes: Record<string, string> | null = null;
    for (const { name, read } of templates) {
      const value = read(view);
      if (value === undefined || value.length > attributeLengthMax || !isWellFormed(value)) continue;
      attributes ??= {};
      attributes[name] = value;
    }
    return attributes;
  };
}

/** A JSON object of the picked values as written in the record; what is missing is left out. */
function pickData(view: RecordView, pick: readonly Pick[]): Uint8Array {
  const members: string[] = [];
  for (const { name, pointer } of pick) {
    const text = view.slice(pointer);
    if (text !== undefined) members.push(`${JSON.stringify(name)}:${text}`);
  }
  return Buffer.from(`{${members.join(',')}}`);
}
