import { readdirSync, readFileSync } from 'node:fs';
import { Parser } from '@asyncapi/parser';
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, test } from 'vitest';
import { describeHttp } from '../../../src/describe/openapi.js';
import { ticketFields } from '../../../src/http/handle-tickets.js';
import { closeCatalogue } from '../../../src/protocol/close-catalogue.js';
import { errorCatalogue } from '../../../src/protocol/error-catalogue.js';
import { controlTypes, gapReasons } from '../../../src/protocol/names.js';
import { eventFields } from '../../../src/publish/read-plain-event.js';
import { parseStreamRequest, RefusedError } from '../../../src/subscribe/stream-request.js';
import { documentsOf, everything, servedBy, shipped, surfaceOf } from './surfaces.js';

const surfaces = {
  'everything switched on': surfaceOf(everything),
  'everything switched off': surfaceOf({}, false),
  'the shipped streams': surfaceOf(shipped),
};
const cases = Object.entries(surfaces);

test.for(cases)('OpenAPI 3.1 of %s is valid', async ([, surface]) => {
  const { openapi } = documentsOf(surface);
  const validator = new Validator();
  const result = await validator.validate(JSON.parse(JSON.stringify(openapi)) as Parameters<Validator['validate']>[0]);
  expect(result).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
  // What the schema of OpenAPI cannot say.
  const operations = Object.values(openapi.paths).flatMap((item) => Object.values(item));
  expect(repeated(operations.map(({ operationId }) => operationId))).toEqual([]);
  expect(danglingRefs(openapi)).toEqual([]);
  for (const { parameters = [], security } of operations) {
    expect(repeated(parameters.map(({ in: place, name }) => `${place} ${place === 'header' ? name.toLowerCase() : name}`))).toEqual([]);
    const schemes = security.flatMap((alternative) => Object.keys(alternative));
    expect(
      schemes.filter((name) => !Object.hasOwn((openapi.components as unknown as { securitySchemes: object }).securitySchemes, name)),
    ).toEqual([]);
  }
});

test.for(cases)('AsyncAPI 3 of %s is valid', async ([, surface]) => {
  const { asyncapi } = documentsOf(surface);
  const { document, diagnostics } = await new Parser().parse(JSON.stringify(asyncapi));
  // Errors and warnings; below them is advice, such as to use a newer version.
  expect(
    diagnostics.filter(({ severity }) => (severity as number) <= 1).map(({ path, message }) => `${path.join('.')}: ${message}`),
  ).toEqual([]);
  expect(document?.version()).toBe('3.0.0');
  expect(danglingRefs(asyncapi)).toEqual([]);
});

