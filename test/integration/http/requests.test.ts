import { afterEach, expect, test } from 'vitest';
import type { HttpServer } from '../../../src/http/http-server.js';
import type { StreamAnswer } from '../../../src/subscribe/event-streams.js';
import { RawClient, roundTrip, unchunk } from './raw-client.js';
import { eventually, startServer } from './fake-streams.js';

const servers: HttpServer[] = [];
const start: typeof startServer = async (overrides) => {
  const started = await startServer(overrides);
  servers.push(started.server);
  return started;
};
afterEach(() => {
  for (const server of servers.splice(0)) server.closeAll();
});

const get = (target: string, headers = '', method = 'GET'): string => `${method} ${target} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
const problemOf = (body: string): Record<string, unknown> => JSON.parse(body) as Record<string, unknown>;

test('a stream begins with its headers and first frames in one piece', async () => {
  const { port, streams } = await start();
  const client = await RawClient.connect(port);
  client.send(get('/v1/events?channel=a', 'Accept: text/event-stream\r\n'));
  const text = await client.until((soFar) => soFar.includes('retry: 1000'));
  expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(text).toContain('Content-Type: text/event-stream; charset=utf-8\r\n');
  expect(text).toContain('Cache-Control: no-store, no-transform\r\n');
  expect(text).toContain('X-Accel-Buffering: no\r\n');
  expect(text).toContain('Vary: Accept, Origin\r\n');
  expect(text).toContain('Transfer-Encoding: chunked\r\n');
  expect(unchunk(text)).toBe('retry: 1000\n:\n');
  client.close();
  await eventually(() => streams.subscribers[0]?.peerGoneCount === 1);
});

test('the snapshot holds every value of a repeated parameter, decoded, and the headers in lower case', async () => {
  const { port, streams } = await start();
  const client = await RawClient.connect(port);
  client.send(
    get(
      '/v1/events?channel=a%3Ab&channel=c+d&flag&empty=&q=%E2%82%AC',
      'Last-Event-ID: 1.abc\r\nX-One: a\r\nX-One: b\r\nCookie: a=1\r\nCookie: b=2\r\n',
    ),
  );
  await client.until((soFar) => soFar.includes('retry'));
  const request = streams.requests[0];
  expect(request?.query.get('channel')).toEqual(['a:b', 'c d']);
  expect(request?.query.get('flag')).toEqual(['']);
  expect(request?.query.get('empty')).toEqual(['']);
  expect(request?.query.get('q')).toEqual(['€']);
  expect(request?.headers.get('last-event-id')).toBe('1.abc');
  expect(request?.headers.get('x-one')).toBe('a, b');
  expect(request?.headers.get('cookie')).toBe('a=1; b=2');
  expect(request?.path).toBe('/v1/events');
  expect(request?.remoteAddress).toBe('127.0.0.1');
  client.close();
});

test.each(['%zz', '%', '%f', '%ff', '%c3%28', '%ed%a0%80'])('a query with %s is refused as malformed', async (escape) => {
  const { port, streams } = await start();
  const { status, head, body } = await roundTrip(port, get(`/v1/events?channel=${escape}`));
  expect(status).toBe(400);
  expect(head).toContain('Content-Type: application/problem+json');
  expect(problemOf(body)).toMatchObject({ type: 'urn:selvage:error:malformed-request', code: 'malformed-request', status: 400 });
  expect(streams.requests).toEqual([]);
});

test('raw bytes in the query that are not UTF-8 are refused', async () => {
  const { port, streams } = await start();
  const client = await RawClient.connect(port);
  client.socket.write(Buffer.from(get('/v1/events?channel=a\xff\xfe'), 'latin1'));
  await client.until((soFar) => soFar.startsWith('HTTP/1.1 400')).catch(() => client.closed());
  expect(streams.requests).toEqual([]);
  client.close();
});

test('an address that is too long is refused with the limit', async () => {
  const { port } = await start();
  const fits = await roundTrip(port, get(`/nowhere?${'a'.repeat(8_192 - '/nowhere?'.length)}`));
  expect(fits.status).toBe(404);
  const { status, body } = await roundTrip(port, get(`/nowhere?${'a'.repeat(8_193 - '/nowhere?'.length)}`));
  expect(status).toBe(414);
  expect(problemOf(body)).toMatchObject({ code: 'uri-too-long', limit: 8_192 });
});

const headerOf = (length: number): string => `X-Long: ${'a'.repeat(length)}\r\n`;

test('whole headers over the limit are refused, under it they pass', async () => {
  const { port } = await start();
  expect((await roundTrip(port, get('/nowhere', headerOf(15_000)))).status).toBe(404);
  const { status, body } = await roundTrip(port, get('/nowhere', headerOf(16_400)));
  expect(status).toBe(431);
  expect(problemOf(body)).toMatchObject({ code: 'headers-too-large', limit: 16_384 });
});

test('headers that arrive in pieces have the same limit', async () => {
  const { port } = await start();
  const inPieces = async (length: number): Promise<string> => {
    const client = await RawClient.connect(port);
    client.socket.setNoDelay(true);
    const text = get('/nowhere', headerOf(length));
    for (let at = 0; at < text.length; at += 3_000) {
      client.send(text.slice(at, at + 3_000));
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
    const answer = await client.until((soFar) => soFar.includes('\r\n'));
    client.close();
    return answer.slice(0, 12);
  };
  expect(await inPieces(15_000)).toBe('HTTP/1.1 404');
  expect(await inPieces(30_000)).toBe('HTTP/1.1 431');
});

test('unknown addresses are 404, other methods 405 with Allow', async () => {
  const { port } = await start();
  expect(problemOf((await roundTrip(port, get('/v1/nothing'))).body)).toMatchObject({ code: 'not-found', status: 404 });
  expect((await roundTrip(port, get('/v1/events/'))).status).toBe(404);
  const refused = await roundTrip(port, get('/v1/events', 'Content-Length: 0\r\n', 'DELETE'));
  expect(refused.status).toBe(405);
  expect(refused.head).toContain('Allow: GET, HEAD, OPTIONS');
  expect((await roundTrip(port, get('/v1/events', 'Content-Length: 0\r\n', 'constructor'))).status).toBe(405);
});

test('HEAD answers the head of what GET would, and opens no stream', async () => {
  const { port, streams } = await start();
  const { status, head, body } = await roundTrip(port, get('/v1/events?channel=a', '', 'HEAD'));
  expect(status).toBe(200);
  expect(head).toContain('Content-Type: text/event-stream');
  expect(head).not.toMatch(/content-length/i);
  expect(body).toBe('');
  expect(streams.requests).toHaveLength(1);
  expect(streams.subscribers).toHaveLength(0);
  streams.answer = () => ({ kind: 'refused', refusal: { code: 'missing-channel', detail: 'Name one.' } });
  const refused = await roundTrip(port, get('/v1/events', '', 'HEAD'));
  expect([refused.status, refused.body]).toEqual([400, '']);
});

test('media types that are not served are refused', async () => {
  const { port } = await start();
  expect((await roundTrip(port, get('/v1/events', 'Accept: text/html, image/png\r\n'))).status).toBe(406);
  expect((await roundTrip(port, get('/v1/events', 'Accept: text/event-stream;q=0\r\n'))).status).toBe(406);
  expect((await roundTrip(port, get('/v1/events', 'Accept: text/html, */*;q=0.1\r\n'))).status).toBe(200);
  expect((await roundTrip(port, get('/v1/events?format=sse', 'Accept: text/html\r\n'))).status).toBe(200);
});

test('two requests in one segment are answered in order when both are whole', async () => {
  const { port } = await start();
  const client = await RawClient.connect(port);
  client.send(get('/v1/nothing') + get('/'));
  const text = await client.until((soFar) => soFar.includes('new EventSource'));
  expect(text.indexOf('HTTP/1.1 404')).toBe(0);
  expect(text.indexOf('HTTP/1.1 200')).toBeGreaterThan(0);
  client.close();
});

test('a request on a connection whose stream is open ends that connection, and the subscriber is told once', async () => {
  const { port, streams } = await start();
  const client = await RawClient.connect(port);
  client.send(get('/v1/events?channel=a'));
  await client.until((soFar) => soFar.includes('retry'));
  client.send(get('/v1/events?channel=b'));
  await client.closed();
  expect(streams.subscribers[0]?.peerGoneCount).toBe(1);
  expect(streams.requests).toHaveLength(1);
  const other = await RawClient.connect(port);
  other.send(get('/v1/events?channel=c') + get('/v1/events?channel=d'));
  await other.closed();
  await eventually(() => streams.subscribers[1]?.peerGoneCount === 1);
});

test('a peer that goes away while the stream is being admitted is never attached', async () => {
  const { port, streams, server } = await start();
  let admit: (answer: StreamAnswer) => void = () => undefined;
  streams.answer = () => new Promise((resolve) => (admit = resolve));
  const client = await RawClient.connect(port);
  client.send(get('/v1/events?channel=a'));
  await eventually(() => streams.requests.length === 1);
  client.close();
  const marker = await RawClient.connect(port);
  marker.send(get('/'));
  await marker.until((soFar) => soFar.includes('new EventSource'));
  await new Promise((resolve) => setTimeout(resolve, 50));
  admit(streams.stream());
  await new Promise((resolve) => setImmediate(resolve));
  expect(streams.subscribers).toHaveLength(0);
  expect(server.openCount).toBe(0);
  marker.close();
});

test('a stream admitted later is attached then', async () => {
  const { port, streams } = await start();
  streams.answer = async () => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return streams.stream();
  };
  const client = await RawClient.connect(port);
  client.send(get('/v1/events?channel=a'));
  expect(unchunk(await client.until((soFar) => soFar.includes('retry')))).toContain('retry: 1000\n');
  client.close();
});

test('a refusal is told as a problem, or as a stream to come back to', async () => {
  const { port, streams } = await start();
  streams.answer = () => ({ kind: 'refused', refusal: { code: 'overloaded', detail: 'Full.', retryAfterSeconds: 3 } });
  const hard = await roundTrip(port, get('/v1/events?channel=a', 'Accept: application/json\r\n'));
  expect(hard.status).toBe(503);
  expect(hard.head).toContain('Retry-After: 3');
  expect(problemOf(hard.body)).toMatchObject({ code: 'overloaded', detail: 'Full.' });
  const soft = await roundTrip(port, get('/v1/events?channel=a', 'Accept: text/event-stream\r\n'));
  expect(soft.status).toBe(200);
  expect(soft.head).toContain('Content-Type: text/event-stream');
  expect(soft.body).toMatch(/^retry: \d+\nevent: selvage\.close\ndata: \{"code":"overloaded","reconnect":"back-off","retryMs":\d+\}\n\n$/);
  streams.answer = () => ({ kind: 'refused', refusal: { code: 'unroutable-channel', detail: 'No.' } });
  expect((await roundTrip(port, get('/v1/events?channel=a', 'Accept: text/event-stream\r\n'))).status).toBe(404);
});

test('a stream that has ended for good is 204', async () => {
  const { port, streams } = await start();
  streams.answer = () => ({ kind: 'ended' });
  const { status, head, body } = await roundTrip(port, get('/v1/events?channel=a', 'Accept: text/event-stream\r\n'));
  expect([status, body]).toEqual([204, '']);
  expect(head).not.toMatch(/content-length/i);
});

test('a poll is answered as JSON, and is told when its client is gone', async () => {
  const { port, streams } = await start();
  streams.answer = () => ({ kind: 'poll', poll: () => Promise.resolve({ position: 'p', body: '{"events":[],"position":"p"}' }) });
  const { status, head, body } = await roundTrip(port, get('/v1/events?channel=a', 'Accept: application/json\r\n'));
  expect(status).toBe(200);
  expect(head).toContain('Content-Type: application/json');
  expect(head).toContain('Cache-Control: no-store');
  expect(body).toBe('{"events":[],"position":"p"}');
  let seen: AbortSignal | null = null;
  streams.answer = () => ({
    kind: 'poll',
    poll: (signal) => {
      seen = signal;
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('gone'))));
    },
  });
  const client = await RawClient.connect(port);
  client.send(get('/v1/events?channel=a&format=json'));
  await eventually(() => seen !== null);
  client.close();
  await eventually(() => seen?.aborted === true);
});

test('a failing admission is 500 and the server goes on', async () => {
  const { port, streams } = await start();
  streams.answer = () => {
    throw new Error('secret detail');
  };
  const { status, body } = await roundTrip(port, get('/v1/events?channel=a'));
  expect(status).toBe(500);
  expect(body).not.toContain('secret');
  streams.answer = () => Promise.reject(new Error('secret detail'));
  expect((await roundTrip(port, get('/v1/events?channel=a'))).status).toBe(500);
  expect((await roundTrip(port, get('/'))).status).toBe(200);
});

test('HTTP/1.0 is refused by the parser and does no harm', async () => {
  const { port, streams } = await start();
  const client = await RawClient.connect(port);
  client.send('GET /v1/events?channel=a HTTP/1.0\r\nHost: x\r\n\r\n');
  const text = await client.until((soFar) => soFar.includes('\r\n'));
  expect(text).toMatch(/^HTTP\/1\.1 505/);
  expect(streams.requests).toEqual([]);
});

test('a second server on the same port fails loudly', async () => {
  const { port } = await start();
  await expect(startServer({ options: { port } })).rejects.toThrow(/cannot listen on port/);
  await expect(startServer({ options: { port, host: '127.0.0.1' } })).rejects.toThrow(/cannot listen on port/);
});

test('a base path is put before every address', async () => {
  const { port } = await start({ options: { basePath: '/fabric' } });
  expect((await roundTrip(port, get('/v1/events'))).status).toBe(404);
  expect((await roundTrip(port, get('/fabric/'))).body).toContain('/fabric/v1/events');
  const client = await RawClient.connect(port);
  client.send(get('/fabric/v1/events'));
  await client.until((soFar) => soFar.includes('retry'));
  client.close();
});

test('options that contradict each other are refused by name', async () => {
  await expect(
    startServer({ options: { cors: { origins: '*', credentials: true, maxAgeSeconds: 1, privateNetwork: false } } }),
  ).rejects.toThrow(/cors\.credentials/);
  await expect(startServer({ options: { basePath: 'fabric/' } })).rejects.toThrow(/basePath/);
});

test('only listed origins are named, credentials never go with a star', async () => {
  const listed = await start({
    options: { cors: { origins: ['https://a.example'], credentials: true, maxAgeSeconds: 60, privateNetwork: false } },
  });
  const asked = await roundTrip(listed.port, get('/', 'Origin: https://a.example\r\n'));
  expect(asked.head).toContain('Access-Control-Allow-Origin: https://a.example');
  expect(asked.head).toContain('Access-Control-Allow-Credentials: true');
  expect(asked.head).toContain('Vary: Accept, Origin');
  expect((await roundTrip(listed.port, get('/', 'Origin: https://b.example\r\n'))).head).not.toContain('Access-Control');
  expect((await roundTrip(listed.port, get('/'))).head).not.toContain('Access-Control');
  const open = await start({ options: { cors: { origins: '*', credentials: false, maxAgeSeconds: 60, privateNetwork: false } } });
  const any = await roundTrip(open.port, get('/', 'Origin: https://b.example\r\n'));
  expect(any.head).toContain('Access-Control-Allow-Origin: *');
  expect(any.head).not.toContain('Credentials');
});

test('a preflight for Last-Event-ID is allowed to listed origins', async () => {
  const { port } = await start({
    options: { cors: { origins: ['https://a.example'], credentials: false, maxAgeSeconds: 60, privateNetwork: false } },
  });
  const preflight = 'Access-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: last-event-id\r\n';
  const allowed = await roundTrip(port, get('/v1/events', `Origin: https://a.example\r\n${preflight}`, 'OPTIONS'));
  expect(allowed.status).toBe(204);
  expect(allowed.head).toContain('Access-Control-Allow-Methods: GET, HEAD, OPTIONS');
  expect(allowed.head).toMatch(/Access-Control-Allow-Headers: .*Content-Type, Last-Event-ID/);
  expect(allowed.head).toContain('Access-Control-Max-Age: 60');
  expect((await roundTrip(port, get('/v1/events', `Origin: https://b.example\r\n${preflight}`, 'OPTIONS'))).head).not.toContain(
    'Access-Control-Allow',
  );
});
