import net from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HttpServer } from '../../../src/http/http-server.js';
import { RawClient, unchunk } from './raw-client.js';
import { bytes, eventually, startServer } from './fake-streams.js';
import type { FakeStreams, FakeSubscriber } from './fake-streams.js';

let server: HttpServer;
let port: number;
let streams: FakeStreams;
beforeAll(async () => ({ server, port, streams } = await startServer()));
afterAll(() => server.closeAll());

/** Longer than the time-out that uWebSockets.js arms whenever a write fails (8 to 12 s), twice over. */
const stallMs = 26_000;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Opens a stream and returns its subscriber; the address tells which it is. */
async function open(name: string): Promise<{ client: RawClient; subscriber: FakeSubscriber }> {
  const client = await RawClient.connect(port);
  client.send(`GET /v1/events?channel=${name} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await client.until((text) => text.includes('retry: 1000'));
  const index = streams.requests.findIndex((request) => request.query.get('channel')?.[0] === name);
  const subscriber = streams.subscribers[index];
  if (subscriber === undefined) throw new Error('no subscriber');
  return { client, subscriber };
}

/** Writes numbered frames as a subscriber does: until told to wait, and on when told that the socket takes bytes. */
function pump(subscriber: FakeSubscriber, count: number, frameOf: (n: number) => string, batch: number): { readonly written: number } {
  const progress = { written: 0 };
  const go = (): void => {
    while (progress.written < count) {
      let frames = '';
      for (let i = 0; i < batch && progress.written < count; i++) frames += frameOf(progress.written++);
      if (!subscriber.sink.write(bytes(frames))) return;
    }
  };
  subscriber.onWritableDo = go;
  setImmediate(go);
  return progress;
}

const numbered = (size: number) => (n: number) => `data: ${n} ${'x'.repeat(size)}\n\n`;

function numbersIn(text: string): number[] {
  return [...unchunk(text).matchAll(/^data: (\d+) /gm)].map((match) => Number(match[1]));
}

test.concurrent.each([
  { name: 'large-pages', count: 600, size: 40_000, batch: 1 },
  { name: 'small-frames', count: 60_000, size: 200, batch: 1 },
  { name: 'mixed', count: 30_000, size: 900, batch: 40 },
])(
  'a reader that stops for longer than any time-out gets every byte in order ($name)',
  async ({ name, count, size, batch }) => {
    const { client, subscriber } = await open(name);
    client.socket.pause();
    const progress = pump(subscriber, count, numbered(size), batch);
    await eventually(() => progress.written > 10, 5_000);
    await sleep(2_000);
    const stalledAt = progress.written;
    expect(stalledAt).toBeLessThan(count);
    await sleep(stallMs);
    // The kernel's buffers grow a little while they are full.
    expect(progress.written).toBeLessThan(Math.min(count, stalledAt * 1.5));
    expect(subscriber.peerGoneCount).toBe(0);
    client.socket.resume();
    const last = `data: ${count - 1} ${'x'.repeat(size)}\n\n`;
    const text = await client.untilLast((tail) => tail.includes(last), 20_000);
    const numbers = numbersIn(text);
    expect(numbers).toHaveLength(count);
    expect(numbers.every((n, i) => n === i)).toBe(true);
    // Only frames and keep-alives: nothing torn, nothing between.
    expect(
      unchunk(text)
        .replaceAll(/data: \d+ x+\n\n/g, '')
        .replaceAll(':\n', ''),
    ).toBe('retry: 1000\n');
    client.close();
    await eventually(() => subscriber.peerGoneCount === 1);
  },
  60_000,
);

test.concurrent(
  'a stopped reader is handed nothing more while it is stopped, and its end is noticed',
  async () => {
    const { client, subscriber } = await open('memory');
    client.socket.pause();
    const progress = pump(subscriber, 100_000, numbered(2_000), 8);
    await sleep(3_000);
    const before = progress.written;
    await sleep(stallMs);
    expect(progress.written).toBeLessThan(before * 1.5);
    expect(server.openCount).toBeGreaterThan(0);
    expect(subscriber.writableCount).toBeLessThan(10_000);
    client.close();
    await eventually(() => subscriber.peerGoneCount === 1);
  },
  60_000,
);

test.concurrent(
  'readers that stop anywhere near the end of the kernel buffers, and are sent nothing more, are kept',
  async () => {
    // Where a socket that nobody reads says "wait": the write before it failed without saying so.
    const probe = await open('edge-probe');
    probe.client.socket.pause();
    const probed = pump(probe.subscriber, 200_000, numbered(200), 1);
    await sleep(1_500);
    const edge = probed.written;
    probe.client.close();
    const readers = await Promise.all(
      Array.from({ length: 12 }, async (_, i) => {
        const reader = await open(`edge-${i}`);
        reader.client.socket.pause();
        return { ...reader, sent: pump(reader.subscriber, edge - 6 + i, numbered(200), 1) };
      }),
    );
    await sleep(stallMs);
    for (const { subscriber } of readers) expect(subscriber.peerGoneCount).toBe(0);
    for (const { client, sent } of readers) {
      client.socket.resume();
      const text = await client.untilLast((tail) => tail.includes(`data: ${sent.written - 1} `), 15_000);
      expect(numbersIn(text).every((n, i) => n === i)).toBe(true);
      client.close();
    }
  },
  60_000,
);

test.concurrent(
  'a waiting stream that its owner ends gives what it holds, then ends',
  async () => {
    const { client, subscriber } = await open('ended-while-waiting');
    client.socket.pause();
    const progress = pump(subscriber, 20_000, numbered(2_000), 4);
    await sleep(1_500);
    const count = progress.written;
    subscriber.onWritableDo = null;
    subscriber.sink.end(bytes('event: selvage.close\ndata: {}\n\n'), 'ended');
    expect(subscriber.sink.write(bytes('data: late\n\n'))).toBe(false);
    client.socket.resume();
    const text = await client.untilLast((tail) => tail.endsWith('\r\n0\r\n\r\n'), 15_000);
    expect(numbersIn(text)).toHaveLength(count);
    expect(text).not.toContain('late');
    expect(unchunk(text).endsWith('event: selvage.close\ndata: {}\n\n')).toBe(true);
    client.close();
  },
  60_000,
);

test.concurrent(
  'a head that never ends is cut off',
  async () => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n');
    const drip = setInterval(() => socket.write('X-A: b\r\n'), 1_000);
    await closed;
    clearInterval(drip);
  },
  30_000,
);
