import { afterEach, expect, test } from 'vitest';
import { createAdminServer } from '../../../src/http/admin-server.js';
import type { HttpServer } from '../../../src/http/http-server.js';
import { MemoryEventLog } from '../../../src/log/memory/memory-event-log.js';
import { LogPublisher } from '../../../src/publish/log-publisher.js';
import { defaultPublishShape } from '../../../src/publish/publish-event.js';
import { createRouter } from '../../../src/routing/create-router.js';
import { parseRoutes } from '../../../src/routing/parse-routes.js';
import { systemEnvironment } from '../../../src/std/system-environment.js';
import { noMetrics } from '../../../src/telemetry/no-metrics.js';
import { createPrometheusMetrics } from '../../../src/telemetry/prometheus-metrics.js';
import { silentLogger } from '../../../src/telemetry/silent-logger.js';
import { eventually, startServer } from './fake-streams.js';
import { RawClient, roundTrip, unchunk } from './raw-client.js';

const servers: HttpServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.closeAll();
});

async function startPublishing(options: Parameters<typeof startServer>[0] = {}) {
  const log = new MemoryEventLog({}, systemEnvironment);
  await log.ensureTopic('tasks', 2);
  const nothing = (): void => undefined;
  const parsed = parseRoutes([{ topic: 'tasks', channels: 'task:{key}', publish: true, type: '{header:selvage-type|message}' }]);
  if (parsed.kind === 'problems') throw new Error(JSON.stringify(parsed.problems));
  const publisher = new LogPublisher({
    router: createRouter(parsed.routes, { unrouted: nothing, channelSkipped: nothing, typeReplaced: nothing }),
    log,
    limits: { admitPublish: () => null },
    idempotency: null,
    shape: defaultPublishShape,
    encodePosition: (_, { partition, offset }) => `p${partition}-${offset}`,
    environment: systemEnvironment,
    metrics: noMetrics,
    logger: silentLogger,
  });
  const started = await startServer({ publisher, ...options });
  servers.push(started.server);
  return started;
}

