import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { uniqueName } from '../../platform/unique-name.js';
import { waitFor } from '../../platform/wait-for.js';
import { expectExactEnd, hasAll } from './expect-events.js';
import { askWhole, http1Client } from './proxy-client.js';
import { Proxy } from './proxy.js';
import { ResumingReader } from './resuming-reader.js';
import { Counter, TwoNodes } from './two-nodes.js';

const readersCount = 12;

describe('behind haproxy as a balancer of connections, which writes PROXY protocol v2', () => {
  let pair: TwoNodes;
  let proxy: Proxy;
  beforeAll(async () => {
    pair = await TwoNodes.start({ SELVAGE_HTTP_PROXY_PROTOCOL: 'true' });
    proxy = await Proxy.start('haproxy-tcp', pair.nodes);
    await waitFor(async () => (await askWhole(http1Client(proxy), '/')).status === 200, { what: `a node behind the proxy: ${proxy.log}` });
  });
  afterAll(async () => {
    await proxy?.close();
    await pair?.close();
  });

  const follow = (channel: string): Promise<ResumingReader[]> =>
    Promise.all(Array.from({ length: readersCount }, () => ResumingReader.open(http1Client(proxy), `channel=${channel}`)));

  test('every one of a hundred requests is served, however the header and the request arrive', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => askWhole(http1Client(proxy), '/')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const long = await askWhole(http1Client(proxy), `/v1/events?channel=a&format=json&wait=0&x=${'y'.repeat(7_000)}`);
    expect(long.status).not.toBe(505);
  });

  test("the client's address is the one that connected to the proxy, whatever the client says", async () => {
    const path = `/${uniqueName('nowhere')}`;
    await askWhole(http1Client(proxy, '127.0.0.77'), path, { headers: { 'x-forwarded-for': '203.0.113.9' } });
    const line = (): string | undefined => pair.nodes.flatMap((node) => node.logTail(500).split('\n')).find((text) => text.includes(path));
    await waitFor(() => line() !== undefined, { what: 'the line of a refused request' });
    expect((JSON.parse(line()!) as { address: string }).address).toBe('127.0.0.77');
  });

  test('each event arrives at once, a publish of many packets goes through, and a reader that leaves is gone at the node', async () => {
    const channel = uniqueName('frames');
    const sum = async (): Promise<number> => (await pair.streamCounts()).reduce((total, count) => total + count);
    const before = await sum();
    const reader = await ResumingReader.open(http1Client(proxy), `channel=${channel}`);
    for (let i = 1; i <= 5; i++) {
      await pair.send(channel, [String(i)]);
      await waitFor(() => reader.datas.length === i, { what: `event ${i}`, timeoutMs: 5_000, everyMs: 2 });
    }
    const data = 'x'.repeat(300_000);
    const asked = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ channel, data }) };
    expect((await askWhole(http1Client(proxy), '/v1/publish', asked)).status).toBe(200);
    await hasAll([reader], 6);
    expect(reader.datas.at(-1)).toBe(data);
    reader.close();
    await waitFor(async () => (await sum()) === before, { what: 'the end at the node' });
  });

  test('readers of a killed node go on at the other with nothing lost or twice, and nobody is refused', async () => {
    const channel = uniqueName('killed');
    const readers = await follow(channel);
    const [first = 0, second = 0] = await pair.streamCounts();
    // By the number of connections.
    expect(Math.min(first, second)).toBeGreaterThan(3);
    const counter = new Counter(pair, channel);
    await hasAll(readers, 5);
    await pair.nodes[0].kill();
    await expectExactEnd(readers, counter);
    expect(readers.some(({ cuts }) => cuts > 0)).toBe(true);
    for (const reader of readers) reader.close();
  });
});
