import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { parseNamedStreams } from '../../../../src/admission/named-streams/parse-named-streams.js';
import { PermissionHook, type PermissionHookOptions } from '../../../../src/admission/permission-hook/permission-hook.js';
import type { Principal } from '../../../../src/admission/principal.js';
import { systemEnvironment } from '../../../../src/std/system-environment.js';
import type { Metrics } from '../../../../src/telemetry/metrics.js';
import { noMetrics } from '../../../../src/telemetry/no-metrics.js';
import { createPrometheusMetrics } from '../../../../src/telemetry/prometheus-metrics.js';
import { silentLogger } from '../../../../src/telemetry/silent-logger.js';

const parsed = parseNamedStreams([{ name: 'tasks', path: '/tasks/{task_id}', channels: 'task.{task_id}', permission: 'hook' }]);
const stream = { stream: (parsed.kind === 'streams' ? parsed.streams : [])[0]!, channels: ['task.1'] };
const ada: Principal = {
  subject: 'ada',
  tenant: 'acme',
  tokenId: 'secret-token-id',
  issuedAtMs: 0,
  expiresAtMs: null,
  via: 'bearer',
  claims: { sub: 'ada', role: 'writer', jti: 'secret-token-id', iat: 1, exp: 2 },
  read: { allows: () => false },
  publish: { allows: () => false },
};

interface Asked {
  readonly body: Record<string, unknown>;
  readonly headers: IncomingMessage['headers'];
}