const post = (body: string, headers = 'Content-Type: application/json\r\n'): string =>
  `POST /v1/publish HTTP/1.1\r\nHost: x\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

test('a publish is answered with where the event is', async () => {
  const { port } = await startPublishing();
  const { status, body } = await roundTrip(port, post('{"channel":"task:1","type":"done","data":{}}'));
  expect(status).toBe(200);
  expect(JSON.parse(body)).toEqual({
    results: [{ position: expect.stringMatching(/^p\d-0$/) as string, partition: expect.any(Number) as number, offset: '0' }],
  });
  expect((await roundTrip(port, post('{"channel":"x","data":1}'))).status).toBe(404);
  expect((await roundTrip(port, post('{"channel":"task:1"}'))).status).toBe(422);
  expect((await roundTrip(port, post('{}', ''))).status).toBe(415);
  const wrongMethod = await roundTrip(port, 'GET /v1/publish HTTP/1.1\r\nHost: x\r\n\r\n');
  expect([wrongMethod.status, /Allow: POST, OPTIONS/.test(wrongMethod.head)]).toEqual([405, true]);
});

test('a body in pieces, and one in chunks of the transfer coding, arrive whole', async () => {
  const { port } = await startPublishing();
  const text = post(JSON.stringify({ channel: 'task:1', data: 'x'.repeat(50_000) }));
  const client = await RawClient.connect(port);
  for (let at = 0; at < text.length; at += 9_000) {
    client.send(text.slice(at, at + 9_000));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(await client.until((soFar) => soFar.includes('results'))).toMatch(/^HTTP\/1\.1 200/);
  const body = '{"channel":"task:1","data":1}';
  client.send(`POST /v1/publish HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`);
  for (const part of [body.slice(0, 10), body.slice(10)]) client.send(`${part.length.toString(16)}\r\n${part}\r\n`);
  client.send('0\r\n\r\n');
  await client.until((soFar) => soFar.split('results').length === 3);
  client.close();
});

test('a body over the bound is refused, announced or not, and the connection closed', async () => {
  const { port } = await startPublishing({ options: { bodyBytesMax: 1_000 } });
  const announced = await RawClient.connect(port);
  announced.send('POST /v1/publish HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n');
  expect(await announced.until((soFar) => soFar.includes('"limit":1000'))).toMatch(/^HTTP\/1\.1 413/);
  await announced.closed();
  const chunked = await RawClient.connect(port);
  chunked.send('POST /v1/publish HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
  for (let i = 0; i < 3; i++) chunked.send(`1f4\r\n${'x'.repeat(500)}\r\n`);
  expect(await chunked.until((soFar) => soFar.includes('"limit":1000'))).toMatch(/^HTTP\/1\.1 413/);
  await chunked.closed();
});

test('a body that does not arrive in time is refused', async () => {
  const { port } = await startPublishing({ options: { bodyTimeoutMs: 300 } });
  const client = await RawClient.connect(port);
  client.send('POST /v1/publish HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{');
  expect(await client.until((soFar) => soFar.includes('body-timeout'))).toMatch(/^HTTP\/1\.1 408/);
  await client.closed();
});

test('publishes over the bound are told so', async () => {
  const { port } = await startPublishing({ options: { publishesPendingMax: 1 } });
  const slow = await RawClient.connect(port);
  slow.send('POST /v1/publish HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect((await roundTrip(port, post('{"channel":"task:1","data":1}'))).status).toBe(503);
  slow.close();
  await eventually(() => slow.isClosed);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect((await roundTrip(port, post('{"channel":"task:1","data":1}'))).status).toBe(200);
});

test('streams over the bound are told to come back later', async () => {
  const { server, port } = await startServer({ options: { streamsMax: 1 } });
  servers.push(server);
  const first = await RawClient.connect(port);
  first.send('GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n');
  await first.until((soFar) => soFar.includes('retry'));
  const { status, body } = await roundTrip(port, 'GET /v1/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n');
  expect(status).toBe(200);
  expect(body).toContain('"code":"overloaded"');
  first.close();
});

test('pending polls and admissions count like streams, until they are over', async () => {
  const { server, port, streams } = await startServer({ options: { streamsMax: 1 } });
  servers.push(server);
  const get = 'GET /v1/events HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n\r\n';
  let answer: () => void = () => undefined;
  streams.answer = async () => {
    await new Promise<void>((resolve) => (answer = resolve));
    return {
      kind: 'poll',
      poll: (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('gone')))),
    };
  };
  const poller = await RawClient.connect(port);
  poller.send(get);
  await eventually(() => streams.requests.length === 1);
  expect((await roundTrip(port, get)).status).toBe(503);
  answer();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect((await roundTrip(port, get)).status).toBe(503);
  poller.close();
  streams.answer = () => ({ kind: 'ended' });
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect((await roundTrip(port, get)).status).toBe(204);
});

test('streams are closed oldest first, on purpose, and each once', async () => {
  const { server, port, streams } = await startServer();
  servers.push(server);
  const clients: RawClient[] = [];
  for (let i = 0; i < 5; i++) {
    const client = await RawClient.connect(port);
    client.send('GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n');
    await client.until((soFar) => soFar.includes('retry'));
    clients.push(client);
  }
  expect(server.closeStreams(2, 'draining')).toBe(2);
  expect(server.openCount).toBe(3);
  for (const client of clients.slice(0, 2)) {
    expect(unchunk(await client.until((soFar) => soFar.endsWith('0\r\n\r\n')))).toContain(
      'event: selvage.close\ndata: {"code":"draining"}',
    );
  }
  expect(streams.subscribers.map(({ closeCodes }) => closeCodes.length)).toEqual([1, 1, 0, 0, 0]);
  expect(server.closeStreams(100, 'draining')).toBe(3);
  expect(server.openCount).toBe(0);
  expect(streams.subscribers.every(({ peerGoneCount }) => peerGoneCount === 0)).toBe(true);
});

test('once it stops listening a server takes no connection, and sends requests on open ones elsewhere', async () => {
  const { server, port } = await startServer();
  servers.push(server);
  const open = await RawClient.connect(port);
  open.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await open.until((soFar) => soFar.includes('new EventSource'));
  server.stopListening();
  await expect(RawClient.connect(port)).rejects.toThrow(/ECONNREFUSED/);
  open.send('GET /v1/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n');
  const text = await open.until((soFar) => soFar.includes('selvage.close'));
  expect(text).toContain('"code":"not-ready"');
  expect(text).toContain('Connection: close');
  await open.closed();
});

test('the end of a server tells every subscriber', async () => {
  const { server, port, streams } = await startServer();
  const client = await RawClient.connect(port);
  client.send('GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n');
  await client.until((soFar) => soFar.includes('retry'));
  server.closeAll();
  await client.closed();
  expect(streams.subscribers[0]?.peerGoneCount).toBe(1);
  expect(streams.subscribers[0]?.sink.write(new Uint8Array([58, 10]))).toBe(false);
});

test('the admin port tells health, reasons and metrics, and fails when its port is taken', async () => {
  let ready = false;
  const parts = {
    options: { host: '127.0.0.1', port: 0 },
    readiness: () => ({ ready, conditions: [{ name: 'tail', isMet: ready, reason: 'catching up' }] }),
    metrics: createPrometheusMetrics({ processMetrics: false }),
    logger: silentLogger,
  };
  const admin = createAdminServer(parts);
  const { port } = await admin.listen();
  const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
  expect((await get('/healthz/live')).status).toBe(200);
  const notReady = await get('/healthz/ready');
  expect([notReady.status, await notReady.json()]).toEqual([503, parts.readiness()]);
  ready = true;
  expect((await get('/healthz/ready')).status).toBe(200);
  const metrics = await get('/metrics');
  expect(metrics.headers.get('content-type')).toContain('text/plain');
  expect(await metrics.text()).toContain('# TYPE selvage_connections gauge');
  expect((await get('/nothing')).status).toBe(404);
  await expect(createAdminServer({ ...parts, options: { host: '127.0.0.1', port } }).listen()).rejects.toThrow(/EADDRINUSE/);
  await admin.close();
});
