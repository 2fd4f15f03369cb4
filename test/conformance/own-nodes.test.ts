import { describe, expect, test } from 'vitest';
import { closeCatalogue } from '../../src/protocol/close-catalogue.js';
import { SelvageNode } from '../platform/selvage-node.js';
import { uniqueName } from '../platform/unique-name.js';
import { poll, publish, publishAll } from './http-client.js';
import { StreamClient } from './stream-client.js';
import type { Target } from './target.js';
import { writeConfig } from './write-config.js';

/** What only a node of a certain configuration shows. */
const targetOf = (node: SelvageNode): Target => ({ baseUrl: node.url, keepAliveMs: 100 });
const quick = { SELVAGE_STREAM_KEEP_ALIVE_MS: '100' };

const closePattern = (code: string, reconnect: string): RegExp =>
  new RegExp(`\\nretry: (\\d+)\\nevent: selvage\\.close\\ndata: \\{"code":"${code}","reconnect":"${reconnect}","retryMs":\\1\\}\\n\\n$`);

test('a stream that has reached its age ends with a close, and a resume misses nothing', async () => {
  await using node = await SelvageNode.start({ env: { ...quick, SELVAGE_STREAM_MAX_AGE_SECONDS: '1' } });
  const target = targetOf(node);
  const channel = uniqueName('age');
  using client = await StreamClient.follow(target, `channel=${channel}`);
  await publish(target, channel, 1);
  await client.take(1);
  await client.until(() => client.isEnded, 'the end of the stream');
  expect(client.text).toMatch(closePattern('max-age', closeCatalogue['max-age'].reconnect));
  await publish(target, channel, 2);
  using again = await StreamClient.follow(target, `channel=${channel}`, { 'Last-Event-ID': client.lastEventId });
  await again.take(1);
  expect(again.datas).toEqual(['2']);
});

test('a node that goes sends its readers away, and turns none away for good', async () => {
  await using node = await SelvageNode.start({
    env: { ...quick, SELVAGE_DRAIN_BALANCER_WAIT_SECONDS: '0', SELVAGE_DRAIN_WINDOW_SECONDS: '1' },
  });
  using client = await StreamClient.follow(targetOf(node), `channel=${uniqueName('drain')}`);
  node.signal('SIGTERM');
  await client.until(() => client.isEnded, 'the end of the stream');
  expect(client.text).toMatch(closePattern('draining', closeCatalogue.draining.reconnect));
  expect(await node.ended()).toBe(0);
});

describe('a full node', () => {
  test('tells a reader of streams to come back in a stream, and others in a problem', async () => {
    await using node = await SelvageNode.start({ env: { ...quick, SELVAGE_LIMITS_CONNECTIONS_MAX: '1' } });
    const target = targetOf(node);
    using first = await StreamClient.follow(target, 'channel=a');
    expect(first.status).toBe(200);
    const soft = await StreamClient.open(target, '/v1/events?channel=a', { headers: { Accept: 'text/event-stream' } });
    await soft.whole();
    expect(soft.status).toBe(200);
    expect(soft.header('Content-Type')).toBe('text/event-stream; charset=utf-8');
    expect(soft.text).toMatch(
      /^retry: (\d+)\nevent: selvage\.close\ndata: \{"code":"overloaded","reconnect":"back-off","retryMs":\1\}\n\n$/,
    );
    const hard = await StreamClient.open(target, '/v1/events?channel=a');
    await hard.whole();
    expect(hard.status).toBe(503);
    expect(hard.header('Retry-After')).toBe('10');
    expect(JSON.parse(hard.text)).toMatchObject({ code: 'overloaded', status: 503 });
  });
});

