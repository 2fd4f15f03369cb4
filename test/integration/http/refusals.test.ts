import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import fetchEventSourcePackage from '@microsoft/fetch-event-source';
import { EventSource } from 'eventsource';
import { afterEach, describe, expect, test } from 'vitest';
import type { HttpServer } from '../../../src/http/http-server.js';
import { errorCatalogue } from '../../../src/protocol/error-catalogue.js';
import type { ErrorCode } from '../../../src/protocol/error-catalogue.js';
import { systemEnvironment } from '../../../src/std/system-environment.js';
import { eventually, startServer } from './fake-streams.js';

const { fetchEventSource } = fetchEventSourcePackage;
// It is written for browsers.
Object.assign(globalThis, {
  window: globalThis,
  document: { hidden: false, addEventListener: () => undefined, removeEventListener: () => undefined },
});

const servers: HttpServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.closeAll();
});

/** What its documentation calls a fatal error: without it, it tries again for ever. */
function giveUp(error: unknown): never {
  throw error;
}

/** What curl shows, and whether it takes it for a failure where asked to (`--fail`: 22). */
async function curl(url: string, ...options: string[]): Promise<{ status: number; text: string; exitCode: number }> {
  const args = ['-sN', '--max-time', '10', '-w', '\\n%{http_code}', ...options, url];
  const { stdout, exitCode } = await promisify(execFile)('curl', args).then(
    ({ stdout }) => ({ stdout, exitCode: 0 }),
    (error: unknown) => ({ stdout: (error as { stdout: string }).stdout, exitCode: (error as { code: number }).code }),
  );
  const at = stdout.lastIndexOf('\n');
  return { status: Number(stdout.slice(at + 1)), text: stdout.slice(0, at), exitCode };
}

const codes = Object.keys(errorCatalogue) as ErrorCode[];
const comesBack = (code: ErrorCode): boolean => [429, 503].includes(errorCatalogue[code].status);

async function startRefusing(code: ErrorCode, random = () => 0.5) {
  const started = await startServer({ environment: { ...systemEnvironment, random } });
  servers.push(started.server);
  const refusal = {
    code,
    detail: 'No.',
    limit: 5,
    present: 6,
    ...(comesBack(code) ? { retryAfterSeconds: 7 } : {}),
    headers: { RateLimit: '"streams";r=0' },
  };
  started.streams.answer = () => ({ kind: 'refused', refusal });
  return { ...started, url: `http://127.0.0.1:${started.port}/v1/events?channel=a` };
}

describe.each(codes.filter((code) => !comesBack(code)))('%s is final', (code) => {
  test('an EventSource gives up, fetch-event-source throws, everybody else reads a problem', async () => {
    const { url, streams } = await startRefusing(code);
    const source = new EventSource(url);
    let status: number | undefined;
    source.addEventListener('error', (error) => (status = error.code));
    await eventually(() => source.readyState === EventSource.CLOSED);
    expect(status).toBe(errorCatalogue[code].status);
    await expect(fetchEventSource(url, { onerror: giveUp })).rejects.toThrow();
    const answer = await fetch(url);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([errorCatalogue[code].status, 'application/problem+json']);
    expect(answer.headers.get('retry-after')).toBeNull();
    expect(answer.headers.get('ratelimit')).toBe('"streams";r=0');
    expect(await answer.json()).toMatchObject({ type: `urn:selvage:error:${code}`, code, status: answer.status, limit: 5, present: 6 });
    const shown = await curl(url);
    expect(shown).toMatchObject({ status: errorCatalogue[code].status, exitCode: 0 });
    expect(JSON.parse(shown.text)).toMatchObject({ code, detail: 'No.' });
    expect((await curl(url, '--fail')).exitCode).toBe(22);
    expect(streams.requests).toHaveLength(5);
  });
});

describe.each(codes.filter(comesBack))('%s is to be tried again', (code) => {
  test('an EventSource stays, fetch-event-source is told by an event, everybody else reads a problem with Retry-After', async () => {
    const { url } = await startRefusing(code);
    const source = new EventSource(url);
    const told: string[] = [];
    source.addEventListener('selvage.close', ({ data }) => told.push(String(data)));
    await eventually(() => told.length === 1 && source.readyState === EventSource.CONNECTING);
    source.close();
    const close = JSON.parse(told[0] ?? '') as { code: string; reconnect: string; retryMs: number };
    expect(close.reconnect).toBe('back-off');
    expect(close.retryMs).toBeGreaterThanOrEqual(7_000);
    const heard: { event: string; retry: number | undefined }[] = [];
    let hasEnded = false;
    await fetchEventSource(url, {
      onmessage: ({ event, retry }) => heard.push({ event, retry }),
      onclose: () => void (hasEnded = true),
    });
    expect([heard, hasEnded]).toEqual([[{ event: 'selvage.close', retry: close.retryMs }], true]);
    // curl accepts anything: it is told like a program, and repeats by itself where asked to (--retry minds Retry-After). As a stream it is told by an event.
    const shown = await curl(url);
    expect(shown.status).toBe(errorCatalogue[code].status);
    expect(JSON.parse(shown.text)).toMatchObject({ code });
    const streamed = await curl(url, '-H', 'Accept: text/event-stream');
    expect(streamed).toMatchObject({ status: 200, exitCode: 0 });
    expect(streamed.text).toMatch(/^retry: \d+\nevent: selvage\.close\ndata: \{.*"reconnect":"back-off"/);
    for (const accept of ['*/*', 'application/json']) {
      const answer = await fetch(url, { headers: { accept } });
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([errorCatalogue[code].status, '7']);
      expect(await answer.json()).toMatchObject({ code, limit: 5, present: 6 });
    }
  });
});

test('those refused together are told times that are spread over the same again', async () => {
  let n = 0;
  const { url } = await startRefusing('not-ready', () => (n++ % 100) / 100);
  const times = await Promise.all(
    Array.from({ length: 60 }, async () => {
      const text = await (await fetch(url, { headers: { accept: 'text/event-stream' } })).text();
      return Number(/^retry: (\d+)$/m.exec(text)?.[1]);
    }),
  );
  expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(2_500);
  expect(new Set(times).size).toBeGreaterThan(20);
});

test('an EventSource that was to come back does, after the time that it was told', { timeout: 20_000 }, async () => {
  const { url, streams } = await startRefusing('not-ready', () => 0);
  streams.answer = () =>
    streams.requests.length === 1 ? { kind: 'refused', refusal: { code: 'not-ready', detail: 'No.' } } : streams.stream();
  const source = new EventSource(url);
  const startedMs = Date.now();
  await eventually(() => streams.subscribers.length === 1, 10_000);
  expect(Date.now() - startedMs).toBeGreaterThan(2_400);
  source.close();
});

test('a resume after the end is 204, at which an EventSource stops for good', async () => {
  const { url, streams } = await startRefusing('not-ready');
  streams.answer = () => ({ kind: 'ended' });
  const source = new EventSource(url);
  await eventually(() => source.readyState === EventSource.CLOSED);
  expect(streams.requests).toHaveLength(1);
});
