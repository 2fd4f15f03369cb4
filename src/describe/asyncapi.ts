import type { ServedRoute } from '../http/handle-documents.js';
import { describeTopics } from './describe-topics.js';
import { describeFollowing, describePublishing } from './describe-following.js';
import { controlMessages, routeMessages, routeName, streamMessages } from './messages.js';
import type { Part } from './part.js';
import { componentSchemas, schemaRef } from './schemas.js';
import { schemesOf } from './security.js';
import type { Json, JsonObject, Surface } from './surface.js';

/** AsyncAPI 3 of the routes and streams: what comes from Kafka, and what readers get of it. Says nothing of where Kafka is. */
export function describeChannels(served: readonly ServedRoute[], surface: Surface): JsonObject {
  const { routes, streams, http } = surface;
  const parts: readonly Part[] = [
    ...describeTopics(routes),
    ...describeFollowing(served, surface),
    ...(served.some(({ path }) => path === '/v1/publish') ? [describePublishing(surface)] : []),
  ];
  const events = routes.map((route, i) => routeMessages(route, routeName(i)));
  const post = (name: string, payload: JsonObject): JsonObject => ({ name, contentType: 'application/json', payload });
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Selvage',
      version: surface.version,
      description:
        'Records of Kafka topics become events of channels, and channels are followed as Server-Sent Events. AsyncAPI has no binding for these, so operations of readers have the HTTP binding, and `x-sse-event` of a message tells its `event:` fields.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    servers: {
      fabric: {
        host: '{host}',
        pathname: http.basePath === '' ? '/' : http.basePath,
        protocol: http.tls === null ? 'http' : 'https',
        description: 'Where this document was found; `openapi.json` beside it has every answer.',
        variables: { host: { default: `localhost:${http.port}`, description: 'Host and port.' } },
        security: schemesOf(surface).map(({ name }) => ({ $ref: `#/components/securitySchemes/${name}` })),
      },
      log: {
        host: '{brokers}',
        protocol: 'kafka',
        description: 'The log. Readers have nothing to do with it.',
        variables: { brokers: { description: 'Not told here.' } },
      },
    },
    channels: joined(parts.map(({ channels }) => channels)),
    operations: joined(parts.map(({ operations }) => operations)),
    components: {
      schemas: componentSchemas(surface),
      messages: {
        ...controlMessages,
        ...joined([...events, ...streams.map(streamMessages)]),
        ...joined(parts.map(({ messages }) => messages ?? {})),
        PublishEvent: post('PublishEvent', schemaRef('PublishEvent')),
        PublishBatch: post('PublishBatch', schemaRef('PublishBatch')),
        CloudEvent: { ...post('CloudEvent', schemaRef('CloudEvent')), contentType: 'application/cloudevents+json' },
      },
      securitySchemes: securitySchemesOf(surface),
    },
  };
}

const joined = (objects: readonly JsonObject[]): JsonObject => Object.fromEntries(objects.flatMap((object) => Object.entries(object)));

function securitySchemesOf(surface: Surface): JsonObject {
  const schemes = schemesOf(surface).map(({ name, description, at }): readonly [string, Json] => [
    name,
    at === null
      ? { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description }
      : { type: 'httpApiKey', in: at.in, name: at.name, description },
  ]);
  return Object.fromEntries(schemes);
}