describe('CORS', () => {
  test('of an embedded node is open, without credentials', async () => {
    await using node = await SelvageNode.start({ env: quick });
    using client = await StreamClient.follow(targetOf(node), 'channel=a', { Origin: 'https://app.example' });
    expect(client.header('Access-Control-Allow-Origin')).toBe('*');
    expect(client.header('Access-Control-Allow-Credentials')).toBeNull();
    const exposed = client.header('Access-Control-Expose-Headers')?.split(', ') ?? [];
    expect(exposed).toEqual(expect.arrayContaining(['Retry-After', 'ETag', 'RateLimit', 'RateLimit-Policy', 'Idempotent-Replayed']));
  });

  test('names the origins that are listed, on streams, refusals and preflights alike, and no others', async () => {
    await using node = await SelvageNode.start({ env: { ...quick, SELVAGE_CORS_ORIGINS: 'https://app.example' } });
    const target = targetOf(node);
    for (const [origin, allowed] of [
      ['https://app.example', 'https://app.example'],
      ['https://evil.example', null],
      ['null', null],
    ] as const) {
      using stream = await StreamClient.follow(target, 'channel=a', { Origin: origin });
      expect(stream.header('Access-Control-Allow-Origin')).toBe(allowed);
      expect(stream.header('Vary')).toBe('Accept, Origin');
      const refused = await StreamClient.open(target, '/v1/events', { headers: { Origin: origin } });
      expect((await refused.whole()).header('Access-Control-Allow-Origin')).toBe(allowed);
      const preflight = await StreamClient.open(target, '/v1/events', {
        method: 'OPTIONS',
        headers: { Origin: origin, 'Access-Control-Request-Method': 'GET', 'Access-Control-Request-Headers': 'last-event-id' },
      });
      await preflight.whole();
      expect([preflight.status, preflight.header('Access-Control-Allow-Origin')]).toEqual([204, allowed]);
      expect(preflight.header('Access-Control-Allow-Headers')?.includes('Last-Event-ID') ?? false).toBe(allowed !== null);
    }
  });
});

