import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { HttpServer } from '../../../src/http/http-server.js';
import { freePort } from '../../platform/free-port.js';
import { bytes, eventually, startServer } from './fake-streams.js';
import { RawClient, roundTrip } from './raw-client.js';

let folder: string;
const path = (name: string): string => join(folder, name);

function makeCertificate(name: string): void {
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const files = ['-keyout', path(`${name}.key`), '-out', path(`${name}.crt`), '-days', '2'];
  const made = spawnSync('openssl', ['req', '-x509', ...key, ...files, ...subject]);
  if (made.status !== 0) throw new Error(made.stderr.toString());
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'selvage-tls-'));
  makeCertificate('first');
  makeCertificate('second');
});
afterAll(() => rmSync(folder, { recursive: true }));

const servers: HttpServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.closeAll();
});
const start: typeof startServer = async (overrides) => {
  const started = await startServer(overrides);
  servers.push(started.server);
  return started;
};

/** Opens a TLS connection, sends a request, and collects what comes. */
function openTls(port: number, target: string, options: tls.ConnectionOptions = {}) {
  const state = { text: '', name: '', isClosed: false };
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options }, () => {
    state.name = String(socket.getPeerCertificate().subject.CN);
    socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`);
  });
  socket.on('data', (chunk: Buffer) => (state.text += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  socket.on('close', () => (state.isClosed = true));
  return { state, close: () => socket.destroy() };
}

test('streams and answers go over TLS, from version 1.2 on; plain HTTP on the port is cut', async () => {
  const { port, streams } = await start({ options: { tls: { certFile: path('first.crt'), keyFile: path('first.key') } } });
  const stream = openTls(port, '/v1/events?channel=a');
  await eventually(() => stream.state.text.includes('retry: 1000'));
  streams.subscribers[0]?.sink.write(bytes('data: over TLS\n\n'));
  await eventually(() => stream.state.text.includes('over TLS'));
  stream.close();
  await eventually(() => streams.subscribers[0]?.peerGoneCount === 1);
  const old = openTls(port, '/', { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' });
  await eventually(() => old.state.isClosed);
  expect(old.state.text).toBe('');
  const plain = await RawClient.connect(port);
  plain.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  expect(await plain.closed()).not.toContain('HTTP/1.1 200');
});

test('files that cannot be used are refused by name, without a word of what is in them', async () => {
  const mismatch = { certFile: path('first.crt'), keyFile: path('second.key') };
  await expect(start({ options: { tls: mismatch } })).rejects.toThrow(/tls: .*first\.crt.*second\.key/);
  await expect(start({ options: { tls: { certFile: path('none'), keyFile: path('none') } } })).rejects.toThrow(/none/);
});

test('a new certificate is used for new connections, and streams of the old one stay open', { timeout: 30_000 }, async () => {
  copyFileSync(path('first.crt'), path('live.crt'));
  copyFileSync(path('first.key'), path('live.key'));
  const port = await freePort();
  const { streams, server } = await start({ options: { port, tls: { certFile: path('live.crt'), keyFile: path('live.key') } } });
  const stream = openTls(port, '/v1/events?channel=a');
  await eventually(() => stream.state.text.includes('retry: 1000'));
  copyFileSync(path('second.crt'), path('live.crt'));
  // For a moment only one of the two is new: the old pair goes on.
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  const between = openTls(port, '/');
  await eventually(() => between.state.text.includes('200 OK'));
  expect(between.state.name).toBe('first');
  copyFileSync(path('second.key'), path('live.key'));
  let name = '';
  await eventually(() => {
    const probe = openTls(port, '/');
    void eventually(() => probe.state.text.includes('200 OK'), 1_000).then(
      () => (name = probe.state.name),
      () => undefined,
    );
    return name === 'second';
  }, 10_000);
  streams.subscribers[0]?.sink.write(bytes('data: still here\n\n'));
  await eventually(() => stream.state.text.includes('still here'));
  expect(server.openCount).toBe(1);
  server.closeAll();
  await eventually(() => stream.state.isClosed);
});

const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const proxied = (address: readonly number[]): string =>
  Buffer.concat([signature, Buffer.from([0x21, 0x11, 0, 12, ...address, 1, 2, 3, 4, 0, 80, 0, 80])]).toString('latin1');
const local = Buffer.concat([signature, Buffer.from([0x20, 0, 0, 0])]).toString('latin1');
const get = (target: string, headers = ''): string => `GET ${target} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;

async function sendRaw(port: number, text: string): Promise<RawClient> {
  const client = await RawClient.connect(port);
  client.socket.write(Buffer.from(text, 'latin1'));
  return client;
}

test('an address in PROXY protocol v2 is believed where that is switched on, and only there', async () => {
  for (const [proxyProtocol, address] of [
    [true, '9.8.7.6'],
    [false, '127.0.0.1'],
  ] as const) {
    const { port, streams } = await start({ options: { proxyProtocol } });
    const client = await sendRaw(port, proxied([9, 8, 7, 6]) + get('/v1/events?channel=a'));
    await client.until((text) => text.includes('retry'));
    expect(streams.requests[0]?.remoteAddress).toBe(address);
    client.close();
  }
});

test("a balancer's own probe (LOCAL) has the balancer's address", async () => {
  const { port, streams } = await start({ options: { proxyProtocol: true } });
  const client = await sendRaw(port, local + get('/v1/events?channel=a'));
  await client.until((text) => text.includes('retry'));
  expect(streams.requests[0]?.remoteAddress).toBe('127.0.0.1');
  client.close();
});

test('a client behind the balancer cannot take another address with a second PROXY header: its connection carries one request', async () => {
  const { port, streams } = await start({ options: { proxyProtocol: true } });
  streams.answer = () => ({ kind: 'ended' });
  const ask = get('/v1/events?channel=a');
  const pipelined = await sendRaw(port, proxied([9, 8, 7, 6]) + ask + proxied([1, 1, 1, 1]) + ask);
  await pipelined.closed();
  const patient = await sendRaw(port, proxied([9, 8, 7, 6]) + ask);
  await patient.until((text) => text.includes('204'));
  await patient.closed();
  const stacked = await sendRaw(port, proxied([9, 8, 7, 6]) + proxied([1, 1, 1, 1]) + ask);
  stacked.send(ask);
  await stacked.closed();
  expect(streams.requests.map(({ remoteAddress }) => remoteAddress)).toEqual(['9.8.7.6', '9.8.7.6']);
  const told = await sendRaw(port, proxied([9, 8, 7, 6]) + get('/'));
  expect(await told.closed()).toContain('Connection: close');
});

test('connections over the bound are cut before they ask, and the others are served', async () => {
  const { port } = await start({ options: { socketsMax: 20 } });
  const clients: RawClient[] = [];
  for (let i = 0; i < 60; i++) clients.push(await RawClient.connect(port));
  await eventually(() => clients.filter(({ isClosed }) => isClosed).length === 40);
  clients[0]?.send(get('/'));
  await clients[0]?.until((text) => text.includes('200 OK'));
  for (const client of clients) client.close();
  await eventually(() => true);
  let served = false;
  await eventually(() => {
    void roundTrip(port, get('/')).then(
      () => (served = true),
      () => undefined,
    );
    return served;
  });
});
