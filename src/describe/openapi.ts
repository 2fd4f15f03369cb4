import type { ServedRoute } from '../http/handle-documents.js';
import { errorCatalogue } from '../protocol/error-catalogue.js';
import { describePublish, describeRenewal, describeSession, describeTickets } from './describe-posts.js';
import { describeStream, type PathItem } from './describe-streams.js';
import { everyRequest, noOperation } from './refusals.js';
import { answered, jsonContent, problemExamples, problemResponse, problemResponses, responseHeaders } from './responses.js';
import { componentSchemas } from './schemas.js';
import { schemesOf } from './security.js';
import type { Json, JsonObject, Surface } from './surface.js';

/** OpenAPI 3.1 of what is served: an address that is not in `served` is not in the document, and one that nobody has words for is a fault here. */
export function describeHttp(served: readonly ServedRoute[], surface: Surface): JsonObject {
  const paths: Record<string, PathItem> = {};
  for (const route of served) paths[route.path] = describeRoute(route, served, surface);
  return {
    openapi: '3.1.1',
    info: {
      title: 'Selvage',
      version: surface.version,
      description:
        'Events of Kafka as Server-Sent Events. Every address also takes OPTIONS; another method is answered 405, another address 404. `asyncapi.json` tells the channels and their events.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: surface.http.basePath === '' ? '/' : surface.http.basePath, description: 'This one.' }],
    tags: ['Reading', 'Named streams', 'Publishing', 'Identity', 'About'].map((name) => ({ name })),
    paths,
    components: {
      schemas: componentSchemas(surface),
      headers: responseHeaders,
      examples: problemExamples(),
      responses: Object.fromEntries(noOperation.map((code) => [code, problemResponse(errorCatalogue[code].status, [code])])),
      securitySchemes: securitySchemesOf(surface),
    },
  };
}

function describeRoute(route: ServedRoute, served: readonly ServedRoute[], surface: Surface): PathItem {
  const stream = surface.streams.find(({ shapes }) => shapes.some(({ text }) => text === route.path));
  if (stream !== undefined) {
    const ordinal = stream.shapes
      .filter(({ text }) => served.some(({ path }) => path === text))
      .findIndex(({ text }) => text === route.path);
    return describeStream(route, stream, ordinal, surface);
  }
  switch (route.path) {
    case '/':
      return describePage(route, 'landing', 'How to try it', 'text/plain');
    case '/openapi.json':
      return describePage(route, 'openapi', 'This document', 'application/json');
    case '/asyncapi.json':
      return describePage(route, 'asyncapi', 'AsyncAPI of the channels and their events', 'application/json');
    case '/v1/events':
      return describeStream(route, null, 0, surface);
    case '/v1/publish':
      return describePublish(surface);
    case '/v1/tickets':
      return describeTickets();
    case '/v1/streams/{id}/token':
      return describeRenewal(route, surface);
    case '/v1/session':
      return describeSession();
    default:
      throw new Error(`nobody has described ${route.path}`);
  }
}

function describePage({ methods }: ServedRoute, name: string, summary: string, mediaType: string): PathItem {
  const isText = mediaType === 'text/plain';
  const content: JsonObject = isText ? { [mediaType]: { schema: { type: 'string' } } } : jsonContent({ type: 'object' });
  const tag = isText ? [] : (['ETag'] as const);
  return Object.fromEntries(
    methods.map((method) => [
      method.toLowerCase(),
      {
        operationId: `${method.toLowerCase()}-${name}`,
        tags: ['About'],
        summary,
        security: [],
        responses: {
          '200': answered(summary, method === 'HEAD' ? null : content, ...tag),
          ...(isText ? {} : { '304': answered('The document is the one that `If-None-Match` names.', null, 'ETag') }),
          ...problemResponses(everyRequest),
        },
      },
    ]),
  );
}

function securitySchemesOf(surface: Surface): JsonObject {
  const schemes = schemesOf(surface).map(({ name, description, at }): readonly [string, Json] => [
    name,
    at === null
      ? { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description }
      : { type: 'apiKey', in: at.in, name: at.name, description },
  ]);
  return Object.fromEntries(schemes);
}
