import { readFileSync } from 'node:fs';
import { parseNamedStreams } from '../../../src/admission/named-streams/parse-named-streams.js';
import { describeChannels } from '../../../src/describe/asyncapi.js';
import { describeHttp } from '../../../src/describe/openapi.js';
import type { Surface } from '../../../src/describe/surface.js';
import { defaultHttpOptions } from '../../../src/http/http-options.js';
import type { ServedRoute } from '../../../src/http/handle-documents.js';
import { defaultPublishShape } from '../../../src/publish/publish-event.js';
import { defaultRoutes, parseRoutes } from '../../../src/routing/parse-routes.js';
import { parse } from 'yaml';

export interface Grammar {
  readonly routes?: unknown;
  readonly streams?: unknown;
}

/** Everything that can be switched on, or nothing. */
export function surfaceOf({ routes = defaultRoutes, streams }: Grammar, isFull = true): Surface {
  const parsedRoutes = parseRoutes(routes);
  const parsedStreams = parseNamedStreams(streams);
  if (parsedRoutes.kind !== 'routes' || parsedStreams.kind !== 'streams') throw new Error(JSON.stringify([parsedRoutes, parsedStreams]));
  return {
    version: '1.2.3',
    routes: parsedRoutes.routes,
    streams: parsedStreams.streams,
    http: { ...defaultHttpOptions, basePath: isFull ? '/fabric' : '' },
    limits: {
      channelsMax: 64,
      rewindMax: 1_000,
      pollWaitMsMax: 25_000,
      filterValuesMax: 64,
      credentialParameters: isFull ? ['ticket', 'access_token'] : [],
    },
    publish: defaultPublishShape,
    credentials: { cookieName: isFull ? '__Host-selvage' : null, queryToken: isFull, hasTickets: isFull },
    anonymous: { read: !isFull, publish: !isFull },
  };
}

/** A table as a server with all of it has. */
export function servedBy(surface: Surface): readonly ServedRoute[] {
  const reading = ['GET', 'HEAD'];
  const own = [
    ['events', '/v1/events', reading],
    ['landing', '/', reading],
    ['openapi', '/openapi.json', reading],
    ['asyncapi', '/asyncapi.json', reading],
    ['publish', '/v1/publish', ['POST']],
    ['tickets', '/v1/tickets', ['POST']],
    ['renewal', '/v1/streams/{id}/token', ['POST']],
    ['session', '/v1/session', ['POST', 'DELETE']],
  ] as const;
  const named = surface.streams.flatMap(({ name, shapes }) => shapes.map(({ text }) => ({ name, path: text, methods: reading })));
  return [...own.map(([name, path, methods]) => ({ name, path, methods })), ...named];
}

export const documentsOf = (surface: Surface): { openapi: OpenApi; asyncapi: AsyncApi } => ({
  openapi: describeHttp(servedBy(surface), surface) as unknown as OpenApi,
  asyncapi: describeChannels(servedBy(surface), surface) as unknown as AsyncApi,
});

/** As much of the documents as tests look at. */
export interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { readonly schema: unknown }>> }>>;
  readonly security: readonly Readonly<Record<string, unknown>>[];
}
export interface OpenApi {
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>>; readonly headers: object; readonly examples: object };
}
export interface AsyncApi {
  readonly channels: Readonly<
    Record<string, { readonly address: string; readonly parameters?: object; readonly messages: Readonly<Record<string, unknown>> }>
  >;
  readonly operations: Readonly<
    Record<string, { readonly bindings?: { readonly http?: { readonly query?: { readonly properties: object } } } }>
  >;
  readonly components: { readonly messages: Readonly<Record<string, unknown>>; readonly schemas: Readonly<Record<string, object>> };
}

/** The configuration that is shipped. */
export const shipped = parse(readFileSync(new URL('../../../deploy/streams.yaml', import.meta.url), 'utf8')) as Grammar;

/** All of the grammar of routes and streams that shows in the documents. */
export const everything: Grammar = {
  routes: [
    {
      topic: 'tasks.v1',
      channels: ['task.{json:id}', 'project.{header:project|none}.stage.{json:/stage/name}', 'all'],
      type: ['{header:ce_type}', 'progress'],
      attributes: { session: '{header:session}', level: '{json:level}' },
      when: { 'header:kind': ['task'] },
      data: { pick: ['/done', '/stage/name'] },
      tombstone: { type: 'gone', data: { over: true } },
    },
    { topic: 'tasks.v1', channels: ['raw.{key|raw}'], publish: true },
  ],
  streams: [
    {
      name: 'own',
      paths: ['/me/{channel}', '/me/{channel}/'],
      channels: ['task.{channel}', 'user.{sub}.{claim:org}'],
      auth: 'required',
      permission: 'hook',
      greeting: { type: 'connected', data: { channel: '{channel}', at: '{now}', n: [1, 'two', null], deep: { ok: true } } },
      heartbeat: { type: 'heartbeat', everySeconds: 30 },
      timeout: { seconds: 600, type: 'timeout', data: { message: 'over' } },
      unknown: { answer: 'event', data: { error: 'Unknown' } },
      until: ['complete'],
      rewind: { to: ['start'] },
      allowQuery: ['type', 'session', 'since', 'whatever'],
    },
    { name: 'open', path: '/open', channels: ['all'], auth: 'none', permission: 'none', state: 'latest', types: ['a'] },
  ],
};
