import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { writeConfigFile } from '../../platform/node-fixture.js';
import { SelvageNode } from '../../platform/selvage-node.js';
import { uniqueName } from '../../platform/unique-name.js';
import { jwtSecret, OpenStream, publish, tokenOf, type StreamOptions } from './open-stream.js';

/** An application that knows the tasks that begin with `known`, and lets only Ada see them. */
const asked: { readonly authorization: string | undefined; readonly body: { readonly subject: string; readonly parameters: object } }[] =
  [];
let isHookWell = true;
const application = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = JSON.parse(Buffer.concat(chunks).toString()) as { subject: string; parameters: { task_id: string } };
    asked.push({ authorization: request.headers.authorization, body });
    if (!isHookWell) return void response.writeHead(500).end();
    const isKnown = body.parameters.task_id.startsWith('known');
    response.end(JSON.stringify(isKnown ? { allow: body.subject === 'ada' } : { allow: false, unknown: true }));
  });
});

const routes = [
  {
    topic: 'selvage.events',
    channels: ['{key|raw}'],
    keyed: 'murmur2',
    type: '{header:selvage-type|message}',
    publish: true,
    latest: { ttlSeconds: 3_600, channels: ['task.*'] },
  },
];
const task = { channels: 'task.{task_id}', state: 'latest', until: ['complete', 'error'] };
const unknown = { answer: 'event', type: 'error', data: { error: 'Unknown task {task_id}' } };
const streams = [
  { ...task, name: 'short', path: '/short/{task_id}', timeout: { seconds: 3, type: 'timeout', data: { message: 'too long' } } },
  { ...task, name: 'hooked', path: '/hooked/{task_id}', permission: 'hook', unknown },
  { ...task, name: 'hooked-404', path: '/hooked404/{task_id}', permission: 'hook' },
  { name: 'beating', path: '/beating', channels: 'quiet', heartbeat: { type: 'heartbeat', everySeconds: 1, data: { at: '{now}' } } },
  { name: 'stateless', path: '/stateless/{task_id}', channels: 'task.{task_id}' },
];

let node: SelvageNode;
beforeAll(async () => {
  await new Promise<void>((resolve) => void application.listen(0, '127.0.0.1', resolve));
  node = await SelvageNode.start({
    env: {
      SELVAGE_CONFIG: writeConfigFile({
        routes,
        streams,
        auth: {
          permissionHook: {
            url: `http://127.0.0.1:${(application.address() as AddressInfo).port}/may`,
            denySeconds: 0,
            allowSeconds: 0,
            failuresMax: 1_000,
          },
        },
      }),
      SELVAGE_AUTH_PERMISSION_HOOK_SECRET: 'hook-secret',
      SELVAGE_JWT_SECRET: jwtSecret,
      SELVAGE_AUTH_ANONYMOUS_READ: '',
      SELVAGE_MAX_CONNECTIONS_PER_USER: '100',
      SELVAGE_RECENT_AGE_SECONDS: '1',
      SELVAGE_WINDOW_AGE_SECONDS: '2',
    },
  });
}, 60_000);
afterAll(async () => {
  await node.close();
  application.closeAllConnections();
  application.close();
});

const open = async (path: string, options: StreamOptions = {}): Promise<OpenStream> => {
  const stream = await OpenStream.open(`${node.url}${path}`, options);
  onTestFinished(() => stream.close());
  return stream;
};
const say = async (channel: string, type: string, data: unknown): Promise<void> =>
  publish(node.url, await tokenOf('service'), channel, type, data);

test('a task without progress times out, counted from its last event, and whoever comes back is told to stay away', async () => {
  const id = uniqueName('t');
  const token = await tokenOf('ada', ['task.*']);
  await say(`task.${id}`, 'progress', { progress: 10 });
  const saidMs = Date.now();
  const first = await open(`/short/${id}`, { token });
  await first.until(({ types }) => types.length > 0, 'the present state');
  first.close();
  const second = await open(`/short/${id}`, { token, lastEventId: first.lastId });
  await second.until(({ isEnded }) => isEnded, 'the end');
  const tookMs = Date.now() - saidMs;
  expect(tookMs).toBeGreaterThan(2_900);
  expect(tookMs).toBeLessThan(5_000);
  expect(second.types).toEqual(['timeout']);
  expect(second.data('timeout')).toEqual({ message: 'too long' });
  expect(second.data('selvage.close')).toMatchObject({ code: 'timeout', reconnect: 'stop' });
  expect((await open(`/short/${id}`, { token, lastEventId: second.lastId })).status).toBe(204);
});

