import { expect, test } from 'vitest';
import { parseRedisUrl } from '../../../src/redis/redis-connection-options.js';

test.each([
  ['redis://localhost', { kind: 'single', nodes: [{ host: 'localhost', port: 6379 }] }],
  ['redis://:p%40ss@r:7000/2', { kind: 'single', nodes: [{ host: 'r', port: 7000 }], password: 'p@ss', database: 2 }],
  [
    'rediss://user:pw@r.example:6380',
    { kind: 'single', nodes: [{ host: 'r.example', port: 6380 }], username: 'user', password: 'pw', tls: {} },
  ],
  ['redis://[::1]:6379/', { kind: 'single', nodes: [{ host: '::1', port: 6379 }] }],
  [
    'redis+sentinel://:pw@s1:1,s2/main/3',
    {
      kind: 'sentinel',
      nodes: [
        { host: 's1', port: 1 },
        { host: 's2', port: 26379 },
      ],
      masterName: 'main',
      password: 'pw',
      database: 3,
    },
  ],
  [
    'rediss+cluster://a:1,b:2',
    {
      kind: 'cluster',
      nodes: [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
      ],
      tls: {},
    },
  ],
])('%s is read', (url, options) => {
  expect(parseRedisUrl(url)).toEqual(options);
});

test.each([
  'localhost:6379',
  'http://r',
  'redis://',
  'redis://a,b',
  'redis://r:0',
  'redis://r:99999',
  'redis://r/x',
  'redis://r/1/2',
  'redis+sentinel://s1',
  'redis+cluster://a/1',
  'redis://u:%zz@r',
  'redis+foo://r',
])('%s is refused without quoting it', (url) => {
  expect(() => parseRedisUrl(url)).toThrow(RangeError);
  let message = '';
  try {
    parseRedisUrl(url.replace('://', '://u:secret@'));
  } catch (error) {
    message = String(error);
  }
  expect(message).not.toContain('secret');
});
