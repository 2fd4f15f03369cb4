import { expect, test } from 'vitest';
import { boundSockets, readOpenFilesMax } from '../../../src/http/socket-bounds.js';

test('connections are bounded by what is configured while files suffice', () => {
  expect(boundSockets({ socketsMax: 0, streamsMax: 100_000, proxyProtocol: false }, null)).toEqual({
    socketsMax: 111_000,
    streamsMax: 100_000,
    isCut: false,
  });
  expect(boundSockets({ socketsMax: 0, streamsMax: 1_000, proxyProtocol: false }, 20_000)).toEqual({
    socketsMax: 2_100,
    streamsMax: 1_000,
    isCut: false,
  });
  expect(boundSockets({ socketsMax: 500, streamsMax: 1_000, proxyProtocol: false }, 1_024)).toEqual({
    socketsMax: 500,
    streamsMax: 1_000,
    isCut: false,
  });
});

test('where they do not, connections stay below the limit and streams below connections', () => {
  for (const openFilesMax of [40, 256, 1_024, 4_096, 20_000, 110_000]) {
    for (const socketsMax of [0, 109_999]) {
      const bounds = boundSockets({ socketsMax, streamsMax: 100_000, proxyProtocol: false }, openFilesMax);
      expect(bounds.isCut).toBe(true);
      expect(bounds.socketsMax).toBeLessThan(openFilesMax);
      expect(bounds.streamsMax).toBeLessThan(bounds.socketsMax);
      expect(bounds.streamsMax).toBeGreaterThan(openFilesMax / 4);
    }
  }
});

test('behind the entrance of PROXY protocol a connection takes three files', () => {
  const bounds = boundSockets({ socketsMax: 0, streamsMax: 100_000, proxyProtocol: true }, 30_256);
  expect(bounds).toEqual({ socketsMax: 10_000, streamsMax: 9_000, isCut: true });
});

test('the limit of this process is known on Linux', () => {
  if (process.platform === 'linux') expect(readOpenFilesMax() ?? Infinity).toBeGreaterThan(64);
  else expect(readOpenFilesMax()).toBeNull();
});