test('a task whose time has passed says its state and the time-out to whoever comes, and to a poll', async () => {
  const id = uniqueName('t');
  const token = await tokenOf('ada', ['task.*']);
  await say(`task.${id}`, 'progress', { progress: 10 });
  const witness = await open(`/short/${id}`, { token });
  await witness.until(({ isEnded }) => isEnded, 'the time-out');
  const late = await open(`/short/${id}`, { token });
  await late.until(({ isEnded }) => isEnded, 'the end');
  expect(late.types).toEqual(['progress', 'timeout']);
  const poll = await fetch(`${node.url}/short/${id}?format=json&wait=5`, { headers: { Authorization: `Bearer ${token}` } });
  const { events, position } = (await poll.json()) as { events: { type: string; data: unknown }[]; position: string };
  expect(events.map(({ type }) => type)).toEqual(['progress', 'timeout']);
  expect(position).toMatch(/~e$/);
});

test('the present state is kept past memory and window, for those channels that keep it', async () => {
  const id = uniqueName('known');
  const token = await tokenOf('ada', ['task.*', 'other.*']);
  await say(`task.${id}`, 'progress', { progress: 77 });
  const stateless = await open(`/stateless/${id}`, { token });
  await stateless.until(({ frames }) => frames.length > 0, 'the head');
  // Memory holds one second and the window two: wait until the window itself has forgotten.
  const forgotten = async (): Promise<boolean> => {
    const answer = await fetch(`${node.url}/v1/events?channel=task.${id}&rewind=1&format=json`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    return ((await answer.json()) as { events: unknown[] }).events.length === 0;
  };
  await expect.poll(forgotten, { timeout: 20_000, interval: 500 }).toBe(true);
  const stream = await open(`/hooked/${id}`, { token });
  await stream.until(({ types }) => types.length > 0, 'the present state');
  expect(stream.events.map(({ data }) => data)).toEqual(['{"progress":77}']);
  expect(stateless.types).toEqual([]);
});

test('heartbeats are events, come again and again, and take no position', async () => {
  const stream = await open('/beating', { token: await tokenOf('ada', ['quiet']) });
  await stream.until(({ types }) => types.length >= 3, 'three heartbeats');
  expect(new Set(stream.types)).toEqual(new Set(['heartbeat']));
  expect(stream.events.every(({ id }) => id === null)).toBe(true);
});

test('the hook says who may, and is told who asks for what', async () => {
  const id = uniqueName('known');
  expect((await open(`/hooked/${id}`, { token: await tokenOf('ada') })).status).toBe(200);
  expect((await open(`/hooked/${id}`, { token: await tokenOf('eve') })).status).toBe(403);
  expect((await open(`/hooked/${id}`)).status).toBe(401);
  const question = asked.find(({ body }) => body.subject === 'ada');
  expect(question?.authorization).toBe('Bearer hook-secret');
  expect(question?.body).toMatchObject({ stream: 'hooked', channels: [expect.stringMatching(/^task\.known/)], tenant: null });
});

test('an unknown task is an error event that ends the stream, and 204 for whoever comes back', async () => {
  const token = await tokenOf('ada');
  const stream = await open('/hooked/nobody', { token });
  await stream.until(({ isEnded }) => isEnded, 'the end');
  expect(stream.types).toEqual(['error']);
  expect(stream.data('error')).toEqual({ error: 'Unknown task nobody' });
  expect(stream.data('selvage.close')).toMatchObject({ code: 'ended' });
  expect((await open('/hooked/nobody', { token, lastEventId: stream.lastId })).status).toBe(204);
});

test('an unknown task is 404 where that is configured', async () => {
  expect((await open('/hooked404/nobody', { token: await tokenOf('ada') })).status).toBe(404);
});

test('a hook that fails lets nobody in, and everybody come back', async () => {
  isHookWell = false;
  onTestFinished(() => void (isHookWell = true));
  const token = await tokenOf('ada');
  const stream = await open('/hooked/known', { token });
  await stream.until(({ isEnded }) => isEnded, 'the end');
  expect(stream.data('selvage.close')).toMatchObject({ code: 'not-ready', reconnect: 'back-off' });
  const poll = await fetch(`${node.url}/hooked/known`, { headers: { Accept: 'application/json', Authorization: `Bearer ${token}` } });
  expect(poll.status).toBe(503);
  expect(poll.headers.get('retry-after')).not.toBeNull();
  expect(((await poll.json()) as { code: string }).code).toBe('permission-unavailable');
});

test('a token that runs out is noticed, and ends the stream at its time', async () => {
  const stream = await open('/beating', { token: await tokenOf('ada', ['quiet'], 4) });
  await stream.until(({ isEnded }) => isEnded, 'the end', 20_000);
  expect(stream.data('selvage.token')).toMatchObject({ stream: expect.any(String) as string, expiresInMs: expect.any(Number) as number });
  expect(stream.data('selvage.close')).toMatchObject({ code: 'token-expired', reconnect: 'resume' });
});
