import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import type { HttpServer } from '../../../src/http/http-server.js';
import { chooseCoding } from '../../../src/http/compress-body.js';
import { startServer } from './fake-streams.js';
import { roundTrip } from './raw-client.js';

const servers: HttpServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.closeAll();
});

const start: typeof startServer = async (overrides) => {
  const started = await startServer(overrides);
  servers.push(started.server);
  return started;
};

const get = (headers: string, query = ''): string => `GET /v1/events?format=json${query} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;

/** A server whose polls answer with this. */
async function startPolling(position: string, events = '', options: Parameters<typeof startServer>[0] = {}) {
  const started = await start(options);
  started.streams.answer = () => ({
    kind: 'poll',
    poll: () => Promise.resolve({ position, body: `{"events":[${events}],"position":"${position}"}` }),
  });
  return started;
}

test('a poll is answered with its position as an entity tag, and takes it back as If-None-Match', async () => {
  const { port, streams } = await startPolling('1abcd.x-1-0-5', '{"data":1}');
  const first = await roundTrip(port, get(''));
  expect(first.head).toContain('ETag: "1abcd.x-1-0-5"');
  const next = await roundTrip(port, get('If-None-Match: "1abcd.x-1-0-4"\r\n'));
  expect(next.status).toBe(200);
  expect(streams.requests.at(-1)?.headers.get('last-event-id')).toBe('1abcd.x-1-0-4');
  await roundTrip(port, get('If-None-Match: W/"1abcd.x-1-0-3", "other"\r\n'));
  expect(streams.requests.at(-1)?.headers.get('last-event-id')).toBe('1abcd.x-1-0-3');
});

test('when nothing came the answer is 304 with the tag, no body and the connection usable', async () => {
  const { port } = await startPolling('1abcd.x-1-0-5');
  const asked = get('If-None-Match: "1abcd.x-1-0-5"\r\n');
  const { status, head, body } = await roundTrip(port, asked);
  expect([status, body]).toEqual([304, '']);
  expect(head).toContain('ETag: "1abcd.x-1-0-5"');
  expect(head).not.toMatch(/content-length/i);
  const twice = await roundTrip(port, asked + get(''));
  expect(twice.status).toBe(304);
});

test('a position that moved without an event is 200 with the new tag, and a gap is never a 304', async () => {
  const { port, streams } = await startPolling('p2');
  expect((await roundTrip(port, get('If-None-Match: "p1"\r\n'))).status).toBe(200);
  streams.answer = () => ({
    kind: 'poll',
    poll: () => Promise.resolve({ position: 'p2', body: '{"events":[],"position":"p2","gap":{"reason":"expired"}}' }),
  });
  expect((await roundTrip(port, get('If-None-Match: "p2"\r\n'))).status).toBe(200);
});

test("what a request says in the program's own words goes first", async () => {
  const { port, streams } = await startPolling('p2');
  const { status } = await roundTrip(port, get('If-None-Match: "p2"\r\nLast-Event-ID: p1\r\n'));
  expect([status, streams.requests.at(-1)?.headers.get('last-event-id')]).toEqual([200, 'p1']);
  expect((await roundTrip(port, get('If-None-Match: "p2"\r\n', '&lastEventId=p1'))).status).toBe(200);
  const { head } = await roundTrip(port, get('Prefer: wait=9\r\n', '&wait=3'));
  expect(streams.requests.at(-1)?.query.get('wait')).toEqual(['3']);
  expect(head).not.toContain('Preference-Applied');
});

test.each([
  ['wait=10', '10'],
  ['respond-async, wait=7', '7'],
  ['wait="4"; x=y', '4'],
  ['wait=100000', '25'],
])('Prefer: %s is granted as far as it goes, and that is said', async (prefer, granted) => {
  const { port, streams } = await startPolling('p');
  const { head } = await roundTrip(port, get(`Prefer: ${prefer}\r\n`));
  expect(streams.requests.at(-1)?.query.get('wait')).toEqual([granted]);
  expect(head).toContain(`Preference-Applied: wait=${granted}`);
});

test('a preference that cannot be read, and a star, change nothing', async () => {
  const { port, streams } = await startPolling('p');
  await roundTrip(port, get('Prefer: wait=soon\r\nIf-None-Match: *\r\n'));
  expect(streams.requests.at(-1)?.query.has('wait')).toBe(false);
  expect(streams.requests.at(-1)?.headers.has('last-event-id')).toBe(false);
});

const events = JSON.stringify({ data: 'événement '.repeat(400) });

test('a long poll answer is compressed as the client likes it best, with a weak tag; a short one and a stream are not', async () => {
  const { port, streams } = await startPolling('p', events);
  const ask = async (accept: string): Promise<{ coding: string | null; text: string; tag: string | null }> => {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/events?format=json`, { headers: { 'accept-encoding': accept } });
    expect(answer.headers.get('vary')).toContain('Accept-Encoding');
    return { coding: answer.headers.get('content-encoding'), text: await answer.text(), tag: answer.headers.get('etag') };
  };
  const plain = await ask('identity');
  expect([plain.coding, plain.tag]).toEqual([null, '"p"']);
  for (const [accept, coding] of [
    ['gzip, br', 'br'],
    ['gzip;q=0.8, br;q=0.5', 'gzip'],
    ['*', 'br'],
  ] as const) {
    expect(await ask(accept)).toEqual({ coding, text: plain.text, tag: 'W/"p"' });
  }
  expect((await ask('br;q=0, gzip;q=0')).coding).toBeNull();
  streams.answer = () => ({ kind: 'poll', poll: () => Promise.resolve({ position: 'p', body: '{}' }) });
  expect((await ask('br')).coding).toBeNull();
});

test('what is compressed is the very body', async () => {
  const { port } = await startPolling('p', events);
  for (const [coding, decode] of [
    ['br', brotliDecompressSync],
    ['gzip', gunzipSync],
  ] as const) {
    const { head, body } = await roundTrip(port, get(`Accept-Encoding: ${coding}\r\n`));
    expect(head).toContain(`Content-Encoding: ${coding}`);
    expect(JSON.parse(decode(Buffer.from(body, 'latin1')).toString())).toEqual({ events: [JSON.parse(events)], position: 'p' });
  }
});

test('compression can be switched off', async () => {
  const { port } = await startPolling('p', events, { options: { compressBytesMin: 0 } });
  expect((await roundTrip(port, get('Accept-Encoding: gzip\r\n'))).head).not.toContain('Content-Encoding');
});

test.each([
  [undefined, null],
  ['', null],
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', null],
  ['br;q=1.0, gzip;q=0.8, *;q=0.1', 'br'],
  ['*;q=0.5, br;q=0', 'gzip'],
  ['identity, gzip;q=0.5', null],
  ['GZIP', 'gzip'],
  ['gzip;q=nonsense', 'gzip'],
])('of %j the coding is %j', (accept, coding) => expect(chooseCoding(accept)).toBe(coding));
