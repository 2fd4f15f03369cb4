import { EventSource } from 'eventsource';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ChromiumClient } from '../../client/drivers/chromium-driver.js';
import { FailoverProxy } from '../../client/failover-proxy.js';
import { SelvageNode } from '../../platform/selvage-node.js';
import { uniqueName } from '../../platform/unique-name.js';
import { waitFor } from '../../platform/wait-for.js';
import { EdgeStream, eventsUrl, publish } from './edge-client.js';
import type { Problem } from './edge-client.js';
import { edgeEnv, secretPartOf, tokenOf } from './edge-nodes.js';

/** How long a ticket opens a stream here; 30 unless configured. */
const usableMs = 3_000;
const pageOrigin = 'https://app.example.com';
let chromium: ChromiumClient;
let a: SelvageNode;
let b: SelvageNode;
let writer: string;
const tickets: string[] = [];

beforeAll(async () => {
  chromium = await ChromiumClient.start();
  const env = edgeEnv({
    env: {
      SELVAGE_TICKET_SECRET: 'tickets have a secret of their own, long enough',
      SELVAGE_AUTH_TICKET_SECONDS: String(usableMs / 1_000),
      SELVAGE_CORS_ORIGINS: `${chromium.origin},${pageOrigin}`,
      SELVAGE_LOG_SAMPLE_RATE: '1',
    },
  });
  [a, b] = await Promise.all([SelvageNode.start({ env }), SelvageNode.start({ env })]);
  writer = await tokenOf('writer');
});
afterAll(() => Promise.all([a.close(), b.close(), chromium.close()]));

