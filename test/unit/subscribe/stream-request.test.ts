import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseQuery } from '../../../src/http/parse-query.js';
import type { ErrorCode } from '../../../src/protocol/error-catalogue.js';
import { parseStreamRequest, RefusedError, type StreamRequest } from '../../../src/subscribe/stream-request.js';

const limits = { channelsMax: 4, rewindMax: 10, pollWaitMsMax: 25_000, filterValuesMax: 3, credentialParameters: [] };
const nowMs = 1_724_371_200_000;

function parse(queryText: string, headers: Record<string, string> = {}, attributes: readonly string[] = ['session']): StreamRequest {
  const query = parseQuery(queryText);
  if (query === null) throw new Error('the query itself is malformed');
  const request = {
    method: 'GET',
    path: '/v1/events',
    pathParameters: {},
    query,
    headers: new Map(Object.entries(headers)),
    remoteAddress: '127.0.0.1',
  };
  return parseStreamRequest(request, attributes, limits, nowMs);
}

function refusal(queryText: string, headers: Record<string, string> = {}): { code: ErrorCode; detail: string } {
  try {
    parse(queryText, headers);
  } catch (error) {
    if (error instanceof RefusedError) return { code: error.code, detail: error.message };
    throw error;
  }
  throw new Error(`${queryText} was not refused`);
}

describe('channels', () => {
  test('come from channel and channels, sorted, each once', () => {
    expect(parse('channel=b&channels=c,a&channel=a').channels).toEqual(['a', 'b', 'c']);
  });

  test('of channel may hold a comma', () => {
    expect(parse('channel=a,b').channels).toEqual(['a,b']);
  });

  test.each(['', 'type=x', 'since=5m'])('none in %j is missing-channel', (query) => {
    expect(refusal(query).code).toBe('missing-channel');
  });

  test.each([
    'channel=',
    'channel',
    'channels=',
    'channels=a,',
    'channel=a%0Ab',
    'channel=a%0Db',
    'channel=a%00b',
    `channel=${'x'.repeat(256)}`,
  ])('%s is no channel', (query) => {
    expect(refusal(query).code).toBe('invalid-channel');
  });

  test('more than one stream takes are refused with the bound, repeats counted once', () => {
    expect(refusal('channels=a,b,c,d,e')).toEqual({
      code: 'too-many-channels',
      detail: '5 channels were named; one stream takes at most 4.',
    });
    expect(parse('channels=a,b,c,d,a,b').channels).toHaveLength(4);
  });
});

describe('parameters', () => {
  test('that nobody knows are named', () => {
    expect(refusal('channel=a&chanel=b')).toEqual({ code: 'unknown-parameter', detail: 'The parameter "chanel" is not known here.' });
    expect(refusal('channel=a&Channel=b').code).toBe('unknown-parameter');
    expect(refusal('channel=a&__proto__=b').code).toBe('unknown-parameter');
    expect(refusal('channel=a&=b').code).toBe('unknown-parameter');
  });

  test('are quoted without line ends and cut', () => {
    const { detail } = refusal(`channel=a&${'x'.repeat(500)}%0D%0Ay`);
    expect(detail).toBe(`The parameter "${'x'.repeat(64)}…" is not known here.`);
    expect(refusal('channel=a&a%0D%0Ab').detail).toBe('The parameter "a\\r\\nb" is not known here.');
  });

  test('given twice where one is meant are refused', () => {
    for (const name of ['since=5m', 'rewind=1', 'wait=1', 'format=json']) {
      expect(refusal(`channel=a&${name}&${name}`).code).toBe('invalid-parameter');
    }
  });

  test.each([
    'rewind=-1',
    'rewind=1.5',
    'rewind=11',
    'rewind=',
    'rewind=1e1',
    'wait=26',
    'wait=abc',
    'wait=9999999999',
    'format=xml',
    'format=',
    'since=soon',
    'since=',
  ])('%s is refused', (query) => {
    const { code, detail } = refusal(`channel=a&${query}`);
    expect(code).toBe('invalid-parameter');
    expect(detail).toContain(query.split('=')[0]);
  });

  test('rewind and wait are whole numbers up to their bounds', () => {
    expect(parse('channel=a&rewind=10&wait=25')).toMatchObject({ rewind: 10, waitMs: 25_000 });
    expect(parse('channel=a')).toMatchObject({ rewind: 0, waitMs: 0, sinceMs: null, position: null });
  });

  test('since is a time', () => {
    expect(parse('channel=a&since=5m').sinceMs).toBe(nowMs - 300_000);
    expect(parse('channel=a&since=2024-08-22T14:30:15%2B02:00').sinceMs).toBe(1_724_329_815_000);
    // A plus sign in a query is a space.
    expect(refusal('channel=a&since=2024-08-22T14:30:15+02:00').code).toBe('invalid-parameter');
  });
});

