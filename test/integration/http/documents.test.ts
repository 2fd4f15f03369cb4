import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { Parser } from '@asyncapi/parser';
import { Validator } from '@seriousme/openapi-schema-validator';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { SelvageNode } from '../../platform/selvage-node.js';
import { documentsOf, surfaceOf } from '../../unit/describe/surfaces.js';
import type { OpenApi } from '../../unit/describe/surfaces.js';
import { startServer } from './fake-streams.js';
import { roundTrip } from './raw-client.js';

const secret = 'a secret of thirty-two bytes, at least';
const streams = new URL('../../../deploy/streams.yaml', import.meta.url).pathname;
let node: SelvageNode;
let token: string;
let openapi: OpenApi;

beforeAll(async () => {
  const env = {
    HOST: '127.0.0.1',
    SELVAGE_CONFIG: streams,
    SELVAGE_BASE_PATH: '/fabric',
    SELVAGE_AUTH_ANONYMOUS_READ: 'none.of.these',
    SELVAGE_AUTH_ANONYMOUS_PUBLISH: 'none.of.these',
    SELVAGE_JWT_SECRET: secret,
    SELVAGE_TICKET_SECRET: secret,
    SELVAGE_AUTH_COOKIES: 'true',
    SELVAGE_CORS_ORIGINS: 'https://app.example.com',
    SELVAGE_CORS_CREDENTIALS: 'true',
  };
  node = await SelvageNode.start({ env });
  token = await new SignJWT({ sub: 'alice', selvage: { read: ['**'], publish: ['**'] } })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h')
    .sign(Buffer.from(secret));
  openapi = (await (await ask('/openapi.json')).json()) as OpenApi;
});
afterAll(() => node.close());

const ask = (path: string, init: RequestInit = {}): Promise<Response> => fetch(`${node.url}/fabric${path}`, init);
const bearer = (): Record<string, string> => ({ authorization: `Bearer ${token}` });
const json = { 'content-type': 'application/json' };

/** A path as a client would write it. */
const filled = (path: string): string => path.replaceAll(/\{[^}]+\}/g, 'value-1');

describe('the documents of a node', () => {
  test('are valid', async () => {
    const result = await new Validator().validate(openapi as unknown as Parameters<Validator['validate']>[0]);
    expect(result).toEqual({ valid: true });
    const { diagnostics } = await new Parser().parse(await (await ask('/asyncapi.json')).text());
    expect(diagnostics.filter(({ severity }) => (severity as number) <= 1)).toEqual([]);
  });

  test('tell every address that the node serves with every method, and none that it does not', async () => {
    expect(openapi.servers).toEqual([expect.objectContaining({ url: '/fabric' })]);
    expect(Object.keys(openapi.paths).length).toBeGreaterThan(15);
    for (const [path, item] of Object.entries(openapi.paths)) {
      const { status, headers } = await ask(filled(path), { method: 'OPTIONS' });
      const told = [...Object.keys(item).map((method) => method.toUpperCase()), 'OPTIONS'];
      expect([path, status, headers.get('allow')?.split(', ').sort()]).toEqual([path, 204, told.sort()]);
    }
  });

  test('tell every header that pages may read', async () => {
    const { headers } = await ask('/openapi.json', { headers: { origin: 'https://app.example.com' } });
    const exposed = headers.get('access-control-expose-headers')?.split(', ') ?? [];
    expect(exposed.length).toBeGreaterThan(5);
    expect(exposed.filter((name) => !Object.hasOwn(openapi.components.headers, name))).toEqual([]);
  });

  test('say nothing of secrets, of where Kafka and Redis are, or of groups', async () => {
    const text = JSON.stringify(openapi) + (await (await ask('/asyncapi.json')).text());
    for (const hidden of [secret, 'indexer', 'redis', '127.0.0.1']) expect(text.toLowerCase()).not.toContain(hidden);
  });

  test('are cached by tag, compressed, and open to pages', async () => {
    const plain = await ask('/openapi.json', { headers: { 'accept-encoding': 'identity', origin: 'https://app.example.com' } });
    const text = await plain.text();
    const tag = plain.headers.get('etag') ?? '';
    expect(plain.headers.get('content-type')).toBe('application/json');
    expect(plain.headers.get('access-control-allow-origin')).toBe('https://app.example.com');
    expect(tag).toMatch(/^"[\w-]{22}"$/);
    for (const [coding, inflate] of [
      ['br', brotliDecompressSync],
      ['gzip', gunzipSync],
    ] as const) {
      // The first makes it, the second finds it.
      for (let time = 1; time <= 2; time++) {
        const request = `GET /fabric/openapi.json HTTP/1.1\r\nHost: x\r\nAccept-Encoding: ${coding}\r\n\r\n`;
        const { head, body } = await roundTrip(node.port, request);
        expect(head).toContain(`Content-Encoding: ${coding}`);
        expect(head).toContain(`ETag: W/${tag}`);
        expect(inflate(Buffer.from(body, 'latin1')).toString()).toBe(text);
      }
    }
    for (const known of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
      const again = await ask('/openapi.json', { headers: { 'if-none-match': known } });
      expect([known, again.status, await again.text()]).toEqual([known, 304, '']);
    }
    for (const [coding, expected] of [
      ['identity', tag],
      ['gzip', `W/${tag}`],
    ] as const) {
      const head = await ask('/openapi.json', { method: 'HEAD', headers: { 'accept-encoding': coding } });
      expect([head.status, head.headers.get('etag'), await head.text()]).toEqual([200, expected, '']);
    }
    expect((await ask('/openapi.json', { method: 'POST' })).status).toBe(405);
  });
});

