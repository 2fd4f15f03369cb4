import { EventSource } from 'eventsource';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SelvageNode } from '../../platform/selvage-node.js';
import { uniqueName } from '../../platform/unique-name.js';
import { waitFor } from '../../platform/wait-for.js';
import { EdgeStream, eventsUrl, poll, publish, tryPublish, usageOf } from './edge-client.js';
import { startTwo, tokenOf } from './edge-nodes.js';

const limit = 5;

/** Opens streams on the nodes in turn. */
function openMany(nodes: readonly SelvageNode[], count: number, channel: string, token: string): Promise<EdgeStream[]> {
  const node = (i: number): SelvageNode => nodes[i % nodes.length] as SelvageNode;
  return Promise.all(Array.from({ length: count }, (_, i) => EdgeStream.begin(node(i), [channel], { token })));
}

const closeAll = (streams: readonly EdgeStream[]): void => streams.forEach((stream) => stream.close());

/** How many streams of a subject there are over all nodes, as the admin port of one that has some tells it. */
async function countEverywhere(node: SelvageNode, subject: string): Promise<number | undefined> {
  const { openStreams } = await usageOf(node);
  return openStreams.users.find((use) => use.subject === subject)?.everywhere;
}

describe.concurrent('at most five streams of a user over two nodes, the newest refused', () => {
  let nodes: [SelvageNode, SelvageNode];
  beforeAll(async () => {
    nodes = await startTwo({ env: { SELVAGE_LIMITS_CONNECTIONS_PER_TENANT_MAX: '8' } });
  });
  afterAll(() => Promise.all(nodes.map((node) => node.close())));

  test('the sixth is told 429 with limit and present as a fetch client, and to come back later as a reader of streams', async ({
    expect,
  }) => {
    const [a, b] = nodes;
    const channel = uniqueName('six');
    const subject = uniqueName('alice');
    const token = await tokenOf(subject);
    const streams = await openMany(nodes, limit, channel, token);
    expect(streams.map(({ headers }) => headers['ratelimit-policy'])).toEqual(Array(limit).fill('"streams";q=5;qu="concurrent-requests"'));
    expect(streams.map(({ headers }) => headers['ratelimit']).sort()).toEqual([4, 3, 2, 1, 0].map((r) => `"streams";r=${r}`).sort());
    expect(await countEverywhere(a, subject)).toBe(limit);
    for (const node of nodes) {
      const refused = await poll(node, [channel], token);
      expect(refused.status).toBe(429);
      expect(refused.headers.get('content-type')).toBe('application/problem+json');
      expect(refused.body).toMatchObject({ code: 'too-many-streams', status: 429, limit, present: limit });
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(refused.headers.get('ratelimit')).toBe('"streams";r=0');
      // As curl asks.
      const plain = await EdgeStream.open(eventsUrl(node, [channel]), { token, headers: { Accept: '*/*' } });
      expect([plain.status, (await plain.problem()).present]).toEqual([429, limit]);
      const soft = await EdgeStream.begin(node, [channel], { token });
      await soft.until(() => soft.isEnded, 'the end');
      expect(soft.status).toBe(200);
      expect(soft.last('selvage.close')).toMatchObject({ code: 'too-many-streams', reconnect: 'back-off' });
      const retryMs = Number(soft.last('selvage.close')?.['retryMs']);
      expect(retryMs).toBeGreaterThanOrEqual(7_500);
      expect(retryMs).toBeLessThanOrEqual(22_500);
    }
    streams[0]?.close();
    await waitFor(async () => (await poll(b, [channel], token)).status === 200, { what: 'the place that was given back' });
    closeAll(streams);
  });

  test('an EventSource at the limit keeps trying and gets in when there is room', async ({ expect }) => {
    const channel = uniqueName('patient');
    const token = await tokenOf(uniqueName('alice'));
    const streams = await openMany(nodes, limit, channel, token);
    // As a browser would, but sooner.
    let asked = 0;
    const source = new EventSource(eventsUrl(nodes[1], [channel]), {
      fetch: async (url, init) => {
        const response = await fetch(url, { ...init, headers: { ...init.headers, Authorization: `Bearer ${token}` } });
        if (++asked > 1) return response;
        const text = await response.text();
        expect(text).toMatch(/^retry: \d+\n/);
        return new Response(text.replace(/^retry: \d+/, 'retry: 300'), { status: response.status, headers: response.headers });
      },
    });
    const told: string[] = [];
    const datas: string[] = [];
    source.addEventListener('selvage.close', ({ data }) => told.push((JSON.parse(String(data)) as { code: string }).code));
    source.addEventListener('selvage.position', () => told.push('began'));
    source.addEventListener('note', ({ data }) => datas.push(String(data)));
    await waitFor(() => told.length > 0, { what: 'the refusal' });
    streams.pop()?.close();
    await waitFor(() => told.includes('began'), { what: 'the stream' });
    expect(told.slice(0, 2)).toEqual(['too-many-streams', 'began']);
    await publish(nodes[0], token, channel, 'hello');
    await waitFor(() => datas.length > 0, { what: 'the event' });
    source.close();
    closeAll(streams);
  });

  test('who switches tabs at the limit, cutting and coming back at once, is always let in and keeps all five', async ({ expect }) => {
    const channel = uniqueName('tabs');
    const subject = uniqueName('alice');
    const token = await tokenOf(subject);
    const streams = await openMany(nodes, limit, channel, token);
    for (let round = 0; round < 25; round++) {
      const tab = round % limit;
      const lastEventId = streams[tab]?.lastId ?? '';
      streams[tab]?.close();
      const back = await EdgeStream.begin(nodes[round % 2] as SelvageNode, [channel], { token, lastEventId });
      expect([round, back.closeCode]).toEqual([round, undefined]);
      streams[tab] = back;
    }
    await publish(nodes[0], token, channel, 'all here');
    for (const stream of streams) await stream.until(() => stream.datas.length === 1, 'the event');
    await waitFor(async () => (await countEverywhere(nodes[0], subject)) === limit, { what: 'five, and not one more' });
    closeAll(streams);
  });

  test('a tenant at its limit takes nothing from another, and the admin port names who it is', async ({ expect }) => {
    const channel = uniqueName('tenants');
    const noisy = uniqueName('noisy');
    const quiet = uniqueName('quiet');
    const users = await Promise.all(Array.from({ length: 12 }, (_, i) => tokenOf(`user-${i}`, { tenant: noisy })));
    const streams = await Promise.all(users.map((token, i) => EdgeStream.begin(nodes[i % 2] as SelvageNode, [channel], { token })));
    const refused = streams.filter(({ closeCode }) => closeCode === 'too-many-streams');
    expect(refused).toHaveLength(4);
    const answer = await poll(nodes[0], [channel], users[11] as string);
    expect(answer.body).toMatchObject({ code: 'too-many-streams', limit: 8, present: 8 });
    const others = await Promise.all(Array.from({ length: 8 }, (_, i) => tokenOf(`user-${i}`, { tenant: quiet })));
    const opened = await Promise.all(others.map((token, i) => EdgeStream.begin(nodes[i % 2] as SelvageNode, [channel], { token })));
    expect(opened.map(({ closeCode }) => closeCode)).toEqual(Array(8).fill(undefined));
    const usages = await Promise.all(nodes.map((node) => usageOf(node)));
    const openOf = (tenant: string): number =>
      usages.reduce((sum, { openStreams }) => sum + (openStreams.tenants.find((use) => use.tenant === tenant)?.count ?? 0), 0);
    expect([openOf(noisy), openOf(quiet)]).toEqual([8, 8]);
    const refusals = usages.map(({ refusedConnects }) => refusedConnects.tenants.find(({ tenant }) => tenant === noisy)?.count ?? 0);
    expect(refusals.reduce((sum, count) => sum + count)).toBe(5);
    expect(usages.some(({ refusedConnects }) => refusedConnects.tenants.some(({ tenant }) => tenant === quiet))).toBe(false);
    closeAll([...streams, ...opened]);
  });
});

