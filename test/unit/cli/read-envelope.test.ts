import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readEnvelope } from '../../../src/cli/tail/read-envelope.js';

const time = '2026-11-21T11:35:58.260Z';

test('data keep their digits and spaces', () => {
  const text = `{"channel":"task.7","type":"progress","time":"${time}","data":{"n": 12345678901234567890}}`;
  expect(readEnvelope('progress', text)).toEqual({ channels: ['task.7'], type: 'progress', time, dataJson: '{"n": 12345678901234567890}' });
});

test('no channel or type can pose as the data', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.jsonValue(), (tail, type, data) => {
      const channel = `x","data":${tail}`;
      const text = JSON.stringify({ channel, channels: [channel, 'b'], type, time, data });
      expect(readEnvelope(type, text)).toEqual({ channels: [channel, 'b'], type, time, dataJson: JSON.stringify(data) });
    }),
  );
});

test('what is no envelope is data of its own: the greeting of a named stream, text, JSON without a channel', () => {
  expect(readEnvelope('connected', '{"hello":1}')).toEqual({ channels: [], type: 'connected', time: null, dataJson: '{"hello":1}' });
  expect(readEnvelope('message', 'plain')).toEqual({ channels: [], type: 'message', time: null, dataJson: '"plain"' });
});
