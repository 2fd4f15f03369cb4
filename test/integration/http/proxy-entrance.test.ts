import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { HttpServer } from '../../../src/http/http-server.js';
import { writeProxyHeader } from '../../../src/http/read-proxy-header.js';
import { RawClient, unchunk } from './raw-client.js';
import { bytes, eventually, startServer } from './fake-streams.js';
import type { FakeSubscriber } from './fake-streams.js';

const servers: HttpServer[] = [];
const clients: RawClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  for (const server of servers.splice(0)) server.closeAll();
});

async function start(overrides: Parameters<typeof startServer>[0] = {}) {
  const started = await startServer({ ...overrides, options: { proxyProtocol: true, streamsMax: 1_000, ...overrides.options } });
  servers.push(started.server);
  return started;
}

async function connect(port: number): Promise<RawClient> {
  const client = await RawClient.connect(port);
  client.socket.setNoDelay(true);
  clients.push(client);
  return client;
}

const v4 = (...address: number[]): Buffer => Buffer.from(writeProxyHeader({ address: Uint8Array.from(address), port: 4_000 }));
const ninth = v4(9, 8, 7, 6);
const v6 = Buffer.from(
  writeProxyHeader({ address: Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), port: 4_000 }),
);
const signature = ninth.subarray(0, 12);
const local = Buffer.concat([signature, Buffer.from([0x20, 0, 0, 0])]);
const unspecified = Buffer.concat([signature, Buffer.from([0x21, 0, 0, 5, 4, 0, 2, 0, 0])]);
const withTlvs = Buffer.concat([signature, Buffer.from([0x21, 0x11, 0, 19]), ninth.subarray(16), Buffer.from([4, 0, 4, 1, 2, 3, 4])]);
const get = (target: string, headers = ''): Buffer => Buffer.from(`GET ${target} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
const stream = get('/v1/events?channel=a');

/** Each piece in a packet of its own. */
async function sendPieces(client: RawClient, pieces: readonly Buffer[], pauseMs = 30): Promise<void> {
  for (const piece of pieces) {
    client.socket.write(piece);
    await sleep(pauseMs);
  }
}

const bytewise = (whole: Buffer): Buffer[] => [...whole].map((byte) => Buffer.from([byte]));

test.each([
  ['the header in a packet of its own', [ninth, stream], '9.8.7.6'],
  ['header and request in one packet', [Buffer.concat([ninth, stream])], '9.8.7.6'],
  ['a header in two packets', [ninth.subarray(0, 14), Buffer.concat([ninth.subarray(14), stream])], '9.8.7.6'],
  ['a request line in two packets', [Buffer.concat([ninth, stream.subarray(0, 9)]), stream.subarray(9)], '9.8.7.6'],
  ['every byte in a packet of its own', bytewise(Buffer.concat([ninth, stream])), '9.8.7.6'],
  ['a header with TLVs', [withTlvs, stream], '9.8.7.6'],
  ['an address of IPv6', [v6, stream], '2001:db8::1'],
  ["LOCAL: the balancer's own", [local, stream], '127.0.0.1'],
  ["UNSPEC: the balancer's own", [unspecified, stream], '127.0.0.1'],
])('%s: the reader is served and its address known', async (_, pieces, address) => {
  const { port, streams } = await start();
  const client = await connect(port);
  await sendPieces(client, pieces, pieces.length > 9 ? 3 : 30);
  await client.until((text) => text.includes('retry: 1000'));
  expect(streams.requests.map(({ remoteAddress }) => remoteAddress)).toEqual([address]);
  client.close();
  await eventually(() => streams.subscribers[0]?.peerGoneCount === 1);
});

test.each([
  ['HTTP without a header', stream],
  ['PROXY protocol v1', Buffer.concat([Buffer.from('PROXY TCP4 9.8.7.6 1.1.1.1 1 2\r\n'), stream])],
  ['UDP', Buffer.concat([signature, Buffer.from([0x21, 0x12, 0, 12]), ninth.subarray(16), stream])],
  ['a length without end', Buffer.concat([signature, Buffer.from([0x21, 0x11, 0xff, 0xff]), ninth.subarray(16), stream])],
  ['a header and no HTTP', Buffer.concat([ninth, Buffer.from([0x16, 3, 1, 0, 0])])],
  ['two headers', Buffer.concat([ninth, v4(1, 1, 1, 1), stream])],
])('%s is cut at once, without an answer', async (_, sent) => {
  const { port, streams } = await start();
  const client = await connect(port);
  client.socket.write(sent);
  expect(await client.closed(2_000)).toBe('');
  expect(streams.requests).toEqual([]);
});

test('a head over 16 KB is refused, with and without its end', async () => {
  const { port } = await start();
  for (const head of [get('/', `X: ${'x'.repeat(17_000)}\r\n`), Buffer.from(`GET /${'x'.repeat(17_000)}`)]) {
    const client = await connect(port);
    await sendPieces(client, [ninth, head]);
    expect(await client.until((text) => text.includes('\r\n\r\n'))).toMatch(/^HTTP\/1\.1 431 /);
    client.socket.end();
    await client.closed();
  }
});

test('what has no whole head after 8 s is cut, however it goes on', { timeout: 20_000 }, async () => {
  const { port } = await start();
  const startedMs = performance.now();
  const slow = [Buffer.alloc(0), ninth, local, ...[ninth, Buffer.concat([ninth, get('/', 'X: '.padEnd(3_000, 'x'))])]];
  const lives = await Promise.all(
    slow.map(async (all, index) => {
      const client = await connect(port);
      if (index < 3) client.socket.write(all);
      else void sendPieces(client, bytewise(all), 400).catch(() => undefined);
      await client.closed(12_000);
      return performance.now() - startedMs;
    }),
  );
  for (const lifeMs of lives) expect(lifeMs).toBeGreaterThan(7_500);
});

describe('a client that ends its sending side', () => {
  test('still gets its answer', async () => {
    let answer = (): void => undefined;
    const { port, streams } = await start();
    streams.answer = () => new Promise((resolve) => (answer = () => resolve({ kind: 'ended' })));
    for (const target of ['/', '/v1/events?channel=a']) {
      const client = await connect(port);
      client.socket.end(Buffer.concat([ninth, get(target)]));
      if (target !== '/') {
        await eventually(() => streams.requests.length === 1);
        await sleep(300);
        answer();
      }
      expect(await client.closed()).toMatch(target === '/' ? /^HTTP\/1\.1 200 [^]*curl/ : /^HTTP\/1\.1 204 /);
    }
  });

  test('has left its stream', async () => {
    const { port, streams } = await start();
    const early = await connect(port);
    early.socket.end(Buffer.concat([ninth, stream]));
    const late = await connect(port);
    late.socket.write(Buffer.concat([ninth, stream]));
    await late.until((text) => text.includes('retry'));
    late.socket.end();
    await eventually(() => streams.subscribers.length === 2 && streams.subscribers.every(({ peerGoneCount }) => peerGoneCount === 1));
    await late.closed();
  });

  test('before its head is whole is cut', async () => {
    const { port } = await start();
    const client = await connect(port);
    client.socket.end(Buffer.concat([ninth, stream.subarray(0, 20)]));
    expect(await client.closed(2_000)).toBe('');
  });
});

test('a reader that resets its connection is gone at once', async () => {
  const { port, streams } = await start();
  const client = await connect(port);
  client.socket.write(Buffer.concat([ninth, stream]));
  await client.until((text) => text.includes('retry'));
  client.socket.resetAndDestroy();
  await eventually(() => streams.subscribers[0]?.peerGoneCount === 1);
});

test('connections over the bound are cut, and there is room again for who comes later', async () => {
  const { port } = await start({ options: { socketsMax: 20 } });
  const all = await Promise.all(Array.from({ length: 60 }, () => connect(port)));
  await eventually(() => all.filter(({ isClosed }) => isClosed).length === 40);
  for (const client of all) client.close();
  const ask = async (): Promise<string> => {
    const client = await connect(port);
    client.socket.write(Buffer.concat([ninth, get('/')]));
    return client.closed();
  };
  await expect.poll(ask).toMatch(/^HTTP\/1\.1 200 /);
});

test('seven hundred that ask in the same moment are all served: more than the addon takes at once', async () => {
  const { port, streams } = await start();
  const all = await Promise.all(Array.from({ length: 700 }, () => connect(port)));
  for (const client of all) client.socket.write(ninth);
  await sleep(200);
  for (const client of all) client.socket.write(stream);
  await Promise.all(all.map((client) => client.until((text) => text.includes('retry: 1000'), 10_000)));
  expect(streams.subscribers).toHaveLength(700);
});

/** Writes numbered frames as a subscriber does: until told to wait, and on when told that the socket takes bytes. */
function pump(subscriber: FakeSubscriber, frames: number, frameBytes: number): { written: number } {
  const progress = { written: 0 };
  const go = (): void => {
    while (progress.written < frames) {
      if (!subscriber.sink.write(bytes(`data: ${progress.written++} ${'x'.repeat(frameBytes)}\n\n`))) return;
    }
  };
  subscriber.onWritableDo = go;
  setImmediate(go);
  return progress;
}

const numbersIn = (text: string): number[] => [...unchunk(text).matchAll(/^data: (\d+) /gm)].map((match) => Number(match[1]));

test(
  'among 500 streams one that takes nothing is held for a little only, and 26 s later it gets all in order',
  { timeout: 60_000 },
  async () => {
    const { port, streams } = await start();
    const slow = await connect(port);
    await sendPieces(slow, [ninth, stream]);
    await slow.until((text) => text.includes('retry'));
    slow.socket.pause();
    const others = await Promise.all(
      Array.from({ length: 500 }, async () => {
        const client = await connect(port);
        await sendPieces(client, [ninth, stream]);
        await client.until((text) => text.includes('retry: 1000'));
        return client;
      }),
    );
    const [first, ...rest] = streams.subscribers;
    const frames = 1_000;
    const progress = pump(first!, frames, 40_000);
    for (let i = 0; i < 20; i++) {
      for (const { sink } of rest) sink.write(bytes(`data: ${i} \n\n`));
      await sleep(5);
    }
    for (const client of others) await client.until((text) => numbersIn(text).length === 20);
    for (const client of others) expect(numbersIn(client.text)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    await sleep(26_000);
    // Of 40 MB: what the kernel holds for two connections, and 80 KB of ours.
    expect(progress.written * 40_000).toBeLessThan(24_000_000);
    expect(first!.peerGoneCount).toBe(0);
    slow.socket.resume();
    await eventually(() => slow.byteCount > frames * 40_000, 20_000);
    expect(numbersIn(slow.text)).toEqual(Array.from({ length: frames }, (_, i) => i));
  },
);

test('a server that drains takes no connection, tells new requests to go elsewhere, and ends streams with a word that arrives', async () => {
  const { port, server, streams } = await start();
  const reader = await connect(port);
  await sendPieces(reader, [ninth, stream]);
  await reader.until((text) => text.includes('retry'));
  const undecided = await connect(port);
  await sendPieces(undecided, [ninth]);
  const silent = await connect(port);
  server.stopListening();
  await expect(RawClient.connect(port)).rejects.toThrow('ECONNREFUSED');
  undecided.socket.write(stream);
  expect(await undecided.closed()).toMatch(/^HTTP\/1\.1 503 [^]*about to stop/);
  streams.subscribers[0]!.sink.write(bytes('data: still here\n\n'));
  await reader.until((text) => text.includes('still here'));
  expect(silent.isClosed).toBe(false);
  expect(server.closeStreams(1, 'draining')).toBe(1);
  server.closeAll();
  expect(await reader.closed()).toContain('"code":"draining"');
  await silent.closed();
});

test('a port that is taken is told', async () => {
  const other = net.createServer();
  await new Promise<void>((resolve) => other.listen(0, resolve));
  const { port } = other.address() as net.AddressInfo;
  await expect(start({ options: { port } })).rejects.toThrow(`cannot listen on port ${port}`);
  other.close();
});