describe('filters', () => {
  test('of types are lists that may be repeated', () => {
    expect([...(parse('channel=a&type=x,y&type=z').filter.types ?? [])]).toEqual(['x', 'y', 'z']);
    expect([...(parse('channel=a&until=done,failed').filter.until ?? [])]).toEqual(['done', 'failed']);
    expect(parse('channel=a').filter).toEqual({ types: null, attributes: [], until: null });
  });

  test('of declared attributes are exact values', () => {
    expect(parse('channel=a&session=1,2&session=3').filter.attributes).toEqual([['session', new Set(['1,2', '3'])]]);
    expect(() => parse('channel=a&session=1', {}, [])).toThrow(/"session"/);
  });

  test('that are empty or too many are refused', () => {
    expect(refusal('channel=a&type=').code).toBe('invalid-parameter');
    expect(refusal('channel=a&type=x,').code).toBe('invalid-parameter');
    expect(refusal('channel=a&until=').code).toBe('invalid-parameter');
    expect(refusal('channel=a&type=a,b,c,d').detail).toContain('at most 3');
    expect(refusal('channel=a&session=1&session=2&session=3&session=4').detail).toContain('at most 3');
  });
});

describe('the format', () => {
  test.each([
    ['', {}, 'plain'],
    ['', { accept: 'text/event-stream' }, 'plain'],
    ['', { accept: '*/*' }, 'plain'],
    ['', { accept: 'application/json' }, 'json'],
    ['', { accept: 'application/json, text/plain, */*' }, 'json'],
    ['', { accept: 'application/json, text/event-stream' }, 'plain'],
    ['&format=plain', { accept: 'application/json' }, 'plain'],
    ['&format=envelope', {}, 'envelope'],
    ['&format=json', { accept: 'text/event-stream' }, 'json'],
  ])('of %j with %j is %s', (query, headers, format) => {
    expect(parse(`channel=a${query}`, headers as Record<string, string>).format).toBe(format);
  });
});

describe('the position', () => {
  test('is taken from the header, then from each spelling in the query in turn; empty ones do not count', () => {
    const query = 'channel=a&lastEventId=q1&last_event_id=q2&lastEventID=q3';
    expect(parse(query, { 'last-event-id': 'h' }).position).toBe('h');
    expect(parse(query, { 'last-event-id': '' }).position).toBe('q1');
    expect(parse('channel=a&lastEventID=q3&last_event_id=q2').position).toBe('q2');
    expect(parse('channel=a&lastEventID=q3&lastEventId=').position).toBe('q3');
    expect(parse('channel=a&lastEventId=&last_event_id=').position).toBeNull();
  });

  test('given twice in one spelling is the last one: reconnecting-eventsource adds a newer one behind that of the address', () => {
    expect(parse('channel=a&lastEventId=older&lastEventId=newer').position).toBe('newer');
  });
});

test('whatever the query, it is read or refused with a code', () => {
  const names = fc.constantFrom('channel', 'channels', 'type', 'until', 'since', 'rewind', 'format', 'wait', 'lastEventId', 'session', 'x');
  const values = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('a', '1', 'json', '5m'));
  fc.assert(
    fc.property(fc.array(fc.tuple(names, values), { maxLength: 8 }), (pairs) => {
      const query = pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
      try {
        const { channels } = parse(query);
        expect(channels.length).toBeGreaterThan(0);
      } catch (error) {
        expect(error).toBeInstanceOf(RefusedError);
        expect((error as Error).message).not.toMatch(/[\r\n\0]/);
      }
    }),
    { numRuns: 500 },
  );
});
