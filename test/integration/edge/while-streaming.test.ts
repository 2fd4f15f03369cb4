import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SelvageNode } from '../../platform/selvage-node.js';
import { uniqueName } from '../../platform/unique-name.js';
import { waitFor } from '../../platform/wait-for.js';
import { EdgeStream, disconnect, eventsUrl, poll, publish, usageOf } from './edge-client.js';
import type { Problem } from './edge-client.js';
import { edgeEnv, tokenOf } from './edge-nodes.js';

/** What happens to a stream that is open when its token runs out, is renewed or is taken back. */
const env = edgeEnv({ env: { SELVAGE_AUTH_CLOCK_TOLERANCE_SECONDS: '0' } });
let a: SelvageNode;
let b: SelvageNode;
let writer: string;
beforeAll(async () => {
  [a, b] = await Promise.all([SelvageNode.start({ env }), SelvageNode.start({ env })]);
  writer = await tokenOf('writer');
});
afterAll(() => Promise.all([a, b].map((node) => node.close())));

/** Publishes 0, 1, 2 … to the channel until told to stop; how many. */
function publishSteadily(channel: string, everyMs = 150): { stop(): Promise<number> } {
  let isOver = false;
  const run = async (): Promise<number> => {
    let count = 0;
    while (!isOver) {
      await publish(count % 2 === 0 ? a : b, writer, channel, count++);
      await sleep(everyMs);
    }
    return count;
  };
  const running = run();
  return {
    stop: () => {
      isOver = true;
      return running;
    },
  };
}

const upTo = (count: number): readonly string[] => Array.from({ length: count }, (_, n) => String(n));

function renew(node: SelvageNode, streamId: unknown, token: string): Promise<Response> {
  return fetch(`${node.url}/v1/streams/${String(streamId)}/token`, { method: 'POST', headers: { Authorization: `Bearer ${token}` } });
}

/** The id of a stream whose token runs out soon, as it is told. */
async function toldId(stream: EdgeStream): Promise<unknown> {
  await stream.until(() => stream.last('selvage.token') !== null, 'selvage.token');
  return stream.last('selvage.token')?.['stream'];
}

