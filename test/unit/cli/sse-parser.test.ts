import { expect, test } from 'vitest';
import { SseParser } from '../../../src/cli/tail/sse-parser.js';
import type { SseEvent } from '../../../src/cli/tail/sse-parser.js';

function parse(chunks: readonly string[]): { events: SseEvent[]; retries: number[] } {
  const events: SseEvent[] = [];
  const retries: number[] = [];
  const parser = new SseParser({ onEvent: (event) => events.push(event), onRetry: (retryMs) => retries.push(retryMs) });
  for (const chunk of chunks) parser.push(chunk);
  return { events, retries };
}

const stream =
  'retry: 1868\n:\nevent: progress\ndata: {"done":60}\nid: 1ne7i.9olqb-4-0-2\n\n:\ndata: two\ndata:  lines\nid: a\n\nid: alone\n\ndata\n\n';
const events = [
  { type: 'progress', data: '{"done":60}', id: '1ne7i.9olqb-4-0-2' },
  { type: 'message', data: 'two\n lines', id: 'a' },
  { type: 'message', data: '', id: null },
];

test.each(['\n', '\r', '\r\n'])('a stream is read whatever ends its lines (%j) and wherever it is cut', (lineEnd) => {
  const text = stream.replaceAll('\n', lineEnd);
  expect(parse([text])).toEqual({ events, retries: [1868] });
  expect(parse([...text])).toEqual({ events, retries: [1868] });
  for (let at = 1; at < text.length; at++) expect(parse([text.slice(0, at), text.slice(at)])).toEqual({ events, retries: [1868] });
});

test('an event that is cut off is not had, nor is its id', () => {
  expect(parse(['data: whole\nid: 1\n\ndata: half\nid: 2\n']).events).toEqual([{ type: 'message', data: 'whole', id: '1' }]);
});

test('a byte order mark is dropped, an id with NUL ignored, a retry that is no number too', () => {
  const { events: found, retries } = parse(['\ufeffdata: x\nid: a\u0000b\nretry: soon\nretry: 9999999999999\n\n']);
  expect(found).toEqual([{ type: 'message', data: 'x', id: null }]);
  expect(retries).toEqual([]);
});