describe('both ways', () => {
  test.for(cases)('every address and method of %s is in the document, and no other', ([, surface]) => {
    const { openapi } = documentsOf(surface);
    const told = Object.entries(openapi.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const served = servedBy(surface).flatMap(({ path, methods }) => methods.map((method) => `${method} ${path}`));
    expect(told.sort()).toEqual([...served].sort());
  });

  test('an address that nobody has described is a fault, not a gap in the document', () => {
    const surface = surfaceOf({});
    expect(() => describeHttp([{ name: 'new', path: '/v1/new', methods: ['GET'] }], surface)).toThrow('/v1/new');
  });

  test('every error code is an answer of some operation, or of none, and no other code is told', () => {
    const { openapi } = documentsOf(surfaces['everything switched on']);
    const codes = Object.keys(errorCatalogue).sort();
    const answers = codesIn([openapi.paths, (openapi.components as unknown as { responses: object }).responses]);
    expect([...answers].sort()).toEqual(codes);
    expect(Object.keys(openapi.components.examples).sort()).toEqual(codes);
    expect(codesIn(openapi.components.schemas['Problem'] ?? {})).toEqual(new Set(codes));
    for (const [status, { content = {} }] of allResponses(openapi)) {
      for (const code of codesIn(content))
        expect([code, errorCatalogue[code as keyof typeof errorCatalogue].status]).toEqual([code, Number(status)]);
    }
  });

  test('every query parameter that is read is told of /v1/events, and every one that is told is read', () => {
    const surface = surfaces['everything switched on'];
    const { openapi, asyncapi } = documentsOf(surface);
    const attributes = ['session', 'level'];
    const ofOpenapi = (openapi.paths['/v1/events']?.['get']?.parameters ?? [])
      .filter((parameter) => parameter.in === 'query')
      .map(({ name }) => name);
    const ofAsyncapi = Object.keys(asyncapi.operations['follow.events']?.bindings?.http?.query?.properties ?? {});
    expect(ofAsyncapi).toEqual(ofOpenapi);
    for (const name of ofOpenapi) expect([name, codeOfRead(name)]).not.toEqual([name, 'unknown-parameter']);
    // Parameters that the source itself asks for.
    const source = readFileSync(new URL('../../../src/subscribe/stream-request.ts', import.meta.url), 'utf8');
    const read = [...source.matchAll(/(?:query\.get\(|(?:single|typeSet|parseCount)\((?:request\.)?query, )'(\w+)'/g)].map(
      ([, name = '']) => name,
    );
    expect(read.length).toBeGreaterThan(6);
    expect([...new Set([...read, ...attributes])].filter((name) => !ofOpenapi.includes(name))).toEqual([]);

    function codeOfRead(name: string): string {
      const headers = new Map<string, string>();
      const base = { method: 'GET', path: '/v1/events', pathParameters: {}, headers, remoteAddress: '' };
      try {
        parseStreamRequest(
          {
            ...base,
            query: new Map([
              ['channel', ['a']],
              [name, ['1']],
            ]),
          },
          attributes,
          surface.limits,
          0,
        );
        return 'read';
      } catch (error) {
        return error instanceof RefusedError ? error.code : 'broken';
      }
    }
  });

  test('named streams take what their configuration lets in', () => {
    const { openapi, asyncapi } = documentsOf(surfaces['everything switched on']);
    const names = (openapi.paths['/me/{channel}']?.['get']?.parameters ?? [])
      .filter(({ in: place }) => place !== 'header')
      .map(({ name }) => name);
    expect(names).toEqual([
      'channel',
      'type',
      'session',
      'since',
      'whatever',
      'format',
      'wait',
      'lastEventId',
      'last_event_id',
      'lastEventID',
    ]);
    expect(Object.keys(asyncapi.operations['follow.stream.own']?.bindings?.http?.query?.properties ?? {})).toEqual(names.slice(1));
    expect(openapi.paths['/open']?.['get']?.security).toEqual([]);
  });

  test('the fields of bodies are those that are read', () => {
    const { openapi } = documentsOf(surfaces['everything switched on']);
    const fieldsOf = (name: string): readonly string[] =>
      Object.keys((openapi.components.schemas[name] as { properties: object }).properties);
    expect(fieldsOf('PublishEvent').toSorted()).toEqual([...eventFields].sort());
    expect(fieldsOf('TicketRequest').toSorted()).toEqual([...ticketFields].sort());
  });

  test('close codes, reasons of gaps and control events are those of the catalogues, and of the source', () => {
    const { openapi, asyncapi } = documentsOf(surfaces['everything switched on']);
    const schemas = asyncapi.components.schemas;
    const closes = (schemas['Close'] as { oneOf: { properties: { code: { const: string }; reconnect: { const: string } } }[] }).oneOf;
    expect(closes.map(({ properties: { code, reconnect } }) => [code.const, reconnect.const])).toEqual(
      Object.entries(closeCatalogue).map(([code, { reconnect }]) => [code, reconnect]),
    );
    expect((schemas['Gap'] as { properties: { reason: { enum: string[] } } }).properties.reason.enum).toEqual(gapReasons);
    expect(openapi.components.schemas).toEqual(schemas);
    expect(
      Object.keys(asyncapi.components.messages)
        .filter((name) => name.startsWith('selvage.'))
        .sort(),
    ).toEqual([...controlTypes].sort());
    const sent = ['hub', 'http', 'subscribe'].flatMap((room) =>
      readdirSync(new URL(`../../../src/${room}/`, import.meta.url))
        .filter((file) => file.endsWith('.ts'))
        .flatMap((file) => [
          ...readFileSync(new URL(`../../../src/${room}/${file}`, import.meta.url), 'utf8').matchAll(
            /(?:ontrol|tell)\((?:\w+, )?'(selvage\.\w+)'/g,
          ),
        ])
        .map(([, type]) => type),
    );
    expect([...new Set(sent)].sort()).toEqual([...controlTypes].sort());
  });
});

test('channels are the templates of the routes, with the events that a reader of each gets', () => {
  const { asyncapi } = documentsOf(surfaces['everything switched on']);
  const { channels } = asyncapi;
  const told = Object.fromEntries(Object.entries(channels).map(([id, { address, messages }]) => [id, [address, ...Object.keys(messages)]]));
  expect(told).toEqual({
    'topic.tasks.v1': ['tasks.v1', 'record.tasks.v1'],
    events: ['/v1/events', ...controlTypes, 'event.1', 'event.1.tombstone', 'event.2'],
    'channel.1.1': ['task.{id}', ...controlTypes, 'event.1', 'event.1.tombstone'],
    'channel.1.2': ['project.{header_project}.stage.{stage_name}', ...controlTypes, 'event.1', 'event.1.tombstone'],
    'channel.1.3': ['all', ...controlTypes, 'event.1', 'event.1.tombstone'],
    'channel.2.1': ['raw.{key}', ...controlTypes, 'event.2'],
    'stream.own': [
      '/me/{channel}',
      ...controlTypes,
      'own.greeting',
      'own.heartbeat',
      'own.timeout',
      'own.unknown',
      'event.1',
      'event.1.tombstone',
    ],
    'stream.own.2': [
      '/me/{channel}/',
      ...controlTypes,
      'own.greeting',
      'own.heartbeat',
      'own.timeout',
      'own.unknown',
      'event.1',
      'event.1.tombstone',
    ],
    'stream.open': ['/open', ...controlTypes, 'event.1', 'event.1.tombstone'],
    publish: ['/v1/publish', 'PublishEvent', 'PublishBatch', 'CloudEvent'],
  });
  expect(channels['channel.1.2']?.parameters).toEqual({
    header_project: { description: "The record's header project.", default: 'none' },
    stage_name: { description: "The field /stage/name of the record's value." },
  });
  expect(asyncapi.components.messages).toMatchObject({
    'event.1': { 'x-sse-event': ['{header:ce_type}', 'progress'], payload: { properties: { done: {}, name: {} } } },
    'event.1.tombstone': { name: 'gone' },
    'own.greeting': {
      name: 'connected',
      payload: { required: ['channel', 'at', 'n', 'deep'], properties: { deep: { properties: { ok: { const: true } } } } },
    },
    'record.tasks.v1': { headers: { properties: { project: {}, ce_type: {}, session: {}, kind: {} } } },
  });
});

test('what is switched off is not told', () => {
  const { openapi, asyncapi } = documentsOf(surfaces['everything switched off']);
  for (const document of [openapi, asyncapi]) {
    const { components } = document as unknown as { components: { securitySchemes: object } };
    expect(Object.keys(components.securitySchemes)).toEqual(['bearer']);
  }
  expect(openapi.paths['/v1/events']?.['get']?.security).toEqual([{ bearer: [] }, {}]);
});

const repeated = (names: readonly string[]): readonly string[] => names.filter((name, i) => names.indexOf(name) !== i);

function danglingRefs(document: object): readonly string[] {
  const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = '']) => path);
  return [...new Set(refs)].filter((path) => {
    let at: unknown = document;
    for (const step of path.split('/')) at = (at as Record<string, unknown> | undefined)?.[step.replaceAll('~1', '/')];
    return at === undefined;
  });
}

/** The codes that a piece of the document lists. */
function codesIn(piece: object): ReadonlySet<string> {
  const found = new Set<string>();
  JSON.stringify(piece, (name, value: unknown) => {
    if (name === 'code' && typeof value === 'object' && value !== null && 'enum' in value)
      for (const code of value.enum as string[]) found.add(code);
    return value;
  });
  return found;
}

function allResponses({ paths }: { readonly paths: ReturnType<typeof documentsOf>['openapi']['paths'] }) {
  return Object.values(paths)
    .flatMap((item) => Object.values(item))
    .flatMap(({ responses }) => Object.entries(responses));
}
