import { afterAll, beforeAll, expect, test } from 'vitest';
import { uniqueName } from '../../platform/unique-name.js';
import { waitFor } from '../../platform/wait-for.js';
import { askWhole, http1Client } from './proxy-client.js';
import { Proxy } from './proxy.js';
import { ResumingReader } from './resuming-reader.js';
import { Counter, TwoNodes } from './two-nodes.js';

/** HTTP is not looked into: nodes learn the address from PROXY protocol v2. */
let pair: TwoNodes;
let proxy: Proxy;
beforeAll(async () => {
  pair = await TwoNodes.start({ SELVAGE_HTTP_PROXY_PROTOCOL: 'true' });
  proxy = await Proxy.start('haproxy-tcp', pair.nodes);
  await waitFor(async () => (await askWhole(http1Client(proxy), '/')).status === 200, { what: 'a node behind the proxy' });
});
afterAll(async () => {
  await proxy?.close();
  await pair?.close();
});

test("the client's address reaches the node over PROXY protocol, whatever the client says", async () => {
  const path = `/${uniqueName('nowhere')}`;
  await askWhole(http1Client(proxy, '127.0.0.77'), path, { headers: { 'x-forwarded-for': '203.0.113.9' } });
  const line = (): string | undefined => pair.nodes.flatMap((node) => node.logTail(500).split('\n')).find((text) => text.includes(path));
  await waitFor(() => line() !== undefined, { what: 'the line of a refused request' });
  expect((JSON.parse(line()!) as { address: string }).address).toBe('127.0.0.77');
});

test('readers of a killed node go on at the other with nothing lost or twice', async () => {
  const channel = uniqueName('killed');
  const ask = http1Client(proxy);
  const readers = await Promise.all(Array.from({ length: 8 }, () => ResumingReader.open(ask, `channel=${channel}`)));
  expect(Math.min(...(await pair.streamCounts()))).toBeGreaterThan(1);
  const counter = new Counter(pair, channel);
  const hasAll = (count: number): Promise<boolean> =>
    waitFor(() => readers.every(({ datas }) => datas.length >= count), { what: `${count} events everywhere`, timeoutMs: 20_000 });
  await hasAll(5);
  await pair.nodes[0].kill();
  await hasAll(counter.sent + 20);
  const sent = await counter.stop();
  await hasAll(sent.length);
  for (const reader of readers) {
    expect([reader.datas, reader.gaps, reader.stopped]).toEqual([sent, [], null]);
    reader.close();
  }
});