/** A ticket of the node, for a page of this origin where one is given. */
async function ticketOf(node: SelvageNode, token: string, channels: readonly string[], origin?: string): Promise<string> {
  const response = await fetch(`${node.url}/v1/tickets`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}`, ...(origin === undefined ? {} : { Origin: origin }) },
    body: JSON.stringify({ channels }),
  });
  const body = (await response.json()) as { ticket: string; expiresInMs: number };
  expect(response.status, JSON.stringify(body)).toBe(200);
  expect(body.expiresInMs).toBeLessThanOrEqual(usableMs);
  tickets.push(body.ticket);
  return body.ticket;
}

const upTo = (count: number): readonly string[] => Array.from({ length: count }, (_, n) => String(n));
const expiryOf = (): number => performance.now() + usableMs + 200;
const waitUntil = (atMs: number): Promise<true> => waitFor(() => performance.now() > atMs, { what: 'the end of the ticket’s time' });

test('a native EventSource opened with a ticket outlives the ticket’s time and its node, and goes on at the other without a hole', async () => {
  const channel = uniqueName('outlives');
  const proxy = await FailoverProxy.open(a.port, b.port);
  const ticket = await ticketOf(b, await tokenOf(uniqueName('alice')), [channel]);
  // The page's ticket is bound to the page: it asked for it with its Origin.
  const ofPage = await ticketOf(b, await tokenOf(uniqueName('bob')), [channel], chromium.origin);
  const oldMs = expiryOf();
  const datas: string[] = [];
  const told: string[] = [];
  const source = new EventSource(eventsUrl(proxy, [channel], `&ticket=${ticket}`));
  source.addEventListener('selvage.position', () => told.push('position'));
  source.addEventListener('selvage.gap', () => told.push('gap'));
  source.addEventListener('note', ({ data }) => datas.push(String(data)));
  const page = await chromium.connect(eventsUrl(proxy, [channel], `&ticket=${ofPage}`), {
    types: ['note', 'selvage.position', 'selvage.gap'],
  });
  const datasOfPage = (): readonly string[] => page.events.filter(({ type }) => type === 'note').map(({ data }) => data);
  await waitFor(() => told.length > 0 && page.events.length > 0, { what: 'both streams' });
  for (const n of [0, 1, 2]) await publish(b, writer, channel, n);
  await waitFor(() => datas.length === 3 && datasOfPage().length === 3, { what: 'three events' });
  await waitUntil(oldMs);
  const killedMs = performance.now();
  await a.kill();
  for (const n of [3, 4, 5]) await publish(b, writer, channel, n);
  await waitFor(() => datas.length >= 6 && datasOfPage().length >= 6, { what: 'six events', timeoutMs: 15_000 });
  console.log(`eventsource and Chromium had everything ${Math.round(performance.now() - killedMs)} ms after the kill`);
  expect(datas).toEqual(upTo(6));
  expect(datasOfPage()).toEqual(upTo(6));
  expect(told).not.toContain('gap');
  expect(page.events.some(({ type }) => type === 'selvage.gap')).toBe(false);
  expect(proxy.connectionCount).toBeGreaterThanOrEqual(4);
  source.close();
  await page.close();
  await proxy.close();
  await a.start();
});

test('a stolen ticket opens nothing: for another origin, for other channels, too late, or to publish', async () => {
  const channel = uniqueName('stolen');
  const other = uniqueName('other');
  const token = await tokenOf(uniqueName('alice'));
  const ticket = await ticketOf(a, token, [channel], pageOrigin);
  const oldMs = expiryOf();
  const open = (
    node: SelvageNode,
    channels: readonly string[],
    headers: Record<string, string>,
    lastEventId?: string,
  ): Promise<EdgeStream> =>
    EdgeStream.open(eventsUrl(node, channels, `&ticket=${ticket}`), { headers, ...(lastEventId === undefined ? {} : { lastEventId }) });
  const codeOf = async (stream: EdgeStream): Promise<unknown> => [stream.status, (await stream.problem()).code];
  const own = { Origin: pageOrigin };

  const stream = await open(a, [channel], own);
  await stream.until(() => stream.frames.length > 0, 'the first frame');
  for (const node of [a, b]) {
    expect(await codeOf(await open(node, [channel], { Origin: 'https://evil.example' }))).toEqual([401, 'ticket-invalid']);
    // Not a page at all, or one that was made to leave its origin out.
    expect(await codeOf(await open(node, [channel], {}))).toEqual([401, 'ticket-invalid']);
    const wider = await open(node, [channel, other], own);
    expect([wider.status, (await wider.problem()).detail]).toEqual([403, `May not be read: ${other}.`]);
  }
  const sent = await fetch(`${a.url}/v1/publish?ticket=${ticket}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...own },
    body: JSON.stringify({ channel, type: 'note', data: 1 }),
  });
  expect([401, 403]).toContain(sent.status);
  const again = await fetch(`${a.url}/v1/tickets?ticket=${ticket}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...own },
    body: JSON.stringify({ channels: [channel] }),
  });
  expect([again.status, ((await again.json()) as Problem).code]).toEqual([401, 'token-missing']);

  await waitUntil(oldMs);
  for (const node of [a, b]) {
    expect(await codeOf(await open(node, [channel], own))).toEqual([401, 'ticket-invalid']);
    expect(await codeOf(await open(node, [channel], { Origin: 'https://evil.example' }, stream.lastId))).toEqual([401, 'ticket-invalid']);
  }
  // Its own stream comes back, on any node.
  for (const node of [b, a]) {
    const back = await open(node, [channel], own, stream.lastId);
    await back.until(() => back.frames.length > 0, 'the first frame');
    expect(back.status).toBe(200);
    back.close();
  }
  stream.close();
});

test('a ticket that was not used in its time never opens anything, and one of a revoked or expired token no longer', async () => {
  const channel = uniqueName('unused');
  const subject = uniqueName('alice');
  const stream = await EdgeStream.begin(a, [channel], { token: await tokenOf(subject) });
  const position = stream.lastId;
  stream.close();
  const back = async (node: SelvageNode, ticket: string): Promise<unknown> => {
    const answer = await EdgeStream.open(eventsUrl(node, [channel], `&ticket=${ticket}`), { lastEventId: position });
    if (answer.status !== 200) return [answer.status, (await answer.problem()).code];
    answer.close();
    return 200;
  };
  const unused = await ticketOf(a, await tokenOf(subject), [channel]);
  const short = await ticketOf(a, await tokenOf(subject, { seconds: -2 }), [channel]);
  const revocable = await ticketOf(a, await tokenOf(subject, { id: uniqueName('jti') }), [channel]);
  const oldMs = expiryOf();
  expect(await back(b, short)).toBe(200);
  expect(await back(b, revocable)).toBe(200);
  await waitUntil(oldMs);
  for (const node of [a, b]) expect(await back(node, unused)).toEqual([401, 'ticket-invalid']);
  for (const node of [a, b]) expect(await back(node, short)).toEqual([401, 'token-expired']);
  for (const node of [a, b]) expect(await back(node, revocable)).toBe(200);
  await fetch(`${b.adminUrl}/v1/disconnect`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ subject }),
  });
  for (const node of [a, b])
    await waitFor(async () => JSON.stringify(await back(node, revocable)) === '[401,"token-revoked"]', {
      what: 'the refusal',
      timeoutMs: 1_000,
    });
});

test('no ticket is in any line of the nodes, at debug level', () => {
  for (const node of [a, b]) {
    const log = node.logTail(1_000_000);
    expect(log).toContain('a stream ended');
    for (const ticket of tickets) expect(log.includes(secretPartOf(ticket)) || log.includes(ticket.slice(0, 40))).toBe(false);
  }
});