describe('routes', () => {
  const events = uniqueName('events');
  const routes = [
    {
      topic: events,
      channels: ['one.{key}'],
      type: '{json:type|message}',
      attributes: { session: '{json:session}' },
      publish: true,
    },
    { topic: events, channels: ['all'], type: 'copy', data: { pick: ['/n'] } },
    {
      topic: uniqueName('states'),
      keyed: 'murmur2',
      channels: ['state.{key}'],
      type: '{json:type|message}',
      latest: { ttlSeconds: 60 },
      publish: true,
    },
    { topic: uniqueName('timed'), channels: ['timed.{key}'], position: 'time', publish: true },
  ];
  const startNode = (): Promise<SelvageNode> => SelvageNode.start({ env: { ...quick, SELVAGE_CONFIG: writeConfig(routes) } });

  test('without a key have positions of all partitions, and a channel that no route makes is refused', async () => {
    await using node = await startNode();
    const target = targetOf(node);
    using client = await StreamClient.follow(target, 'channel=one.a');
    expect(client.lastEventId).toMatch(/^1[0-9a-z]{4}\.[0-9a-z]{5}-4~0-0-0-0$/);
    for (let n = 0; n < 6; n++) await publish(target, 'one.a', { n });
    const ids = (await client.take(6)).map(({ lastEventId }) => lastEventId);
    for (const [i, id] of ids.entries()) {
      using again = await StreamClient.follow(target, 'channel=one.a', { 'Last-Event-ID': id });
      await again.take(5 - i);
      expect(again.datas).toEqual(client.datas.slice(i + 1));
      expect(again.gaps).toEqual([]);
    }
    const refused = await StreamClient.open(target, '/v1/events?channel=two.a', { headers: { Accept: 'text/event-stream' } });
    expect((await refused.whole()).status).toBe(404);
    expect(JSON.parse(refused.text)).toMatchObject({ code: 'unroutable-channel' });
  });

  test('that make two events of a record give the id to the last alone', async () => {
    await using node = await startNode();
    const target = targetOf(node);
    using client = await StreamClient.follow(target, 'channel=one.a&channel=all');
    const before = client.text.length;
    await publish(target, 'one.a', { n: 1, secret: 2 });
    await client.take(2);
    expect(client.text.slice(before).replaceAll(/^:\n/gm, '')).toMatch(
      /^data: \{"n":1,"secret":2\}\n\nevent: copy\ndata: \{"n":1\}\nid: [^\n]+\n\n$/,
    );
    using filtered = await StreamClient.follow(target, 'channel=one.a&channel=all&type=message&since=0');
    await filtered.take(1);
    expect(filtered.text).toMatch(/data: \{"n":1,"secret":2\}\nid: [^\n]+\n\n/);
    using envelopes = await StreamClient.follow(target, 'channel=one.a&channel=all&format=envelope&since=0');
    await envelopes.take(2);
    expect(envelopes.datas.map((data) => (JSON.parse(data) as { channel: string }).channel)).toEqual(['one.a', 'all']);
  });

  test('with attributes have them as parameters, and unknown ones are refused by name', async () => {
    await using node = await startNode();
    const target = targetOf(node);
    using client = await StreamClient.follow(target, 'channel=one.a&session=s1&session=s3');
    for (const session of ['s1', 's2', 's3', undefined]) await publish(target, 'one.a', { session });
    await publish(target, 'one.a', { session: 's1', last: true });
    await client.until(() => client.datas.some((data) => data.includes('last')), 'the last event');
    expect(client.datas.map((data) => (JSON.parse(data) as { session: string }).session)).toEqual(['s1', 's3', 's1']);
    const refused = await StreamClient.open(target, '/v1/events?channel=one.a&sesion=s1');
    expect((await refused.whole()).text).toContain('\\"sesion\\"');
  });

  test('with a latest event give it first, then what comes; a resume gets no latest', async () => {
    await using node = await startNode();
    const target = targetOf(node);
    await publishAll(target, [
      { channel: 'state.a', data: { n: 'old' } },
      { channel: 'state.a', data: { n: 'now' } },
    ]);
    // The indexer writes what `latest` reads.
    await expect.poll(async () => (await poll(target, 'channel=state.a&wait=0')).events.map(({ data }) => data)).toEqual([{ n: 'now' }]);
    using client = await StreamClient.follow(target, 'channel=state.a');
    await publish(target, 'state.a', { n: 'next' });
    await client.take(2);
    expect(client.datas).toEqual(['{"n":"now"}', '{"n":"next"}']);
    using again = await StreamClient.follow(target, 'channel=state.a', { 'Last-Event-ID': client.ownEvents[0]?.lastEventId ?? '' });
    await again.take(1);
    expect(again.datas).toEqual(['{"n":"next"}']);
  });

  test('with a latest event that is terminal end the stream behind it, and the next poll as well', async () => {
    await using node = await startNode();
    const target = targetOf(node);
    await publishAll(target, [
      { channel: 'state.done', data: { type: 'step' } },
      { channel: 'state.done', data: { type: 'done' } },
    ]);
    await expect.poll(async () => (await poll(target, 'channel=state.done&wait=0')).events.map(({ type }) => type)).toEqual(['done']);
    using client = await StreamClient.follow(target, 'channel=state.done&until=done');
    await client.until(() => client.isEnded, 'the end of the stream');
    expect(client.ownEvents.map(({ type }) => type)).toEqual(['done']);
    expect(client.text).toMatch(/id: [^\n]+~e\n\nevent: selvage\.close\ndata: \{"code":"ended","reconnect":"stop","retryMs":0\}\n\n$/);
    const { events, position } = await poll(target, 'channel=state.done&until=done&wait=20');
    expect(events.map(({ type }) => type)).toEqual(['done']);
    expect(position).toMatch(/~e$/);
    using again = await StreamClient.open(target, `/v1/events?channel=state.done&until=done&lastEventId=${position}`);
    expect((await again.whole()).status).toBe(204);
  });

  test('by time have positions of one time, and a resume repeats rather than loses', async () => {
    await using node = await startNode();
    const target = targetOf(node);
    using client = await StreamClient.follow(target, 'channel=timed.a');
    expect(client.lastEventId).toMatch(/^1[0-9a-z]{4}\.[0-9a-z]{5}-4_[0-9a-z]+$/);
    await publish(target, 'timed.a', 1);
    await publish(target, 'timed.a', 2);
    const [first] = await client.take(2);
    using again = await StreamClient.follow(target, 'channel=timed.a', { 'Last-Event-ID': first?.lastEventId ?? '' });
    await again.until(() => again.datas.includes('2'), 'the second event');
    expect(again.gaps).toEqual([]);
  });
});

test('under a base path everything has it', async () => {
  await using node = await SelvageNode.start({ env: { ...quick, SELVAGE_BASE_PATH: '/fabric/a' } });
  const target: Target = { baseUrl: `${node.url}/fabric/a`, keepAliveMs: 100 };
  using client = await StreamClient.follow(target, 'channel=a');
  await publish(target, 'a', 1);
  await client.take(1);
  const outside = await StreamClient.open(targetOf(node), '/v1/events?channel=a');
  expect((await outside.whole()).status).toBe(404);
});

test('an embedded node that starts again has another log, and says so to readers of the one that is gone', async () => {
  await using node = await SelvageNode.start({ env: quick });
  const target = targetOf(node);
  const old: string[] = [];
  for (const data of [1, 2, 3]) old.push((await publish(target, 'a', data)).position);
  await node.kill();
  await node.start();
  // The new log has outgrown the old offsets: by its numbers alone an old position would seem good.
  for (const data of ['x', 'y', 'z', 'w']) await publish(target, 'a', data);
  using client = await StreamClient.follow(target, 'channel=a', { 'Last-Event-ID': old[0] ?? '' });
  expect(client.gaps).toMatchObject([{ reason: 'other-cluster', from: old[0] }]);
});
