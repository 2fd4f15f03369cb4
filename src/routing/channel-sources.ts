import { isChannelName } from '../protocol/channel-name.js';
import { canProduce, keyOfChannel, keyTemplateOf } from './channel-pattern.js';
import { BoundedCache } from '../std/bounded-cache.js';
import { keepsLatest } from './latest-rule.js';
import { hashKey } from './partition-hash.js';
import type { KeyHash } from './partition-hash.js';
import type { Route } from './route.js';
import type { ChannelSource, HomePartition, PublishTarget } from './router.js';
import { valuePartsOf } from './template.js';
import type { Template } from './template.js';

/** Channels are names that readers make up, so what is remembered of them is bounded. */
const rememberedMax = 10_000;
const none: readonly ChannelSource[] = [];

/** The way back from a channel's name to the topics that can produce it. Remembers the answers for the names asked last. */
export class ChannelSources {
  readonly #routes: readonly Route[];
  readonly #remembered = new BoundedCache<string, readonly ChannelSource[]>(rememberedMax);

  constructor(routes: readonly Route[]) {
    this.#routes = routes;
  }

  sourcesOf(channel: string): readonly ChannelSource[] {
    const remembered = this.#remembered.get(channel);
    if (remembered !== undefined) return remembered;
    const sources = isChannelName(channel) ? this.#find(channel) : none;
    // A name that no channel can have may be long: it is not kept.
    if (isChannelName(channel)) this.#remembered.set(channel, sources);
    return sources;
  }

  publishTargetOf(channel: string): PublishTarget | null {
    if (!isChannelName(channel)) return null;
    for (const route of this.#routes) {
      const key = route.publish ? publishKeyOf(route, channel) : undefined;
      if (key !== undefined) return targetOf(route, key, hashOfTopic(this.#routes, route.topic));
    }
    return null;
  }

  #find(channel: string): readonly ChannelSource[] {
    const byTopic = new Map<string, Route[]>();
    for (const route of this.#routes) {
      if (!route.channels.some((template) => canProduce(template, channel))) continue;
      byTopic.set(route.topic, [...(byTopic.get(route.topic) ?? []), route]);
    }
    return [...byTopic].map(([topic, routes]) => ({
      topic,
      home: byTopic.size === 1 ? homeOf(routes, channel) : null,
      hasLatest: routes.some(({ latest }) => latest !== null && keepsLatest(latest, channel)),
      position: routes.some((route) => route.position === 'time') ? 'time' : 'offset',
      attributes: [...new Set(routes.flatMap((route) => route.attributes.map(({ name }) => name)))],
    }));
  }
}

/** The home of a channel's events; null unless every route and template that can produce it names the same key. */
function homeOf(routes: readonly Route[], channel: string): HomePartition | null {
  let home: number | null = null;
  for (const { keyed, channels } of routes) {
    if (keyed === false) return null;
    for (const template of channels) {
      if (!canProduce(template, channel)) continue;
      const keyTemplate = keyTemplateOf(template);
      const key = keyTemplate === null ? undefined : keyOfChannel(keyTemplate, channel);
      const hash = key === undefined ? null : hashKey(keyed, Buffer.from(key));
      if (hash === null || (home !== null && home !== hash)) return null;
      home = hash;
    }
  }
  if (home === null) return null;
  const hash = home;
  return (partitionCount) => hash % partitionCount;
}

/** Whether HTTP can publish to at least one of the route's channels, by choosing a key. */
export function isPublishable(route: Pick<Route, 'channels'>): boolean {
  return isConstant(route) || route.channels.some((template) => keyTemplateOf(template) !== null);
}

/** A constant channel takes any key; but where the key also names a channel, publishing to the constant one would reach that too. */
const isConstant = (route: Pick<Route, 'channels'>): boolean => route.channels.every((template) => valuePartsOf(template).length === 0);

/** What a topic's producers must hash keys by; where nobody depends on it, as most do. */
const hashOfTopic = (routes: readonly Route[], topic: string): KeyHash =>
  routes.find((route) => route.topic === topic && route.keyed !== false)?.keyed || 'murmur2';

function targetOf(route: Route, key: string, keyHash: KeyHash): PublishTarget {
  const headersOf = (template: Template): readonly string[] => {
    const values = valuePartsOf(template);
    const [value] = values;
    return template.parts.length === 1 && value?.source.kind === 'header' ? [value.source.name] : [];
  };
  return {
    topic: route.topic,
    key,
    keyHash,
    keyIsFree: isConstant(route),
    typeHeaders: route.types.flatMap(headersOf),
    attributeHeaders: new Map(
      route.attributes.flatMap(({ name, template }) => headersOf(template).map((header) => [name, header] as const)),
    ),
  };
}

function publishKeyOf(route: Route, channel: string): string | undefined {
  if (isConstant(route)) return route.channels.some((template) => template.text === channel) ? channel : undefined;
  for (const template of route.channels) {
    const keyTemplate = keyTemplateOf(template);
    const key = keyTemplate === null ? undefined : keyOfChannel(keyTemplate, channel);
    if (key !== undefined) return key;
  }
  return undefined;
}
