import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { KafkaFixture } from '../../platform/kafka-fixture.js';
import { startNode } from '../../platform/node-fixture.js';
import { makeRunFolder } from '../../platform/run-folder.js';
import { SelvageNode } from '../../platform/selvage-node.js';
import { sharedKafka } from '../../platform/shared-services.js';
import { RunningCommand, runCli } from './run-cli.js';

async function startEmbedded(env: Readonly<Record<string, string>> = {}): Promise<SelvageNode> {
  const node = await SelvageNode.start({ env: { HOST: '127.0.0.1', ...env } });
  onTestFinished(() => node.close());
  return node;
}

/** A server that answers every request with this text as an event stream, and keeps it open. */
async function startHostile(text: string, status = 200, type = 'text/event-stream'): Promise<string> {
  const server = createServer((_, response) => {
    response.writeHead(status, { 'Content-Type': type });
    if (status === 200) response.write(text);
    else response.end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('what is published arrives, byte for byte, in words and as JSON', async () => {
  const node = await startEmbedded();
  const env = { SELVAGE_URL: node.url };
  const published = await runCli(['publish', 'demo', '{"n": 12345678901234567890}', '--type', 'greeting', '--json'], env);
  expect(published).toMatchObject({ code: 0, err: '' });
  const { position } = JSON.parse(published.out) as { position: string };
  expect(await runCli(['publish', 'demo'], env, 'from stdin\n')).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^\S+ {2}partition \d+ offset 1\n$/) as string,
  });
  const tail = await runCli(['tail', 'demo', '--rewind', '2', '-n', '2'], env);
  expect(tail.code).toBe(0);
  expect(tail.out.split('\n').map((line) => line.replace(/^\S+ +/, ''))).toEqual([
    'demo  greeting  {"n": 12345678901234567890}',
    'demo  message  from stdin',
    '',
  ]);
  const json = await runCli(['tail', 'demo', '--last-event-id', position, '--json', '-n', '1'], env);
  expect(
    json.out
      .split('\n')
      .slice(0, 2)
      .map((line) => JSON.parse(line) as unknown),
  ).toMatchObject([
    { kind: 'open', after: position },
    { kind: 'event', channel: 'demo', type: 'message', data: 'from stdin' },
  ]);
});

test('lines are published in batches, and what is no event stops them, by number', async () => {
  const node = await startEmbedded();
  const env = { SELVAGE_URL: node.url };
  const lines = Array.from({ length: 250 }, (_, n) => JSON.stringify({ n })).join('\n');
  const many = await runCli(['publish', 'demo', '--lines', '--batch', '100'], env, `${lines}\n\n`);
  expect({ code: many.code, count: many.out.split('\n').length - 1 }).toEqual({ code: 0, count: 250 });
  const tail = await runCli(['tail', 'demo', '--rewind', '250', '-n', '250', '--json'], env);
  const events = tail.out.split('\n').filter((line) => line.includes('"kind":"event"'));
  expect(events.map((line) => (JSON.parse(line) as { data: { n: number } }).data.n)).toEqual(Array.from({ length: 250 }, (_, n) => n));
  const whole = ['{"channel":"other","type":"a","data":1}', '', 'not json'].join('\n');
  const bad = await runCli(['publish', '--lines'], env, whole);
  expect(bad).toMatchObject({ code: 1, err: expect.stringContaining('line 3 is not a JSON object') as string });
  expect(bad.out.split('\n')).toHaveLength(2);
});

