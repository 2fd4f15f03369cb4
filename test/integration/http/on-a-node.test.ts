import { EventSource } from 'eventsource';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SelvageNode } from '../../platform/selvage-node.js';
import { SseReader } from '../../platform/sse-reader.js';
import { waitFor } from '../../platform/wait-for.js';

let node: SelvageNode;
beforeAll(async () => {
  node = await SelvageNode.start({ env: { HOST: '127.0.0.1', LOG_LEVEL: 'debug', SELVAGE_LOG_SAMPLE_RATE: '1' } });
});
afterAll(() => node.close());

async function publish(channel: string, data: number): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${node.url}/v1/publish`, { method: 'POST', headers, body: JSON.stringify({ channel, data }) });
  expect(answer.status).toBe(200);
}

const poll = (channel: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${node.url}/v1/events?channel=${channel}`, { headers: { accept: 'application/json', ...headers } });

test('a client that knows HTTP alone polls with entity tags: nothing is missed, and quiet is 304', async () => {
  const first = await poll('tags');
  const tag = first.headers.get('etag') ?? '';
  const quiet = await poll('tags', { 'if-none-match': tag, prefer: 'wait=1' });
  expect([quiet.status, quiet.headers.get('etag'), quiet.headers.get('preference-applied')]).toEqual([304, tag, 'wait=1']);
  const waiting = poll('tags', { 'if-none-match': tag, prefer: 'wait=20' });
  await publish('tags', 1);
  const news = await waiting;
  expect(news.status).toBe(200);
  expect(((await news.json()) as { events: { data: number }[] }).events.map(({ data }) => data)).toEqual([1]);
  const again = await poll('tags', { 'if-none-match': news.headers.get('etag') ?? '', prefer: 'wait=1' });
  expect(again.status).toBe(304);
});

test('a server renders a snapshot and the browser goes on from it: no event is missing between, none is there twice', async () => {
  for (const n of [0, 1, 2]) await publish('page', n);
  const snapshot = (await (await fetch(`${node.url}/v1/events?channel=page&format=json&wait=0&since=1h`)).json()) as {
    events: { data: number }[];
    position: string;
  };
  const shown = snapshot.events.map(({ data }) => data);
  // Between the rendering and the browser's first request.
  for (const n of [3, 4]) await publish('page', n);
  const source = new EventSource(`${node.url}/v1/events?channel=page&lastEventId=${snapshot.position}`);
  source.addEventListener('message', ({ data }) => shown.push(Number(data)));
  await waitFor(() => shown.length === 5, { what: 'the events between' });
  await publish('page', 5);
  await waitFor(() => shown.length === 6, { what: 'the live event' });
  expect(shown).toEqual([0, 1, 2, 3, 4, 5]);
  source.close();
});

test('the end of a resumed stream is a line with its events and the tier that it was resumed from; nothing of the query is in the log', async () => {
  using first = await SseReader.open(node, 'channel=line');
  for (const n of [0, 1, 2]) await publish('line', n);
  await first.take(3);
  const closing = new AbortController();
  const second = await fetch(`${node.url}/v1/events?channel=line&type=s3cr3t&type=message`, {
    headers: { 'last-event-id': first.lastId ?? '', 'x-request-id': 'mine-2' },
    signal: closing.signal,
  });
  await publish('line', 3);
  await first.take(4);
  for await (const chunk of second.body ?? []) if (Buffer.from(chunk).includes('data: 3')) break;
  closing.abort();
  const endOfMine = (): string | undefined =>
    node
      .logTail(200)
      .split('\n')
      .find((text) => text.includes('"requestId":"mine-2"'));
  await waitFor(() => endOfMine() !== undefined, { what: 'the line' });
  expect(JSON.parse(endOfMine() ?? '')).toMatchObject({
    msg: 'a stream ended',
    events: 1,
    resumedFrom: 'recent',
    reason: 'client-gone',
    route: 'events',
  });
  expect(node.logTail(1_000)).not.toContain('s3cr3t');
});