describe.concurrent('the oldest closes for the newest, and rates', () => {
  let nodes: [SelvageNode, SelvageNode];
  beforeAll(async () => {
    nodes = await startTwo({
      env: {
        SELVAGE_MAX_CONNECTIONS_PER_USER: '2',
        SELVAGE_LIMITS_OVER_LIMIT: 'close-oldest',
        SELVAGE_LIMITS_CONNECTS_PER_MINUTE_PER_USER: '6',
        SELVAGE_LIMITS_CONNECT_BURST_PER_USER: '10',
        SELVAGE_LIMITS_PUBLISHES_PER_MINUTE_PER_USER: '6',
        SELVAGE_LIMITS_PUBLISH_BURST_PER_USER: '10',
        SELVAGE_LIMITS_PUBLISHES_PER_MINUTE_PER_TENANT: '6',
        SELVAGE_LIMITS_PUBLISH_BURST_PER_TENANT: '15',
      },
    });
  });
  afterAll(() => Promise.all(nodes.map((node) => node.close())));

  test('a stream on one node is closed as replaced by a connect on the other', async ({ expect }) => {
    const [a, b] = nodes;
    const channel = uniqueName('oldest');
    const subject = uniqueName('alice');
    const token = await tokenOf(subject);
    const first = await EdgeStream.begin(a, [channel], { token });
    const second = await EdgeStream.begin(a, [channel], { token });
    const askedMs = performance.now();
    const third = await EdgeStream.begin(b, [channel], { token });
    await first.until(() => first.isEnded, 'the end of the first');
    console.log(`replaced on the other node after ${Math.round((first.endedAtMs ?? 0) - askedMs)} ms`);
    expect(first.last('selvage.close')).toMatchObject({ code: 'replaced', reconnect: 'stop' });
    expect((first.endedAtMs ?? Infinity) - askedMs).toBeLessThan(1_000);
    const fourth = await EdgeStream.begin(b, [channel], { token });
    await second.until(() => second.isEnded, 'the end of the second');
    expect(second.closeCode).toBe('replaced');
    expect([third.isEnded, fourth.isEnded]).toEqual([false, false]);
    await waitFor(async () => (await countEverywhere(b, subject)) === 2, { what: 'two' });
    closeAll([third, fourth]);
  });

  test.each(['', '&rewind=5', '&since=1h'])('of many that come at once on both nodes only as many stay as may (%j)', async (more) => {
    const channel = uniqueName('rush');
    const token = await tokenOf(uniqueName('alice'));
    const urls = Array.from({ length: 8 }, (_, i) => eventsUrl(nodes[i % 2] as SelvageNode, [channel], more));
    const streams = await Promise.all(urls.map((url) => EdgeStream.open(url, { token })));
    await waitFor(() => streams.filter(({ isEnded }) => !isEnded).length === 2, { what: 'all but two to end', timeoutMs: 5_000 });
    const codes = streams.flatMap(({ isEnded, closeCode }) => (isEnded ? [closeCode] : []));
    for (const code of codes) expect(['replaced', 'too-many-streams']).toContain(code);
    closeAll(streams);
  });

  test('connects of a user are counted over both nodes, and those of another are not', async ({ expect }) => {
    const channel = uniqueName('connects');
    const subject = uniqueName('alice');
    const token = await tokenOf(subject);
    const answers = [];
    for (let i = 0; i < 14; i++) answers.push(await poll(nodes[i % 2] as SelvageNode, [channel], token));
    expect(answers.map(({ status }) => status)).toEqual([...Array<number>(10).fill(200), ...Array<number>(4).fill(429)]);
    const [refused] = answers.slice(-1);
    expect(refused?.body).toMatchObject({ code: 'rate-limited', limit: 10 });
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(Number(refused?.headers.get('retry-after'))).toBeLessThanOrEqual(10);
    const soft = await EdgeStream.begin(nodes[0], [channel], { token });
    expect(soft.last('selvage.close')).toMatchObject({ code: 'rate-limited', reconnect: 'back-off' });
    expect((await poll(nodes[0], [channel], await tokenOf(uniqueName('bob')))).status).toBe(200);
    const { refusedConnects } = await usageOf(nodes[0]);
    expect(refusedConnects.users).toContainEqual({ subject, count: 3 });
  });

  test('what a user and a tenant publish is counted over both nodes', async ({ expect }) => {
    const tenant = uniqueName('acme');
    const channel = uniqueName('publishes');
    const send = async (subject: string, times: number): Promise<readonly number[]> => {
      const token = await tokenOf(subject, { tenant });
      const statuses: number[] = [];
      for (let i = 0; i < times; i++) {
        const response = await tryPublish(nodes[i % 2] as SelvageNode, token, channel, i);
        statuses.push(response.status);
        const body = (await response.json()) as object;
        if (response.status === 429) {
          expect(body).toMatchObject({ code: 'rate-limited' });
          expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
        }
      }
      return statuses;
    };
    const noisy = await send(uniqueName('noisy'), 12);
    expect(noisy).toEqual([...Array<number>(10).fill(200), 429, 429]);
    // Fifteen for all of the tenant.
    expect(await send(uniqueName('sibling'), 6)).toEqual([200, 200, 200, 200, 200, 429]);
    const elsewhere = await tryPublish(nodes[0], await tokenOf('other', { tenant: uniqueName('other') }), channel, 1);
    expect(elsewhere.status).toBe(200);
    await elsewhere.body?.cancel();
    const { refusedPublishes } = await usageOf(nodes[1]);
    expect(refusedPublishes.tenants[0]?.tenant).toBe(tenant);
  });
});