test('an idempotency key publishes once, a refusal is told, and a wrong address is not waited for', async () => {
  const node = await startEmbedded();
  const env = { SELVAGE_URL: node.url };
  const first = await runCli(['publish', 'demo', 'x', '--idempotency-key', 'k1'], env);
  const again = await runCli(['publish', 'demo', 'x', '--idempotency-key', 'k1'], env);
  expect(again.out).toBe(first.out);
  expect(again.err).toContain('nothing was published again');
  expect(await runCli(['publish', 'demo', 'x', '--attribute', 'nope=1'], env)).toMatchObject({
    code: 1,
    err: expect.stringContaining('invalid-event') as string,
  });
  expect(await runCli(['tail', 'demo', '--since', 'yesterday'], env)).toMatchObject({
    code: 1,
    err: expect.stringContaining('invalid-parameter') as string,
  });
  expect(await runCli(['tail', 'demo', '--url', 'http://127.0.0.1:1'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('cannot be reached') as string,
  });
  expect(await runCli(['publish', 'demo', 'x', '--url', 'http://127.0.0.1:1'])).toMatchObject({ code: 1 });
});

test('a minted token opens what it names, and nothing else', async () => {
  const secret = 'a secret of more than thirty-two bytes';
  const node = await startEmbedded({
    SELVAGE_JWT_SECRET: secret,
    SELVAGE_AUTH_ANONYMOUS_READ: '',
    SELVAGE_AUTH_ANONYMOUS_PUBLISH: '',
    SELVAGE_JWT_AUDIENCE: 'fabric',
  });
  const mint = { SELVAGE_JWT_SECRET: secret, SELVAGE_JWT_AUDIENCE: 'fabric' };
  const { code, out, err } = await runCli(
    ['token', '--sub', 'alice', '--read', 'user.{sub}.*', '--publish', 'user.alice.news', '--ttl', '5m'],
    mint,
  );
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const file = join(makeRunFolder('token'), 'token');
  writeFileSync(file, out);
  const env = { SELVAGE_URL: node.url, SELVAGE_TOKEN_FILE: file };
  expect(await runCli(['publish', 'news', 'hi', '--user', 'alice'], env)).toMatchObject({ code: 0 });
  expect(await runCli(['tail', 'user.alice.news', '--rewind', '1', '-n', '1'], env)).toMatchObject({
    code: 0,
    out: expect.stringContaining('hi') as string,
  });
  expect(await runCli(['tail', 'user.bob.news'], env)).toMatchObject({
    code: 1,
    err: expect.stringContaining('channel-forbidden') as string,
  });
  expect(await runCli(['tail', 'user.alice.news'], { SELVAGE_URL: node.url })).toMatchObject({
    code: 1,
    err: expect.stringContaining('token-missing') as string,
  });
  expect(await runCli(['token', '--read', 'a..b'], mint)).toMatchObject({ code: 2, out: '' });
  expect(await runCli(['token', '--ttl', '30d'], mint)).toMatchObject({ code: 2, err: expect.stringContaining('are refused') as string });
  expect(await runCli(['token'])).toMatchObject({ code: 1, err: expect.stringContaining('SELVAGE_JWT_SECRET') as string });
});

test('a tail comes back behind its last event when its node is killed, and nothing is missed or shown twice', async () => {
  const kafka = await KafkaFixture.connect(sharedKafka().brokers);
  onTestFinished(() => kafka.close());
  const topic = await kafka.makeTopic(2);
  const node = await startNode({ brokers: sharedKafka().brokers, redisUrl: null, routes: [{ topic, channels: 'all' }] });
  onTestFinished(() => node.close());
  const tail = new RunningCommand(['tail', 'all', '--json', '--url', node.url]);
  await tail.waitFor(({ out }) => out.includes('"kind":"open"'), 'the stream');
  const send = (from: number, to: number) =>
    kafka.send(
      topic,
      Array.from({ length: to - from }, (_, i) => ({ value: JSON.stringify({ n: from + i }), partition: (from + i) % 2 })),
    );
  const seen = () => tail.objects.filter(({ kind }) => kind === 'event').map(({ data }) => (data as { n: number }).n);
  await send(0, 20);
  await tail.waitFor(() => seen().length === 20, '20 events');
  await node.kill();
  await send(20, 40);
  await tail.waitFor(({ out }) => out.includes('"kind":"drop"'), 'the drop');
  await node.start();
  await tail.waitFor(() => seen().length >= 40, '40 events');
  await send(40, 41);
  await tail.waitFor(() => seen().length >= 41, 'the last event');
  expect([...seen()].sort((a, b) => a - b)).toEqual(Array.from({ length: 41 }, (_, n) => n));
  tail.signal('SIGINT');
  const { code } = await tail.end();
  expect(code).toBe(130);
  expect(tail.objects.at(-1)).toMatchObject({
    kind: 'close',
    code: 'interrupted',
    position: expect.stringMatching(/^1[a-z0-9]{4}\./) as string,
  });
});

test('a terminal event ends a tail, and a return is told that nothing more will come', async () => {
  const node = await startEmbedded();
  const env = { SELVAGE_URL: node.url };
  const tail = new RunningCommand(['tail', 'demo', '--until', 'complete', '--positions', '--json'], env);
  await tail.waitFor(({ out }) => out.includes('"kind":"position"'), 'the stream');
  await runCli(['publish', 'demo', '1', '--type', 'complete'], env);
  expect(await tail.end()).toMatchObject({ code: 0 });
  const end = tail.objects.at(-1) as { code: string; position: string };
  expect(end).toMatchObject({ kind: 'close', code: 'ended' });
  expect(await runCli(['tail', 'demo', '--until', 'complete', '--last-event-id', end.position], env)).toMatchObject({
    code: 0,
    err: expect.stringContaining('has ended') as string,
  });
});

test('a gap is told plainly, and ends a tail that wants none', async () => {
  const node = await startEmbedded();
  const { code, out } = await runCli(['tail', 'demo', '--last-event-id', '1zzzz.9olqb-4-0-1', '--fail-on-gap'], { SELVAGE_URL: node.url });
  expect(code).toBe(4);
  expect(out).toContain('-- gap: events may be missing between 1zzzz.9olqb-4-0-1 and ');
  expect(out).toContain('other-cluster (the position is of another Kafka cluster)');
});

test('a server that says not to come back is left alone, with its reason', async () => {
  const url = await startHostile('retry: 10\n:\nevent: selvage.close\ndata: {"code":"revoked","reconnect":"stop","retryMs":0}\n\n');
  const tail = new RunningCommand(['tail', 'x', '--url', url, '--silence', '1']);
  expect(await tail.end()).toMatchObject({ code: 3, err: expect.stringContaining('says not to come back: revoked') as string });
});

const evil = '\u001b]0;owned\u0007\u001b[2J\u009b31m\u202e';

test.each([['--no-color'], ['--json'], ['--positions']])(
  'nothing that a server or a publisher writes reaches the terminal as a command (%s)',
  async (flag) => {
    const fields = JSON.stringify({ channel: evil, channels: [evil, 'b'], type: evil, time: evil, data: evil });
    const frames = [
      `event: ${evil}\ndata: ${fields}\nid: ${evil}\n\n`,
      `event: ${evil}\ndata: ${fields.replaceAll('\\u001b', '\u001b')}\n\n`,
      `event: ${evil}\ndata: ${evil}\n\n`,
      `data: {"channel":"a","type":"b","time":"c","data":"\u009b31m"}\n\n`,
      `event: selvage.gap\ndata: ${JSON.stringify({ reason: evil, from: evil, to: evil })}\n\n`,
      `event: selvage.position\ndata: {}\nid: ${evil}\n\n`,
      `event: selvage.close\ndata: ${JSON.stringify({ code: evil, reconnect: 'stop', retryMs: 0 })}\n\n`,
    ];
    const url = await startHostile(frames.join(''));
    const { out, err } = await runCli(['tail', 'x', '--url', url, '--silence', '1', flag]);
    expect(out + err).toContain('owned');
    expect(out + err).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
  },
);

test('nor does a refusal', async () => {
  const url = await startHostile(JSON.stringify({ code: evil, detail: evil }), 403, 'application/problem+json');
  for (const args of [
    ['tail', 'x'],
    ['publish', 'x', 'y'],
  ]) {
    const { code, err } = await runCli([...args, '--url', url]);
    expect(code).toBe(1);
    expect(err).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
  }
});
