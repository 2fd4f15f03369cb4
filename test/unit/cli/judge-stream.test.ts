import { expect, test } from 'vitest';
import { judgeBegin, judgeHold } from '../../../src/cli/doctor/judge-stream.js';
import type { Probe } from '../../../src/cli/doctor/probe-stream.js';

const frame = { atMs: 12, text: 'retry: 2000\n:\nevent: selvage.position\ndata: {}\nid: 1abcd.0t7q2-1-0-0\n\n' };
const headers = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store, no-transform', 'x-request-id': 'r1' };
const fine: Probe = { status: 200, headers, headMs: 10, chunks: [frame], endedMs: null, error: null };
const about = { requestId: 'r1', channel: 'demo' };
const levels = (probe: Partial<Probe>): readonly string[] => judgeBegin({ ...fine, ...probe }, about).findings.map(({ level }) => level);
const failure = (probe: Partial<Probe>): string =>
  judgeBegin({ ...fine, ...probe }, about).findings.find(({ level }) => level === 'fail')?.what ?? '';

test('a stream that comes as it was sent has nothing to tell', () => {
  expect(levels({})).toEqual(['ok', 'ok']);
});

test.each<[string, Partial<Probe>, string]>([
  ['nothing comes', { status: null, headMs: null, chunks: [] }, 'no answer within 10 s'],
  ['the head comes alone', { chunks: [] }, 'buffers streams'],
  ['the first frame is held back', { chunks: [{ ...frame, atMs: 6_000 }] }, 'in front buffers'],
  ['it is compressed', { headers: { ...headers, 'content-encoding': 'gzip' } }, 'compresses streams (gzip)'],
  ['it may be cached', { headers: { ...headers, 'cache-control': 'max-age=60' } }, 'Cache-Control does not come through'],
  ['it is a page', { headers: { 'content-type': 'text/html' } }, 'not an event stream'],
  ['it is refused', { status: 403, chunks: [{ atMs: 1, text: '{"detail":"no"}' }] }, 'is answered 403 (no)'],
  [
    'it is closed at once',
    { chunks: [{ atMs: 1, text: 'event: selvage.close\ndata: {"code":"not-ready"}\n\n' }] },
    'closed at once: not-ready',
  ],
])('it fails when %s', (_, probe, what) => {
  expect(failure(probe)).toContain(what);
});

test('it is worth a word when no-transform or the request id is gone', () => {
  expect(levels({ headers: { ...headers, 'cache-control': 'no-store' } })).toEqual(['ok', 'warn']);
  expect(levels({ headers: { ...headers, 'x-request-id': 'another' } })).toEqual(['ok', 'warn']);
});

const beat = (atMs: number) => ({ atMs, text: ':\n' });
const held = (probe: Partial<Probe>, holdMs = 35_000) => judgeHold({ ...fine, ...probe }, 15_000, holdMs)[0];

test('a quiet stream must be kept, with keep-alives', () => {
  expect(held({ chunks: [frame, beat(15_000), beat(30_000)] })).toMatchObject({ level: 'ok' });
  // One is left out where something was sent since the last.
  expect(held({ chunks: [frame, beat(29_900)] })).toMatchObject({ level: 'ok' });
  expect(held({})).toMatchObject({ level: 'fail', what: expect.stringContaining('no keep-alive') as string });
  expect(held({}, 10_000)).toMatchObject({ level: 'ok', mend: expect.stringContaining('--hold') as string });
  expect(held({ endedMs: 15_010 })).toMatchObject({ level: 'fail', mend: expect.stringContaining('Envoy route timeout 0s') as string });
  const closed = { atMs: 500, text: 'event: selvage.close\ndata: {"code":"draining","reconnect":"resume","retryMs":1}\n\n' };
  expect(held({ chunks: [frame, closed], endedMs: 510 })).toMatchObject({
    level: 'warn',
    what: expect.stringContaining('draining') as string,
  });
});
