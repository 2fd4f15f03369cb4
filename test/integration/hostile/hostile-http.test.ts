import net from 'node:net';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SelvageNode } from '../../platform/selvage-node.js';
import { SseReader } from '../../platform/sse-reader.js';
import { RawClient, roundTrip } from '../http/raw-client.js';
import { attacks } from './attacks.js';

let node: SelvageNode;
let honest: SseReader;
let residentBefore = 0;

beforeAll(async () => {
  node = await SelvageNode.start({ env: { HOST: '127.0.0.1', LOG_LEVEL: 'info', SELVAGE_STREAM_KEEP_ALIVE_MS: '500' } });
  honest = await SseReader.open(node, 'channel=honest');
  for (let i = 0; i < 200; i++) await roundTrip(node.port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  residentBefore = residentMb();
});
afterAll(async () => {
  honest.close();
  await node.close();
});

const residentMb = (): number => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${node.pid ?? 0}/status`, 'utf8'))?.[1]) / 1_024;

let sent = 0;
/** A stream that was open all the time still gets what others publish. */
async function expectServing(): Promise<void> {
  const value = `still served ${sent++}`;
  const answer = await fetch(`${node.url}/v1/publish`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ channel: 'honest', data: value }),
  });
  expect(answer.status).toBe(200);
  await honest.until(() => honest.datas.includes(value), value);
}

/** Statuses of the answers in what came; fails on anything between them that is no answer. */
function statusesIn(text: string): number[] {
  const statuses: number[] = [];
  let at = 0;
  while (at < text.length) {
    const head = /^HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n(?:[!-9;-~]+: ?[^\r\n]*\r\n)*\r\n/.exec(text.slice(at));
    if (head === null) throw new Error(`no answer at ${at}: ${JSON.stringify(text.slice(at, at + 300))}`);
    statuses.push(Number(head[1]));
    at += head[0].length;
    if (/transfer-encoding: chunked/i.test(head[0])) return statuses;
    const length = /content-length: (\d+)/i.exec(head[0])?.[1];
    // The parser's own refusals have no length: they end with the connection.
    if (length === undefined && head[0].includes('Connection: close')) return statuses;
    at += Number(length ?? 0);
  }
  return statuses;
}

// uWebSockets.js cuts what it cannot read as a request after 8 to 12 s.
const patienceMs = 16_000;

describe('an attack on one connection', () => {
  test.concurrent.each(attacks)('$sentence', { timeout: 40_000 }, async ({ bytes, expected }) => {
    const client = await RawClient.connect(node.port);
    client.socket.write(Buffer.from(bytes, 'latin1'));
    if (expected.isCut) await client.closed(patienceMs);
    else await client.until((text) => statusesIn(text).length >= expected.statuses.length, patienceMs);
    const statuses = client.text.startsWith('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream') ? [] : statusesIn(client.text);
    if (expected.statuses.length > 0) expect(statuses).toEqual(expected.statuses);
    else expect(statuses.every((status) => status === 400)).toBe(true);
    client.close();
    expect((await roundTrip(node.port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')).status).toBe(200);
  });
});

/** Opens connections as fast as the machine allows, a bounded number at a time. */
async function flood(count: number, onOpen: (socket: net.Socket) => void): Promise<net.Socket[]> {
  const sockets: net.Socket[] = [];
  for (let at = 0; at < count; at += 200) {
    const wave = Array.from({ length: Math.min(200, count - at) }, () => {
      const socket = net.connect(node.port, '127.0.0.1');
      socket.on('error', () => undefined);
      sockets.push(socket);
      return new Promise<void>((resolve) => {
        socket.once('connect', () => {
          onOpen(socket);
          resolve();
        });
        socket.once('close', () => resolve());
      });
    });
    await Promise.all(wave);
  }
  return sockets;
}

const closed = (socket: net.Socket): Promise<void> =>
  socket.closed ? Promise.resolve() : new Promise((resolve) => socket.once('close', () => resolve()));

describe('an attack with many connections', () => {
  test.concurrent('thousands of connections a second that ask for nothing and leave cost nothing', { timeout: 60_000 }, async () => {
    const startedMs = Date.now();
    await flood(6_000, (socket) => socket.destroy());
    console.log(`${Math.round(6_000 / ((Date.now() - startedMs) / 1_000))} connections a second`);
    await expectServing();
  });

  test.concurrent('connections that never say anything are cut', { timeout: 60_000 }, async () => {
    const sockets = await flood(1_000, () => undefined);
    await expectServing();
    await Promise.all(sockets.map(closed));
  });

  test.concurrent('slow-loris: heads that come a byte a second, for ever, are cut', { timeout: 60_000 }, async () => {
    const sockets = await flood(500, (socket) => socket.write('GET / HTTP/1.1\r\nHost: x\r\nX: '));
    const drip = setInterval(() => sockets.forEach((socket) => !socket.destroyed && socket.write('a')), 1_000);
    await expectServing();
    await Promise.all(sockets.map(closed));
    clearInterval(drip);
  });

  test.concurrent('slow-loris: bodies that come a byte a second, for ever, are refused', { timeout: 60_000 }, async () => {
    const head = 'POST /v1/publish HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n';
    const sockets = await flood(300, (socket) => socket.write(head));
    const drip = setInterval(() => sockets.forEach((socket) => !socket.destroyed && socket.write(' ')), 1_000);
    await expectServing();
    await Promise.all(sockets.map(closed));
    clearInterval(drip);
  });

  test.concurrent('half-open peers: who closes its sending side is not kept', { timeout: 60_000 }, async () => {
    const sockets = await flood(300, (socket) => socket.end('GET /v1/events?channel=half HTTP/1.1\r\nHost: x\r\n\r\n'));
    for (const socket of sockets) socket.resume();
    await Promise.all(sockets.map(closed));
    await expectServing();
  });

  test.concurrent('peers that are cut off in the middle of a stream are forgotten', { timeout: 60_000 }, async () => {
    const sockets = await flood(1_000, (socket) => socket.write('GET /v1/events?channel=rst HTTP/1.1\r\nHost: x\r\n\r\n'));
    await new Promise((resolve) => setTimeout(resolve, 200));
    for (const socket of sockets) socket.resetAndDestroy();
    await expectServing();
  });

  test.concurrent('header and query bombs, a thousand of them', { timeout: 60_000 }, async () => {
    const bomb = `GET /v1/events?${'channel=a&'.repeat(700)} HTTP/1.1\r\nHost: x\r\n${'Cookie: a=b\r\n'.repeat(80)}X: ${'y'.repeat(7_000)}\r\n\r\n`;
    const sockets = await flood(1_000, (socket) => socket.resume().write(bomb));
    await expectServing();
    for (const socket of sockets) socket.destroy();
  });
});

test('after all of this the node is ready, holds no stream but the honest one, its memory is flat and its log is short', async () => {
  await expectServing();
  expect(await node.isReady()).toBe(true);
  const metrics = await (await fetch(`${node.adminUrl}/metrics`)).text();
  await expect.poll(async () => /^selvage_connections (\d+)$/m.exec(await (await fetch(`${node.adminUrl}/metrics`)).text())?.[1]).toBe('1');
  expect(metrics).not.toMatch(/selvage_http_requests_total\{[^}]*status="5\d\d"/);
  const grownMb = residentMb() - residentBefore;
  console.log(`resident: ${residentBefore.toFixed(0)} MB before, ${(residentBefore + grownMb).toFixed(0)} MB after`);
  expect(grownMb).toBeLessThan(120);
  expect(honest.ended).toBeNull();
});
