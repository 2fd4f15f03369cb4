import { describe, expect, test } from 'vitest';
import { errorCatalogue, type ErrorCode } from '../../src/protocol/error-catalogue.js';
import { uniqueName } from '../platform/unique-name.js';
import { post } from './http-client.js';
import { StreamClient, type RequestOptions } from './stream-client.js';
import type { Target, TargetOf } from './target.js';

interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

async function request(target: Target, path: string, options: RequestOptions = {}): Promise<StreamClient> {
  return (await StreamClient.open(target, path, options)).whole();
}

function expectProblem(answer: StreamClient, code: ErrorCode): ProblemBody {
  const { status, title } = errorCatalogue[code];
  expect(answer.status, answer.text).toBe(status);
  expect(answer.header('Content-Type')).toBe('application/problem+json');
  expect(answer.header('Cache-Control')).toBe('no-store, no-transform');
  expect(answer.header('Vary')).toBe('Accept, Origin');
  const problem = JSON.parse(answer.text) as ProblemBody;
  expect(problem).toMatchObject({ type: `urn:selvage:error:${code}`, title, status, code });
  expect(problem.detail).toMatch(/^[^\r\n]+$/);
  return problem;
}

/** Refusals, methods, media types, headers. */
export function describeRequests(targetOf: TargetOf): void {
  describe('a request for events is refused', () => {
    test.each<[query: string, code: ErrorCode, names: string]>([
      ['', 'missing-channel', 'channel'],
      ['?type=a', 'missing-channel', 'channel'],
      ['?channel=a&chanel=b', 'unknown-parameter', '"chanel"'],
      ['?channel=a&Type=b', 'unknown-parameter', '"Type"'],
      ['?channel=', 'invalid-channel', '""'],
      ['?channels=a,,b', 'invalid-channel', '""'],
      ['?channel=a%0Ab', 'invalid-channel', '"a\\nb"'],
      ['?channel=a%0Db', 'invalid-channel', '"a\\rb"'],
      ['?channel=a%00b', 'invalid-channel', '"a\\u0000b"'],
      [`?channel=${'x'.repeat(256)}`, 'invalid-channel', '255'],
      [`?channel=${'%C3%A9'.repeat(128)}`, 'invalid-channel', '255'],
      [`?channels=${Array.from({ length: 1_001 }, (_, i) => i).join(',')}`, 'too-many-channels', '1001'],
      ['?channel=a&since=soon', 'invalid-parameter', 'since'],
      ['?channel=a&since=5m&since=6m', 'invalid-parameter', 'since'],
      ['?channel=a&rewind=-1', 'invalid-parameter', 'rewind'],
      ['?channel=a&rewind=99999999', 'invalid-parameter', 'rewind'],
      ['?channel=a&wait=301', 'invalid-parameter', 'wait'],
      ['?channel=a&format=xml', 'invalid-parameter', 'format'],
      ['?channel=a&type=', 'invalid-parameter', 'type'],
      ['?channel=a&until=', 'invalid-parameter', 'until'],
      ['?channel=%zz', 'malformed-request', 'query'],
      ['?channel=%ff', 'malformed-request', 'query'],
    ])('for %s with %s', async (query, code, names) => {
      // A reader of streams too: such a request must not come back.
      for (const accept of ['*/*', 'text/event-stream']) {
        const answer = await request(targetOf(), `/v1/events${query}`, { headers: { Accept: accept } });
        expect(expectProblem(answer, code).detail).toContain(names);
      }
    });

    test('for an address over 8 KB, and headers over 16 KB', async () => {
      const target = targetOf();
      expectProblem(await request(target, `/v1/events?channel=${'x'.repeat(8_300)}`), 'uri-too-long');
      const headers = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`X-Filler-${i}`, 'x'.repeat(1_900)]));
      expectProblem(await request(target, '/v1/events?channel=a', { headers }), 'headers-too-large');
    });

    test('for media types that are not served', async () => {
      const target = targetOf();
      for (const accept of ['text/html', 'application/xml, image/*', 'text/event-stream;q=0']) {
        expectProblem(await request(target, '/v1/events?channel=a', { headers: { Accept: accept } }), 'not-acceptable');
      }
    });

    test('for methods that are not served, with those that are', async () => {
      const target = targetOf();
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        const answer = await request(target, '/v1/events?channel=a', { method, headers: { 'Content-Length': '0' } });
        expectProblem(answer, 'method-not-allowed');
        expect(answer.header('Allow')).toBe('GET, HEAD, OPTIONS');
      }
      const answer = await request(target, '/v1/publish');
      expectProblem(answer, 'method-not-allowed');
      expect(answer.header('Allow')).toBe('POST, OPTIONS');
    });

    test('at addresses that are not served', async () => {
      for (const path of ['/v1/event', '/v1/events/', '/v1', '/v1/events/x', '//v1/events', '/v1/%65vents']) {
        expectProblem(await request(targetOf(), path), 'not-found');
      }
    });
  });

  describe('HEAD', () => {
    test('has the head of the stream and no stream', async () => {
      const answer = await request(targetOf(), `/v1/events?channel=${uniqueName('head')}`, {
        method: 'HEAD',
        headers: { Connection: 'close' },
      });
      expect(answer.status).toBe(200);
      expect(answer.header('Content-Type')).toBe('text/event-stream; charset=utf-8');
      expect(answer.rest).toBe('');
    });

    test('has the head of a poll and of a refusal', async () => {
      const target = targetOf();
      const polled = await request(target, `/v1/events?channel=${uniqueName('head')}&format=json&wait=20`, {
        method: 'HEAD',
        headers: { Connection: 'close' },
      });
      expect([polled.status, polled.header('Content-Type'), polled.rest]).toEqual([200, 'application/json', '']);
      const refused = await request(target, '/v1/events', { method: 'HEAD', headers: { Connection: 'close' } });
      expect([refused.status, refused.header('Content-Type'), refused.rest]).toEqual([400, 'application/problem+json', '']);
    });
  });

  test('OPTIONS names the methods', async () => {
    const target = targetOf();
    const events = await request(target, '/v1/events', { method: 'OPTIONS' });
    expect([events.status, events.header('Allow'), events.rest]).toEqual([204, 'GET, HEAD, OPTIONS', '']);
    const publishing = await request(target, '/v1/publish', { method: 'OPTIONS' });
    expect([publishing.status, publishing.header('Allow')]).toEqual([204, 'POST, OPTIONS']);
    expectProblem(await request(target, '/nowhere', { method: 'OPTIONS' }), 'not-found');
  });

  test('the landing page says how to try it', async () => {
    const answer = await request(targetOf(), '/');
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('/v1/events?channel=');
  });

  describe('a publish', () => {
    test('of one event or of a batch is answered with positions, partitions and offsets', async () => {
      const target = targetOf();
      const channel = uniqueName('publish');
      const single = await post(target, JSON.stringify({ channel, type: 'a', data: [1, 'b', null] }));
      expect(single.status).toBe(200);
      expect(single.headers.get('content-type')).toBe('application/json');
      const body = (await single.json()) as { results: unknown[] };
      expect(Object.keys(body)).toEqual(['results']);
      expect(body.results).toEqual([
        {
          position: expect.stringMatching(/^1[0-9a-z]{4}\./) as string,
          partition: expect.any(Number) as number,
          offset: expect.stringMatching(/^\d+$/) as string,
        },
      ]);
      const batch = await post(
        target,
        JSON.stringify({
          events: [
            { channel, data: 1 },
            { channel, data: 2 },
          ],
        }),
        { 'content-type': 'application/json; charset=utf-8' },
      );
      expect(((await batch.json()) as { results: unknown[] }).results).toHaveLength(2);
    });

    test.each<[body: string, contentType: string, code: ErrorCode, names: string]>([
      ['{"channel":"a","data":1}', 'text/plain', 'unsupported-media-type', 'application/json'],
      ['{"channel":"a",', 'application/json', 'malformed-request', 'JSON'],
      ['[]', 'application/json', 'invalid-event', 'object'],
      ['{"data":1}', 'application/json', 'invalid-event', '"channel"'],
      ['{"channel":"a"}', 'application/json', 'invalid-event', '"data"'],
      ['{"channel":"a\\nb","data":1}', 'application/json', 'invalid-event', '"channel"'],
      ['{"channel":"a","type":"selvage.gap","data":1}', 'application/json', 'invalid-event', '"type"'],
      ['{"channel":"a","type":"x\\ny","data":1}', 'application/json', 'invalid-event', '"type"'],
      ['{"channel":"a","data":1,"id":"x"}', 'application/json', 'invalid-event', '"id"'],
      ['{"events":[]}', 'application/json', 'invalid-event', 'at least one'],
      ['{"events":[{"channel":"a","data":1}],"atomic":true}', 'application/json', 'invalid-event', '"events"'],
      [
        JSON.stringify({ events: Array.from({ length: 101 }, () => ({ channel: 'a', data: 1 })) }),
        'application/json',
        'invalid-event',
        '100',
      ],
    ])('of %s as %s is refused with %s', async (body, contentType, code, names) => {
      const answer = await post(targetOf(), body, { 'content-type': contentType });
      expect(answer.status).toBe(errorCatalogue[code].status);
      const problem = (await answer.json()) as ProblemBody;
      expect(problem.code).toBe(code);
      expect(problem.detail).toContain(names);
    });

    test('of a batch is answered event by event: what can be is published', async () => {
      const target = targetOf();
      const channel = uniqueName('parts');
      using client = await StreamClient.follow(target, `channel=${channel}`);
      const events = [{ channel, data: 'first' }, { channel }, { channel, data: 'third' }];
      const answer = await post(target, JSON.stringify({ events }));
      expect(answer.status).toBe(207);
      expect(await answer.json()).toMatchObject({
        results: [
          { partition: expect.any(Number) as number },
          { error: { code: 'invalid-event', status: 422 } },
          { partition: expect.any(Number) as number },
        ],
      });
      await client.take(2);
      expect(client.datas).toEqual(['first', 'third']);
    });

    test('of a batch that is too long publishes nothing of it', async () => {
      const target = targetOf();
      const channel = uniqueName('whole');
      using client = await StreamClient.follow(target, `channel=${channel}`);
      const refused = await post(target, JSON.stringify({ events: Array.from({ length: 101 }, () => ({ channel, data: 'refused' })) }));
      expect(refused.status).toBe(422);
      await post(target, JSON.stringify({ channel, data: 'accepted' }));
      await client.take(1);
      expect(client.datas).toEqual(['accepted']);
    });
  });
}
