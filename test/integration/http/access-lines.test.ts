import { afterEach, expect, test } from 'vitest';
import type { HttpServer } from '../../../src/http/http-server.js';
import { createPinoLogger } from '../../../src/telemetry/pino-logger.js';
import { eventually, startServer } from './fake-streams.js';
import { RawClient, roundTrip } from './raw-client.js';

const servers: HttpServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.closeAll();
});

/** A server that logs everything it can, and what it has logged. */
async function startLogging(options: Parameters<typeof startServer>[0] = {}) {
  const written: string[] = [];
  const logger = createPinoLogger({ level: 'debug', destination: { write: (line) => void written.push(line) } });
  const started = await startServer({ logger, options: { log: { sampleRate: 1, refusalsPerSecondMax: 1_000 } }, ...options });
  servers.push(started.server);
  const lines = (): Record<string, unknown>[] => written.map((line) => JSON.parse(line) as Record<string, unknown>);
  return { ...started, written, lines };
}

const get = (target: string, headers = ''): string => `GET ${target} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
const idOf = (head: string): string => /X-Request-Id: (\S+)/.exec(head)?.[1] ?? '';

test('every answer has a request id: the sane one that came, else a new one', async () => {
  const { port } = await startLogging();
  expect(idOf((await roundTrip(port, get('/', 'X-Request-Id: 7f3e:ab_c.1-2\r\n'))).head)).toBe('7f3e:ab_c.1-2');
  for (const insane of ['a b', '"', 'x'.repeat(65), '<script>', '.', 'ü', 'a, b']) {
    expect(idOf((await roundTrip(port, get('/nothing', `X-Request-Id: ${insane}\r\n`))).head)).toMatch(/^[0-9a-f]{20}$/);
  }
  const stream = await RawClient.connect(port);
  stream.send(get('/v1/events?channel=a', 'X-Request-Id: mine\r\n'));
  expect(idOf(await stream.until((text) => text.includes('retry')))).toBe('mine');
  stream.close();
});

test("a stream's end is one line: reason, duration, bytes, events, tier, request id and stream id", async () => {
  const { port, streams, lines } = await startLogging();
  streams.answer = () => {
    const answer = streams.stream();
    if (answer.kind !== 'stream') throw new Error('no stream');
    return {
      ...answer,
      attach: (sink) => Object.assign(answer.attach(sink), { summary: () => ({ streamId: 's1', events: 3, resumedFrom: 'window' }) }),
    };
  };
  const client = await RawClient.connect(port);
  client.send(get('/v1/events?channel=a', 'X-Request-Id: r1\r\n'));
  await client.until((text) => text.includes('retry'));
  client.close();
  await eventually(() => lines().length === 1);
  expect(lines()[0]).toMatchObject({
    level: 'info',
    msg: 'a stream ended',
    requestId: 'r1',
    streamId: 's1',
    route: 'events',
    reason: 'client-gone',
    events: 3,
    resumedFrom: 'window',
    bytes: 14,
    address: '127.0.0.1',
    durationMs: expect.any(Number) as number,
  });
});

test('good ends are sampled, refusals are not; refusals are capped and the rest is counted', async () => {
  const { port, lines } = await startLogging({ options: { log: { sampleRate: 0, refusalsPerSecondMax: 3 } } });
  for (let i = 0; i < 5; i++) await roundTrip(port, get('/'));
  expect(lines()).toEqual([]);
  for (let i = 0; i < 20; i++) await roundTrip(port, get('/nothing'));
  const first = lines().length;
  expect(first).toBeLessThanOrEqual(6);
  expect(lines()[0]).toMatchObject({ msg: 'a request was refused', status: 404, code: 'not-found', path: '/nothing', method: 'GET' });
  await eventually(() => {
    void roundTrip(port, get('/nothing')).catch(() => undefined);
    return lines().some(({ leftOutBefore }) => Number(leftOutBefore) > 0);
  });
});

test('a soft refusal is told with its code although its status is 200', async () => {
  const { port, streams, lines } = await startLogging();
  streams.answer = () => ({ kind: 'refused', refusal: { code: 'too-many-streams', detail: 'Full.' } });
  await roundTrip(port, get('/v1/events', 'Accept: text/event-stream\r\n'));
  expect(lines()[0]).toMatchObject({ msg: 'a request was refused', status: 200, code: 'too-many-streams' });
});

test('no token, ticket, cookie or query value reaches a line, at any level, whatever comes of the request', async () => {
  const { port, streams, written } = await startLogging();
  const secret = 's3cr3t-t0k3n';
  const everywhere = `Authorization: Bearer ${secret}\r\nCookie: __Host-token=${secret}\r\nX-Request-Id: ${secret} \u0001\r\n`;
  const headers = `Authorization: Bearer ${secret}\r\nCookie: __Host-token=${secret}\r\nReferer: https://x/?t=${secret}\r\n`;
  const target = `/v1/events?channel=a&ticket=${secret}&token=${secret}&access_token=${secret}&${secret}`;
  const outcomes: (typeof streams.answer)[] = [
    () => streams.stream(),
    () => ({ kind: 'refused', refusal: { code: 'token-invalid', detail: 'The token is not signed by a known key.' } }),
    () => ({ kind: 'poll', poll: () => Promise.reject(new Error('down')) }),
    () => Promise.reject(new Error('down')),
  ];
  for (const answer of outcomes) {
    streams.answer = answer;
    const client = await RawClient.connect(port);
    client.send(get(target, headers));
    await client.until((text) => text.includes('\r\n\r\n'));
    client.close();
  }
  for (const request of [get(`/nothing?${secret}`, headers), get(`${target}&x=%zz`, headers), get(`/?${secret}`, headers)])
    await roundTrip(port, request);
  const raw = await RawClient.connect(port);
  raw.send(get(target, everywhere));
  raw.close();
  await eventually(() => written.length >= 7);
  expect(written.join('')).not.toContain(secret);
});

test('nothing in a request makes a line of its own', async () => {
  const { port, written, lines } = await startLogging();
  const forged = '%0a{"level":"error","msg":"forged"}';
  await roundTrip(port, get(`/x${forged}\u2028"},{"msg":"forged"}`, `X-Request-Id: a\\n{"msg":"forged"}\r\n`));
  await roundTrip(port, `PO"}\\nST${forged} /x HTTP/1.1\r\nHost: x\r\n\r\n`);
  await roundTrip(port, get(`/${'long'.repeat(1_000)}`));
  expect(written.every((line) => line.endsWith('\n') && line.indexOf('\n') === line.length - 1)).toBe(true);
  expect(lines().every(({ msg }) => msg === 'a request was refused')).toBe(true);
  expect(Math.max(...written.map((line) => line.length))).toBeLessThan(1_000);
});
