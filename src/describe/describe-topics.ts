import type { Route } from '../routing/route.js';
import { valuePartsOf } from '../routing/template.js';
import type { Part } from './part.js';
import type { JsonObject } from './surface.js';

/** The topics that routes read, and those that HTTP publishes to. */
export function describeTopics(routes: readonly Route[]): readonly Part[] {
  return [...new Set(routes.map(({ topic }) => topic))].map((topic) =>
    describeTopic(
      topic,
      routes.filter((route) => route.topic === topic),
    ),
  );
}

function describeTopic(topic: string, routes: readonly Route[]): Part {
  const id = `topic.${topic}`;
  const message = `record.${topic}`;
  const channel = { $ref: `#/channels/${id}` };
  const messages = [{ $ref: `#/channels/${id}/messages/${message}` }];
  const isPublished = routes.some(({ publish }) => publish);
  return {
    channels: {
      [id]: {
        address: topic,
        title: `The topic ${topic}`,
        servers: [{ $ref: '#/servers/log' }],
        messages: { [message]: { $ref: `#/components/messages/${message}` } },
        bindings: { kafka: { topic, bindingVersion: '0.5.0' } },
      },
    },
    operations: {
      [`read.${topic}`]: { action: 'receive', channel, messages, summary: 'Every node reads every record' },
      ...(isPublished ? { [`append.${topic}`]: { action: 'send', channel, messages, summary: 'What is published over HTTP' } } : {}),
    },
    messages: { [message]: recordOf(topic, routes) },
  };
}

function recordOf(topic: string, routes: readonly Route[]): JsonObject {
  const templates = routes.flatMap(({ channels, types, attributes }) => [
    ...channels,
    ...types,
    ...attributes.map(({ template }) => template),
  ]);
  const sources = [
    ...templates.flatMap(valuePartsOf).map(({ source }) => source),
    ...routes.flatMap(({ when }) => when.map(({ source }) => source)),
  ];
  const headers = [...new Set(sources.flatMap((source) => (source.kind === 'header' ? [source.name] : [])))];
  return {
    name: `record.${topic}`,
    title: `A record of ${topic}`,
    payload: { description: 'Text in UTF-8, which is JSON where a route reads fields of it.' },
    ...(headers.length === 0
      ? {}
      : { headers: { type: 'object', properties: Object.fromEntries(headers.map((name) => [name, { type: 'string' }])) } }),
    bindings: { kafka: { key: { type: 'string' }, bindingVersion: '0.5.0' } },
  };
}
