import { expect, test } from 'vitest';
import { RouteTable } from '../../../src/http/route-table.js';

const tableOf = (...paths: readonly string[]): RouteTable =>
  new RouteTable(paths.map((path) => ({ name: path, path, handlers: { GET: () => undefined } })));
const found = (table: RouteTable, path: string): unknown => {
  const match = table.find(path);
  return match === null ? null : [match.route.path, { ...match.pathParameters }];
};

const table = tableOf(
  '/',
  '/v1/events',
  '/api/tasks/{task_id}/progress',
  '/api/projects/{project_id}/',
  '/api/projects/{project_id}/stream/',
  '/api/projects/{project_id}/stages/{stage_name}/',
  '/api/projects/{project_id}/stages/{stage_name}/stream/',
  '/api/stream/{channel}',
  '/api/stream/own',
);

test.for([
  ['/', ['/', {}]],
  ['/v1/events', ['/v1/events', {}]],
  ['/api/tasks/t1/progress', ['/api/tasks/{task_id}/progress', { task_id: 't1' }]],
  ['/api/tasks/a%20b/progress', ['/api/tasks/{task_id}/progress', { task_id: 'a b' }]],
  ['/api/tasks/a.b/progress', ['/api/tasks/{task_id}/progress', { task_id: 'a.b' }]],
  ['/api/tasks/gr%C3%B6%C3%9Fe/progress', ['/api/tasks/{task_id}/progress', { task_id: 'größe' }]],
  ['/api/projects/p/', ['/api/projects/{project_id}/', { project_id: 'p' }]],
  ['/api/projects/p/stream/', ['/api/projects/{project_id}/stream/', { project_id: 'p' }]],
  ['/api/projects/p/stages/stream/', ['/api/projects/{project_id}/stages/{stage_name}/', { project_id: 'p', stage_name: 'stream' }]],
  ['/api/projects/p/stages/s/stream/', ['/api/projects/{project_id}/stages/{stage_name}/stream/', { project_id: 'p', stage_name: 's' }]],
] as const)('%s is found', ([path, expected]) => {
  expect(found(table, path)).toEqual(expected);
});

test('a literal goes before a value', () => {
  expect(found(table, '/api/stream/own')).toEqual(['/api/stream/own', {}]);
  expect(found(table, '/api/stream/owner')).toEqual(['/api/stream/{channel}', { channel: 'owner' }]);
});

test('a value is decoded once: what was encoded twice stays encoded', () => {
  expect(found(table, '/api/stream/a%252Fb')).toEqual(['/api/stream/{channel}', { channel: 'a%2Fb' }]);
  expect(found(table, '/api/stream/%252e%252e')).toEqual(['/api/stream/{channel}', { channel: '%2e%2e' }]);
});

test.for([
  ['an encoded slash', '/api/stream/a%2Fb'],
  ['an encoded slash, small', '/api/stream/a%2fb'],
  ['a backslash', '/api/stream/a%5Cb'],
  ['NUL', '/api/stream/a%00'],
  ['a line end', '/api/stream/a%0Ab'],
  ['C1', '/api/stream/a%C2%85'],
  ['one dot', '/api/stream/.'],
  ['two dots', '/api/stream/..'],
  ['encoded dots', '/api/stream/%2e%2e'],
  ['an escape that is malformed', '/api/stream/%zz'],
  ['an escape that is cut', '/api/stream/a%2'],
  ['bytes that are not UTF-8', '/api/stream/%ff'],
  ['an overlong slash', '/api/stream/%c0%af'],
  ['an encoded surrogate', '/api/stream/%ed%a0%80'],
  ['nothing', '/api/stream/'],
  ['an empty segment', '/api//stream/a'],
  ['an empty segment before the end', '/api/projects/p//'],
  ['a slash at the end that is not in the shape', '/api/tasks/t1/progress/'],
  ['no slash at the end that is in the shape', '/api/projects/p'],
  ['an escaped literal', '/api/%73tream/a'],
  ['dots on the way', '/api/x/../stream/a'],
  ['no slash at all', 'api/stream/a'],
  ['a full address', 'http://host/api/stream/a'],
  ['a name that objects have anyway', '/__proto__'],
  ['many segments', '/a'.repeat(4_000)],
] as const)('%s is not found', ([, path]) => {
  expect(found(table, path)).toBeNull();
});

test.for([[['/a/{x}/c', '/a/b/{y}']], [['/a/{x}', '/a/{y}']], [['/a/b', '/a/b']]] as const)(
  '%j are refused together: nothing says which is meant',
  ([paths]) => {
    expect(() => tableOf(...paths)).toThrow('can be the same as');
  },
);

test.for([
  [['/a/{x}/c', '/a/b/c']],
  [['/a/{x}', '/a/b']],
  [['/a/{x}/', '/a/{x}']],
  [['/a/{x}/{y}', '/a/{x}/']],
  [['/a/{x}/b', '/a/{y}/c']],
] as const)('%j stand together', ([paths]) => {
  expect(() => tableOf(...paths)).not.toThrow();
});

test('a way that a literal opens and does not end is gone back', () => {
  const forked = tableOf('/a/b/c', '/a/{x}/d');
  expect(found(forked, '/a/b/d')).toEqual(['/a/{x}/d', { x: 'b' }]);
});

test('allow names the methods that are served', () => {
  expect(table.find('/api/stream/x')?.allow).toBe('GET, OPTIONS');
});