describe('what the node answers is what the document says', () => {
  const cases: readonly [string, string, () => RequestInit & { path?: string }, number][] = [
    ['/v1/events', 'get', () => ({ path: '/v1/events?channel=task.1&format=json', headers: bearer() }), 200],
    ['/v1/events', 'get', () => ({ path: '/v1/events?chanel=task.1', headers: bearer() }), 400],
    ['/v1/events', 'get', () => ({ path: '/v1/events?channel=task.1&format=json' }), 401],
    [
      '/v1/publish',
      'post',
      () => ({ method: 'POST', headers: { ...bearer(), ...json }, body: '{"channel":"task.1","type":"progress","data":{"n":1}}' }),
      200,
    ],
    [
      '/v1/publish',
      'post',
      () => ({ method: 'POST', headers: { ...bearer(), ...json }, body: '{"events":[{"channel":"a","data":1},{"data":2}]}' }),
      207,
    ],
    ['/v1/publish', 'post', () => ({ method: 'POST', headers: { ...bearer(), 'content-type': 'text/csv' }, body: 'a' }), 415],
    ['/v1/publish', 'post', () => ({ method: 'POST', headers: { ...bearer(), ...json }, body: '{"channel":"a"}' }), 422],
    ['/v1/tickets', 'post', () => ({ method: 'POST', headers: { ...bearer(), ...json }, body: '{"channels":["task.1"]}' }), 200],
    ['/v1/tickets', 'post', () => ({ method: 'POST', headers: { ...bearer(), ...json }, body: '{"stream":"/nowhere"}' }), 404],
    ['/v1/streams/{id}/token', 'post', () => ({ method: 'POST', path: '/v1/streams/stream-of-nobody/token', headers: bearer() }), 202],
    ['/v1/session', 'post', () => ({ method: 'POST', headers: bearer() }), 204],
    ['/v1/session', 'post', () => ({ method: 'POST', headers: { ...bearer(), origin: 'https://evil.example.com' } }), 403],
    ['/v1/session', 'delete', () => ({ method: 'DELETE' }), 204],
  ];
  test.for(cases)('%s %s', async ([path, method, init, status]) => {
    const { path: asked = path, ...request } = init();
    const response = await ask(asked, request);
    const text = await response.text();
    expect([response.status, text]).toEqual([status, text]);
    const told = openapi.paths[path]?.[method]?.responses[String(status)];
    expect(told).toBeDefined();
    const mediaType = response.headers.get('content-type');
    if (status === 204) return expect([text, told?.content]).toEqual(['', undefined]);
    const schema = told?.content?.[mediaType ?? '']?.schema;
    const result = z.fromJSONSchema(inlined(schema) as Parameters<typeof z.fromJSONSchema>[0]).safeParse(JSON.parse(text));
    expect(result.error?.issues ?? []).toEqual([]);
  });

  test('and a schema would notice', () => {
    const poll = z.fromJSONSchema(inlined({ $ref: '#/components/schemas/PollAnswer' }) as Parameters<typeof z.fromJSONSchema>[0]);
    expect(
      poll.safeParse({ events: [{ channel: 'a', type: 'b', time: '2026-11-21T11:35:58.260Z', data: 1 }], position: 'p' }).success,
    ).toBe(true);
    expect(
      poll.safeParse({ events: [{ channel: 'a', type: 'selvage.x', time: '2026-11-21T11:35:58.260Z', data: 1 }], position: 'p' }).success,
    ).toBe(false);
    expect(poll.safeParse({ events: [], position: 'with space' }).success).toBe(false);
  });

  /** With the document's own schemas in place of references to them. */
  function inlined(piece: unknown): unknown {
    if (Array.isArray(piece)) return piece.map(inlined);
    if (typeof piece !== 'object' || piece === null) return piece;
    const reference = (piece as { $ref?: string }).$ref;
    if (reference !== undefined) return inlined(openapi.components.schemas[reference.replace('#/components/schemas/', '')]);
    return Object.fromEntries(Object.entries(piece).map(([name, value]) => [name, inlined(value)]));
  }
});

test("the table of a running server is its document's, whatever is switched on", async () => {
  const surface = surfaceOf({}, false);
  const made: string[] = [];
  const { server, port } = await startServer({
    options: { basePath: '' },
    documents: {
      openapi: (routes) => {
        made.push(...routes.map(({ path }) => path));
        return JSON.stringify(routes);
      },
      asyncapi: () => {
        throw new Error('a fault of the document');
      },
    },
  });
  try {
    const get = (path: string) => roundTrip(port, `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect(JSON.parse((await get('/openapi.json')).body)).toEqual(server.routes);
    await get('/openapi.json');
    expect(made).toEqual(server.routes.map(({ path }) => path));
    expect(server.routes.every(({ path }) => Object.hasOwn(documentsOf(surface).openapi.paths, path))).toBe(true);
    expect((await get('/asyncapi.json')).status).toBe(500);
  } finally {
    server.closeAll();
  }
});
