import { topicTag } from '../protocol/position.js';
import { keyTemplateOf, mayOverlap } from './channel-pattern.js';
import { isPublishable } from './channel-sources.js';
import type { FieldReader } from '../std/field-reader.js';
import type { Route } from './route.js';
import { valuePartsOf } from './template.js';
import type { Template } from './template.js';

/** Checks what routes promise together: keys, topics, tags. `routes[i]` is the i-th of the configuration. */
export function checkRoutes(reader: FieldReader, routes: readonly Route[]): void {
  for (const [i, route] of routes.entries()) {
    const path = `routes[${i}]`;
    if (route.keyed !== false) checkKeyed(reader, path, route);
    if (route.latest !== null && route.keyed === false)
      reader.problem(`${path}.latest`, 'needs keyed: a latest event is one of one partition');
    if (route.publish && !isPublishable(route)) {
      reader.problem(
        `${path}.publish`,
        'needs a channel whose only value is {key} (or only constant channels): otherwise no key leads to a channel',
      );
    }
  }
  checkTopics(reader, routes);
  checkTags(reader, routes);
  checkOverlaps(reader, routes);
}

function checkKeyed(reader: FieldReader, path: string, route: Route): void {
  for (const [j, template] of route.channels.entries()) {
    const hasDefault = valuePartsOf(template).some((part) => part.fallback !== null);
    if (keyTemplateOf(template) !== null && !hasDefault) continue;
    reader.problem(
      `${path}.channels[${j}]`,
      `does not yield the record key (${template.text}), so its partition cannot be known: use {key} as the only value, without default, or set keyed: false`,
    );
  }
}

/** What belongs to a topic must be the same in all its routes. */
function checkTopics(reader: FieldReader, routes: readonly Route[]): void {
  const firsts = new Map<string, number>();
  for (const [i, route] of routes.entries()) {
    const first = routes[firsts.get(route.topic) ?? i] as Route;
    const of = `as routes[${firsts.get(route.topic)}] has of the same topic`;
    if (first === route) firsts.set(route.topic, i);
    if (route.generation !== first.generation) reader.problem(`routes[${i}].generation`, `must be ${first.generation || 'absent'}, ${of}`);
    if (route.compactedMeans !== first.compactedMeans) reader.problem(`routes[${i}].compacted`, `must be ${first.compactedMeans}, ${of}`);
    const keyed = routes.find((other) => other.topic === route.topic && other.keyed !== false)?.keyed;
    if (route.keyed !== false && route.keyed !== keyed) {
      reader.problem(`routes[${i}].keyed`, `must be ${keyed} or false: a topic's producers use one hash`);
    }
  }
}

/** Positions name a topic by a short hash. */
function checkTags(reader: FieldReader, routes: readonly Route[]): void {
  const byTag = new Map<string, string>();
  for (const [i, { topic, generation }] of routes.entries()) {
    const tag = topicTag(topic, generation);
    const other = byTag.get(tag);
    if (other === undefined) byTag.set(tag, topic);
    else if (other !== topic) {
      reader.problem(`routes[${i}].topic`, `${topic} has the same tag in positions as ${other}: set generation on one of them`);
    }
  }
}

/** A keyed channel's events must come from one topic: its position names one partition. */
function checkOverlaps(reader: FieldReader, routes: readonly Route[]): void {
  const channels = routes.flatMap((route, i) =>
    route.channels.map((template, j) => ({ route, template, path: `routes[${i}].channels[${j}]` })),
  );
  for (const [at, one] of channels.entries()) {
    for (const other of channels.slice(at + 1)) {
      if (one.route.topic === other.route.topic || (one.route.keyed === false && other.route.keyed === false)) continue;
      if (!beginAlike(one.template, other.template) || !mayOverlap(one.template, other.template)) continue;
      reader.problem(
        other.path,
        `can be the same channel as ${one.path} (${one.template.text}) of topic ${one.route.topic}: a keyed channel must have one topic. Begin them differently, or set keyed: false`,
      );
    }
  }
}

/** A cheap first look: whether the literals that templates begin with leave room for a common channel. */
function beginAlike(a: Template, b: Template): boolean {
  const head = (template: Template): string => (template.parts[0]?.kind === 'literal' ? template.parts[0].text : '');
  return head(a).startsWith(head(b)) || head(b).startsWith(head(a));
}