describe.concurrent('a token that runs out', () => {
  test('is told of 30 seconds before, with the id of the stream', async ({ expect }) => {
    const seconds = 33;
    const expiresAtMs = (Math.floor(Date.now() / 1_000) + seconds) * 1_000;
    const stream = await EdgeStream.begin(a, [uniqueName('soon')], { token: await tokenOf(uniqueName('alice'), { seconds }) });
    expect(stream.last('selvage.token')).toBeNull();
    expect(String(await toldId(stream))).toMatch(/^[A-Za-z0-9._~-]{8,64}$/);
    const leftMs = expiresAtMs - Date.now();
    console.log(`told ${leftMs} ms before the expiry, with ${String(stream.last('selvage.token')?.['expiresInMs'])}`);
    expect(Math.abs(leftMs - 30_000)).toBeLessThan(1_500);
    expect(Math.abs(Number(stream.last('selvage.token')?.['expiresInMs']) - leftMs)).toBeLessThan(500);
    expect(stream.frames.find(({ type }) => type === 'selvage.token')?.id).toBeNull();
    stream.close();
  });

  test('ends its stream at that moment, and whoever comes back with a fresh one misses nothing', async ({ expect }) => {
    const channel = uniqueName('ends');
    const subject = uniqueName('alice');
    const producer = publishSteadily(channel);
    const expiresAtMs = (Math.floor(Date.now() / 1_000) + 4) * 1_000;
    const stream = await EdgeStream.begin(a, [channel], { token: await tokenOf(subject, { seconds: 4 }) });
    await stream.until(() => stream.isEnded, 'the end');
    expect(Math.abs(Date.now() - expiresAtMs)).toBeLessThan(1_500);
    expect(stream.last('selvage.close')).toMatchObject({ code: 'token-expired', reconnect: 'resume' });
    expect(stream.frames.at(-1)?.type).toBe('selvage.close');
    const first = Number(stream.datas[0]);
    await sleep(300);
    const back = await EdgeStream.begin(b, [channel], { token: await tokenOf(subject), lastEventId: stream.lastId });
    const count = await producer.stop();
    await back.until(() => back.datas.at(-1) === String(count - 1), 'the last event');
    expect([...stream.datas, ...back.datas]).toEqual(upTo(count).slice(first));
    expect(back.last('selvage.gap')).toBeNull();
    back.close();
  });

  test('renewed through the other node lets the stream go on in place: no gap, no event twice, the same connection', async ({ expect }) => {
    const channel = uniqueName('renewed');
    const subject = uniqueName('alice');
    const stream = await EdgeStream.begin(a, [channel], { token: await tokenOf(subject, { seconds: 4 }) });
    const producer = publishSteadily(channel);
    const { localPort } = stream;
    const answer = await renew(b, await toldId(stream), await tokenOf(subject, { seconds: 34 }));
    expect(answer.status).toBe(202);
    expect(((await answer.json()) as { expiresInMs: number }).expiresInMs).toBeGreaterThan(30_000);
    // Told again of the new one's end, long after the old one's.
    await stream.until(() => stream.frames.filter(({ type }) => type === 'selvage.token').length === 2, 'the second telling');
    await sleep(2_000);
    const count = await producer.stop();
    await stream.until(() => stream.datas.length >= count, 'all events');
    expect(stream.datas).toEqual(upTo(count));
    expect(stream.isEnded).toBe(false);
    expect(stream.localPort).toBe(localPort);
    expect(stream.frames.some(({ type }) => type === 'selvage.gap' || type === 'selvage.close')).toBe(false);
    stream.close();
  });

  test('cannot be renewed by somebody else, nor with a lesser token, nor without one', async ({ expect }) => {
    const channel = uniqueName('kept');
    const subject = uniqueName('alice');
    const stream = await EdgeStream.begin(a, [channel], { token: await tokenOf(subject, { seconds: 4 }) });
    const id = await toldId(stream);
    const mallory = await tokenOf(uniqueName('mallory'));
    const here = await renew(a, id, mallory);
    expect([here.status, ((await here.json()) as Problem).code]).toEqual([403, 'subject-mismatch']);
    // The other node does not know whose it is: the stream's own node takes no notice.
    expect([202, 404]).toContain((await renew(b, id, mallory)).status);
    expect((await renew(b, id, 'garbage')).status).toBe(401);
    expect((await fetch(`${b.url}/v1/streams/${String(id)}/token`, { method: 'POST' })).status).toBe(401);
    await stream.until(() => stream.isEnded, 'the end');
    expect(stream.closeCode).toBe('token-expired');

    const lesser = await EdgeStream.begin(a, [channel], { token: await tokenOf(subject, { seconds: 8 }) });
    await renew(b, await toldId(lesser), await tokenOf(subject, { read: ['other.*'] }));
    await publish(b, writer, channel, 'after');
    await lesser.until(() => lesser.isEnded, 'the end');
    expect(lesser.closeCode).toBe('token-expired');
    const back = await EdgeStream.open(eventsUrl(b, [channel]), { token: await tokenOf(subject, { read: ['other.*'] }) });
    expect((await back.problem()).status).toBe(403);
  });
});