async function serve(answer: (response: ServerResponse, asked: Asked) => void): Promise<{ url: string; asked: Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = { body: JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>, headers: request.headers };
      asked.push(one);
      answer(response, one);
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/may`, asked };
}

function hookAt(
  url: string,
  options: Partial<PermissionHookOptions> = {},
  environment = systemEnvironment,
  metrics: Metrics = noMetrics,
): PermissionHook {
  return new PermissionHook({
    options: {
      url,
      timeoutMs: 2_000,
      allowMs: 30_000,
      denyMs: 5_000,
      rememberedMax: 100,
      concurrentMax: 4,
      queuedMax: 100,
      failuresMax: 3,
      ...options,
    },
    readSecret: () => 's3cret',
    environment,
    logger: silentLogger,
    metrics,
  });
}

type Answer = (response: ServerResponse) => void;

const say =
  (body: unknown, status = 200, headers: Record<string, string> = {}): Answer =>
  (response) =>
    void response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));

const refusedForNow = { code: 'permission-unavailable' };

test('the question says who asks for what, with the secret, and holds no token', async () => {
  const { url, asked } = await serve(say({ allow: true }));
  expect(await hookAt(url).ask(stream, ada, { task_id: '1' })).toBe('allowed');
  expect(asked[0]?.body).toEqual({
    subject: 'ada',
    tenant: 'acme',
    claims: { sub: 'ada', role: 'writer' },
    stream: 'tasks',
    parameters: { task_id: '1' },
    channels: ['task.1'],
  });
  expect(asked[0]?.headers.authorization).toBe('Bearer s3cret');
  expect(JSON.stringify(asked[0])).not.toContain('secret-token-id');
});

test.for([
  ['a yes', { allow: true }, 'allowed'],
  ['a no', { allow: false }, 'forbidden'],
  ['an unknown', { allow: false, unknown: true }, 'unknown'],
  ['a yes that claims not to know', { allow: true, unknown: true }, 'allowed'],
] as const)('%s is taken as it is, and remembered', async ([, body, expected]) => {
  const { url, asked } = await serve(say(body));
  const hook = hookAt(url);
  expect(await hook.ask(stream, ada, {})).toBe(expected);
  expect(hook.ask(stream, ada, {})).toBe(expected);
  expect(asked).toHaveLength(1);
});

test.for([
  ['an error', say({ allow: true }, 500)],
  ['another status of success', say({ allow: true }, 201)],
  ['a redirect', say('', 302, { Location: 'http://127.0.0.1:9/' })],
  ['no JSON', say('yes')],
  ['nothing', say('')],
  ['null', say('null')],
  ['a word for yes', say({ allow: 'true' })],
  ['a number for yes', say({ allow: 1 })],
  ['too much', say({ allow: true, more: 'x'.repeat(100_000) })],
  ['a cut connection', (response: ServerResponse): void => void response.destroy()],
] as const)('%s lets nobody in, and is not remembered', async ([, answer]) => {
  const { url, asked } = await serve(answer);
  const hook = hookAt(url);
  expect(await hook.ask(stream, ada, {})).toMatchObject(refusedForNow);
  expect(await hook.ask(stream, ada, {})).toMatchObject(refusedForNow);
  expect(asked.length).toBeGreaterThanOrEqual(2);
});

test('an answer that does not come lets nobody in, in time', async () => {
  const { url } = await serve(() => undefined);
  expect(await hookAt(url, { timeoutMs: 50 }).ask(stream, ada, {})).toMatchObject(refusedForNow);
});

test('an answer that never ends is cut off', async () => {
  const { url } = await serve((response) => void response.writeHead(200).write('{"allow":'));
  expect(await hookAt(url, { timeoutMs: 100 }).ask(stream, ada, {})).toMatchObject(refusedForNow);
});

test('many who ask the same at once ask once', async () => {
  const waiting: (() => void)[] = [];
  const { url, asked } = await serve((response) => waiting.push(() => say({ allow: true })(response)));
  const hook = hookAt(url);
  const answers = Array.from({ length: 50 }, async () => hook.ask(stream, ada, {}));
  await expect.poll(() => waiting.length).toBe(1);
  waiting[0]?.();
  expect(new Set(await Promise.all(answers))).toEqual(new Set(['allowed']));
  expect(asked).toHaveLength(1);
});

test('one who is allowed does not answer for another', async () => {
  const { url } = await serve((response, { body }) => say({ allow: body['subject'] === 'ada' })(response));
  const hook = hookAt(url);
  expect(await hook.ask(stream, ada, {})).toBe('allowed');
  expect(await hook.ask(stream, { ...ada, subject: 'eve' }, {})).toBe('forbidden');
  expect(await hook.ask(stream, { ...ada, claims: { role: 'reader' } }, {})).toBe('allowed');
});

test('so many questions are under way and wait, and no more', async () => {
  const waiting: (() => void)[] = [];
  const { url } = await serve((response) => waiting.push(() => say({ allow: true })(response)));
  const hook = hookAt(url, { concurrentMax: 2, queuedMax: 3 });
  const answers = Array.from({ length: 10 }, async (_, i) => hook.ask(stream, ada, { task_id: String(i) }));
  const refused = await Promise.all(answers.slice(5));
  expect(refused).toEqual(Array(5).fill(expect.objectContaining(refusedForNow)));
  await expect.poll(() => waiting.length).toBe(2);
  for (let done = 0; done < 5; done++) {
    await expect.poll(() => waiting.length).toBeGreaterThan(done);
    waiting[done]?.();
  }
  expect(await Promise.all(answers.slice(0, 5))).toEqual(Array(5).fill('allowed'));
});

test('somebody who fails is left alone for a while, then asked once', async () => {
  let tickMs = 0;
  const clock = { nowMs: () => tickMs, tickMs: () => tickMs };
  let isWell = false;
  const { url, asked } = await serve((response) => say({ allow: true }, isWell ? 200 : 503)(response));
  const hook = hookAt(url, { failuresMax: 3 }, { ...systemEnvironment, clock, random: () => 0.5 });
  for (let i = 0; i < 10; i++) expect(await hook.ask(stream, ada, {})).toMatchObject(refusedForNow);
  expect(asked).toHaveLength(3);
  tickMs += 1_001;
  await hook.ask(stream, ada, {});
  await hook.ask(stream, ada, {});
  expect(asked).toHaveLength(4);
  isWell = true;
  tickMs += 2_001;
  expect(await hook.ask(stream, ada, {})).toBe('allowed');
});

test('a no is asked again sooner than a yes', async () => {
  let tickMs = 0;
  const clock = { nowMs: () => tickMs, tickMs: () => tickMs };
  const { url, asked } = await serve((response, { body }) => say({ allow: body['subject'] === 'ada' })(response));
  const hook = hookAt(url, {}, { ...systemEnvironment, clock });
  const eve = { ...ada, subject: 'eve' };
  await hook.ask(stream, ada, {});
  await hook.ask(stream, eve, {});
  tickMs += 5_001;
  await hook.ask(stream, ada, {});
  await hook.ask(stream, eve, {});
  expect(asked.map(({ body }) => body['subject'])).toEqual(['ada', 'eve', 'eve']);
});

test('somebody who is not there lets nobody in', async () => {
  expect(await hookAt('http://127.0.0.1:1/').ask(stream, ada, {})).toMatchObject(refusedForNow);
});

test('what came of each question is counted, with what it took, and without a word of who asked', async () => {
  let isWell = true;
  const { url } = await serve((response, { body }) => {
    const { task_id } = body['parameters'] as { task_id: string };
    if (!isWell) return say('', 500)(response);
    return say(task_id === '1' ? { allow: true } : { allow: false, unknown: task_id === '3' })(response);
  });
  const metrics = createPrometheusMetrics({ processMetrics: false });
  const hook = hookAt(url, { failuresMax: 1 }, systemEnvironment, metrics);
  await Promise.all([hook.ask(stream, ada, { task_id: '1' }), hook.ask(stream, ada, { task_id: '1' })]);
  for (const task_id of ['1', '1', '2', '3']) await hook.ask(stream, ada, { task_id });
  isWell = false;
  for (const task_id of ['4', '5']) await hook.ask(stream, ada, { task_id });
  const { body } = await metrics.expose();
  const counts = [...body.matchAll(/^selvage_permission_hook_questions_total\{outcome="(.*)"\} (\d+)$/gm)];
  expect(Object.fromEntries(counts.map(([, outcome, count]) => [outcome, Number(count)]))).toEqual({
    allowed: 1,
    shared: 1,
    remembered: 2,
    forbidden: 1,
    unknown: 1,
    unavailable: 2,
  });
  // The fifth was not sent: after one failure it is left alone.
  expect(body).toMatch(/^selvage_permission_hook_seconds_count 4$/m);
  expect(body).not.toContain('ada');
});
