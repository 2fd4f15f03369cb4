import { describe, onTestFinished, test } from 'vitest';
import { SelvageNode } from '../../platform/selvage-node.js';
import { uniqueName } from '../../platform/unique-name.js';
import { waitFor } from '../../platform/wait-for.js';
import { EdgeStream, disconnect, eventsUrl, poll, publish, usageOf } from './edge-client.js';
import { jwtSecret, tokenOf } from './edge-nodes.js';

/** A node alone, with nothing installed: the same promises. */
async function startAlone(env: Readonly<Record<string, string>> = {}): Promise<SelvageNode> {
  const node = await SelvageNode.start({
    env: {
      HOST: '127.0.0.1',
      SELVAGE_JWT_SECRET: jwtSecret,
      SELVAGE_AUTH_ANONYMOUS_READ: '',
      SELVAGE_AUTH_ANONYMOUS_PUBLISH: '',
      LOG_LEVEL: 'debug',
      SELVAGE_LIMITS_CONNECTS_PER_MINUTE_PER_USER: '0',
      ...env,
    },
  });
  onTestFinished(() => node.close());
  return node;
}

const channel = 'note.one';

test('renewal, revocation, tickets and the limit of a user hold on the embedded default', async ({ expect }) => {
  const node = await startAlone({
    SELVAGE_TICKET_SECRET: 'tickets have a secret of their own, long enough',
    SELVAGE_AUTH_CLOCK_TOLERANCE_SECONDS: '0',
  });
  expect((await EdgeStream.open(eventsUrl(node, [channel]))).status).toBe(401);
  const subject = uniqueName('alice');
  const short = await tokenOf(subject, { seconds: 3 });
  const stream = await EdgeStream.begin(node, [channel], { token: short });
  await stream.until(() => stream.last('selvage.token') !== null, 'selvage.token');
  const token = await tokenOf(subject);
  const renewed = await fetch(`${node.url}/v1/streams/${String(stream.last('selvage.token')?.['stream'])}/token`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}` },
  });
  expect(renewed.status).toBe(202);
  await waitFor(async () => (await poll(node, [channel], short)).status === 401, { what: 'the expiry of the first token' });
  await publish(node, token, channel, 'still');
  await stream.until(() => stream.datas.length === 1, 'an event after it');

  const response = await fetch(`${node.url}/v1/tickets`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    body: JSON.stringify({ channels: [channel] }),
  });
  const { ticket } = (await response.json()) as { ticket: string };
  const more = await Promise.all([0, 1, 2, 3].map(() => EdgeStream.open(eventsUrl(node, [channel], `&ticket=${ticket}`))));
  expect(more.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect(await poll(node, [channel], token)).toMatchObject({ status: 429, body: { limit: 5, present: 5 } });
  expect((await usageOf(node)).openStreams.users).toEqual([{ subject, count: 5 }]);

  await disconnect(node, { subject });
  for (const one of [stream, ...more]) await one.until(() => one.isEnded, 'the end', 1_000);
  expect([stream, ...more].map(({ closeCode }) => closeCode)).toEqual(Array(5).fill('revoked'));
  expect((await poll(node, [channel], token)).body.code).toBe('token-revoked');
  expect((await EdgeStream.open(eventsUrl(node, [channel], `&ticket=${ticket}`))).status).toBe(401);
  const log = node.logTail(1_000_000);
  for (const secret of [ticket, token, short]) expect(log.includes(secret.slice(-24))).toBe(false);
});

describe('an address', () => {
  const from = (address: string): { readonly headers: Record<string, string> } => ({ headers: { 'X-Forwarded-For': address } });
  const limits = {
    SELVAGE_AUTH_ANONYMOUS_READ: '**',
    SELVAGE_LIMITS_CONNECTIONS_PER_ADDRESS_MAX: '2',
    SELVAGE_LIMITS_CONNECTS_PER_MINUTE_PER_ADDRESS: '6',
    SELVAGE_LIMITS_CONNECT_BURST_PER_ADDRESS: '8',
  };
  const codeOf = async (node: SelvageNode, address: string): Promise<unknown> => {
    const stream = await EdgeStream.begin(node, [channel], from(address));
    return stream.closeCode ?? 'open';
  };

  test('behind a trusted proxy is what the proxy says, whatever the client wrote before it', async ({ expect }) => {
    const node = await startAlone({ ...limits, SELVAGE_LIMITS_TRUSTED_PROXIES: '127.0.0.0/8,10.0.0.0/8' });
    expect(await codeOf(node, '192.0.2.1')).toBe('open');
    // Written by the client itself, to look like another: the proxy appends what it saw.
    expect(await codeOf(node, '198.51.100.7, 192.0.2.1')).toBe('open');
    expect(await codeOf(node, '198.51.100.8, 192.0.2.1, 10.0.0.9')).toBe('too-many-streams');
    expect(await codeOf(node, '192.0.2.2')).toBe('open');
    // Addresses of one network of IPv6 are one.
    expect(await codeOf(node, '2001:db8:1:2::1')).toBe('open');
    expect(await codeOf(node, '[2001:db8:1:2:ffff::2]:4711')).toBe('open');
    expect(await codeOf(node, '2001:db8:1:2:3::3')).toBe('too-many-streams');
    const { openStreams, refusedConnects } = await usageOf(node);
    expect(openStreams.addresses[0]).toMatchObject({ count: 2 });
    expect(openStreams.addresses.map(({ address }) => address)).toContain('192.0.2.1');
    expect(refusedConnects.addresses.map(({ address }) => address)).toContain('192.0.2.1');
    expect(openStreams.addresses.map(({ address }) => address)).not.toContain('198.51.100.7');
    // Eight connects at once, three were made.
    const codes = [];
    for (let i = 0; i < 7; i++) codes.push(await codeOf(node, '192.0.2.1'));
    expect(codes.slice(-2)).toEqual(['rate-limited', 'rate-limited']);
    expect(await codeOf(node, '192.0.2.2')).toBe('open');
  });

  test('of whoever is no trusted proxy is its own, whatever its headers say', async ({ expect }) => {
    const node = await startAlone({ ...limits, SELVAGE_LIMITS_TRUSTED_PROXIES: '10.0.0.0/8' });
    expect(await codeOf(node, '192.0.2.1')).toBe('open');
    expect(await codeOf(node, '192.0.2.2')).toBe('open');
    expect(await codeOf(node, '192.0.2.3')).toBe('too-many-streams');
    expect((await usageOf(node)).openStreams.addresses).toEqual([{ address: '127.0.0.1', count: 2 }]);
  });
});

test('a tenant over its replay budget is slowed and misses nothing; another is not slowed', async ({ expect }) => {
  const eventCount = 3_400;
  const budget = 3_000;
  const node = await startAlone({
    SELVAGE_RECENT_AGE_SECONDS: '1',
    SELVAGE_WINDOW_EVENTS_PER_CHANNEL_MAX: '10000',
    SELVAGE_LIMITS_REPLAY_RECORDS_PER_MINUTE_PER_TENANT: String(budget),
  });
  const noisy = { token: await tokenOf('noisy', { tenant: 'noisy' }) };
  const quiet = { token: await tokenOf('quiet', { tenant: 'quiet' }) };
  const first = await EdgeStream.begin(node, [channel], quiet);
  const start = first.lastId;
  let middle = '';
  for (let n = 0; n < eventCount; n += 100) {
    const events = Array.from({ length: 100 }, (_, i) => ({ channel, type: 'note', data: n + i }));
    const answer = await fetch(`${node.url}/v1/publish`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${quiet.token}` },
      body: JSON.stringify({ events }),
    });
    if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
    await answer.body?.cancel();
    if (n === 2_500) {
      await first.until(() => first.datas.length === n + 100, 'the first events');
      middle = first.lastId;
    }
  }
  await first.until(() => first.datas.length === eventCount, 'all events, live');
  // Until nothing of it is in memory, which costs nothing.
  const recentEvents = async (): Promise<number> => {
    const text = await (await fetch(`${node.adminUrl}/metrics`)).text();
    return Number(/^selvage_recent_events (\d+)/m.exec(text)?.[1]);
  };
  await waitFor(async () => (await recentEvents()) > 0, { what: 'the gauge of memory' });
  await waitFor(async () => (await recentEvents()) === 0, { what: 'memory to be empty' });
  const all = Array.from({ length: eventCount }, (_, n) => String(n));
  const beganMs = performance.now();
  const slowed = await EdgeStream.begin(node, [channel], { ...noisy, lastEventId: start });
  await slowed.until(() => slowed.datas.length >= 2_500, 'what the budget allows');
  const quietBeganMs = performance.now();
  const free = await EdgeStream.begin(node, [channel], { ...quiet, lastEventId: middle });
  await free.until(() => free.datas.length === eventCount - 2_600, 'the replay of the other');
  const freeMs = performance.now() - quietBeganMs;
  await slowed.until(() => slowed.datas.length === eventCount, 'the replay within the budget', 30_000);
  const slowedMs = performance.now() - beganMs;
  console.log(
    `${eventCount} events of a budget of ${budget} took ${Math.round(slowedMs)} ms, ${eventCount - 2_600} of another tenant ${Math.round(freeMs)} ms`,
  );
  expect(slowed.datas).toEqual(all);
  expect(free.datas).toEqual(all.slice(2_600));
  for (const stream of [slowed, free]) expect(stream.last('selvage.gap')).toBeNull();
  expect(slowedMs).toBeGreaterThan(1_000);
  expect(freeMs).toBeLessThan(slowedMs);
  for (const stream of [first, slowed, free]) stream.close();
}, 60_000);