describe('what is taken back through the admin port of one node', () => {
  const channel = uniqueName('taken.all');
  const other = uniqueName('taken.other');
  const subject = uniqueName('mallory');
  const streams = new Map<string, EdgeStream>();
  let token: string;
  let refusedAtMs: number;
  const tokenId = uniqueName('jti');

  async function ended(names: readonly string[], sinceMs: number): Promise<void> {
    for (const name of names) {
      const stream = streams.get(name) as EdgeStream;
      await stream.until(() => stream.isEnded, `the end of ${name}`);
      expect([name, stream.closeCode, stream.last('selvage.close')?.['reconnect']]).toEqual([name, 'revoked', 'stop']);
      console.log(`${name} ended ${Math.round((stream.endedAtMs ?? 0) - sinceMs)} ms after it was asked`);
      expect((stream.endedAtMs ?? Infinity) - sinceMs).toBeLessThan(1_000);
    }
  }

  const open = async (name: string, node: SelvageNode, channels: readonly string[], bearer: string): Promise<void> => {
    streams.set(name, await EdgeStream.begin(node, channels, { token: bearer }));
  };

  beforeAll(async () => {
    token = await tokenOf(subject, { id: uniqueName('mallory') });
    const single = await tokenOf(uniqueName('eve'), { id: tokenId });
    const sibling = await tokenOf('sibling');
    await Promise.all([
      open('subject on a', a, [channel], token),
      open('subject on b', b, [channel], token),
      open('token id on a', a, [channel], single),
      open('token id on b', b, [channel], single),
      open('channel on a', a, [other, channel], sibling),
      open('channel on b', b, [other], sibling),
      open('witness on a', a, [channel], await tokenOf('witness')),
      open('witness on b', b, [channel], await tokenOf('witness')),
    ]);
  });

  test('ends the streams of a subject, of a token and of a channel on both nodes within a second, and no others', async () => {
    let sinceMs = performance.now();
    await disconnect(a, { subject });
    refusedAtMs = Date.now();
    await ended(['subject on a', 'subject on b'], sinceMs);
    sinceMs = performance.now();
    await disconnect(b, { tokenId });
    await ended(['token id on a', 'token id on b'], sinceMs);
    sinceMs = performance.now();
    await disconnect(a, { channel: other, reason: 'closed' });
    await ended(['channel on a', 'channel on b'], sinceMs);
    await publish(a, writer, channel, 'still here');
    for (const name of ['witness on a', 'witness on b'])
      await streams.get(name)?.until(() => streams.get(name)?.datas.length === 1, `the event for ${name}`);
    // A channel that was closed refuses nobody.
    expect((await poll(b, [other], await tokenOf('sibling'))).status).toBe(200);
  });

  test('is refused until it expires, also by a node that is started afterwards; a token made later is not', async () => {
    const single = await tokenOf(uniqueName('eve'), { id: tokenId });
    await using late = await SelvageNode.start({ env });
    // Tokens tell the second in which they were made.
    await waitFor(() => Math.floor(Date.now() / 1_000) * 1_000 > refusedAtMs, { what: 'the next second' });
    for (const node of [a, b, late]) {
      for (const refused of [token, single]) {
        const stream = await EdgeStream.open(eventsUrl(node, [channel]), { token: refused });
        expect([stream.status, (await stream.problem()).code]).toEqual([401, 'token-revoked']);
        expect((await poll(node, [channel], refused)).status).toBe(401);
      }
      expect((await poll(node, [channel], await tokenOf(subject))).status).toBe(200);
    }
  });
});

test('a long poll that waits is taken back like a stream: it gets nothing that comes afterwards', async () => {
  for (const node of [a, b]) {
    const channel = uniqueName('waiting');
    const subject = uniqueName('mallory');
    const token = await tokenOf(subject);
    const headers = { Accept: 'application/json', Authorization: `Bearer ${token}` };
    const waiting = fetch(eventsUrl(node, [channel], '&wait=20'), { headers });
    await waitFor(async () => (await usageOf(node)).openStreams.users.some((use) => use.subject === subject), { what: 'the poll' });
    const sinceMs = performance.now();
    await disconnect(a, { subject });
    const answer = await Promise.race([waiting, sleep(1_000, null)]);
    console.log(`a long poll ended ${Math.round(performance.now() - sinceMs)} ms after it was asked, with ${answer?.status}`);
    await publish(a, writer, channel, 'not for mallory');
    expect(await (await waiting).text()).not.toContain('not for mallory');
    expect(answer).not.toBeNull();
    // It has had what was before; to ask for what is after is refused.
    expect((await poll(node, [channel], token)).status).toBe(401);
  }
});
