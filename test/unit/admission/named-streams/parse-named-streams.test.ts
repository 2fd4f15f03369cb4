import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseNamedStreams } from '../../../../src/admission/named-streams/parse-named-streams.js';
import { loadConfig } from '../../../../src/config/load-config.js';
import { ConfigError } from '../../../../src/config/config-error.js';

const base = { name: 'tasks', path: '/tasks/{task_id}', channels: 'task.{task_id}' };
const problemsOf = (...streams: readonly unknown[]): Record<string, string> => {
  const parsed = parseNamedStreams(streams);
  return parsed.kind === 'streams' ? {} : Object.fromEntries(parsed.problems.map(({ path, message }) => [path, message]));
};

test('the shipped file is a configuration, and has every address that was promised', () => {
  const config = loadConfig({ SELVAGE_CONFIG: 'deploy/streams.yaml' }, (path) => readFileSync(path, 'utf8'), 'n');
  expect(config.streams.flatMap(({ shapes }) => shapes.map(({ text }) => text)).sort()).toEqual([
    '/api/v1/conversations/{thread_id}/stream',
    '/api/v1/sse/broadcast',
    '/api/v1/sse/projects/{project_id}/',
    '/api/v1/sse/projects/{project_id}/stages/{stage_name}/',
    '/api/v1/sse/projects/{project_id}/stages/{stage_name}/stream/',
    '/api/v1/sse/projects/{project_id}/stream/',
    '/api/v1/sse/stream/{channel}',
    '/api/v1/sse/tasks/{task_id}/progress',
    '/api/v1/training/{digital_human_id}/stream',
  ]);
});

test('what is not said is the safe choice', () => {
  const parsed = parseNamedStreams([base]);
  expect(parsed.kind === 'streams' && parsed.streams[0]).toMatchObject({
    auth: 'required',
    permission: 'token',
    until: null,
    allowQuery: [],
    format: 'plain',
    maxAgeMs: null,
  });
});

test('without streams there are none', () => {
  expect(parseNamedStreams(undefined)).toEqual({ kind: 'streams', streams: [] });
});

test.for([
  ['an unknown field, with what was probably meant', { ...base, chanels: [] }, 'streams[0].chanels', /did you mean channels/],
  ['no name', { ...base, name: undefined }, 'streams[0].name', /is missing/],
  ['a name with blanks', { ...base, name: 'a b' }, 'streams[0].name', /must be/],
  ['no path', { ...base, path: undefined }, 'streams[0].path', /is missing/],
  ['path and paths', { ...base, paths: ['/a'] }, 'streams[0].path', /beside paths/],
  ['a path without a slash', { ...base, path: 'tasks/{task_id}' }, 'streams[0].path', /begin with a slash/],
  ['an empty segment', { ...base, path: '/a//{task_id}' }, 'streams[0].path', /empty segment/],
  ['a value in the middle of a segment', { ...base, path: '/a-{task_id}' }, 'streams[0].path', /a segment is/],
  ['a value twice', { ...base, path: '/{task_id}/{task_id}' }, 'streams[0].path', /twice/],
  ['dots', { ...base, path: '/a/../{task_id}' }, 'streams[0].path', /a segment is/],
  ["an address of the fabric's own", { ...base, path: '/v1/{task_id}' }, 'streams[0].path', /own/],
  ['no channels', { ...base, channels: undefined }, 'streams[0].channels', /is missing/],
  ['a value that is not in the address', { ...base, channels: ['task.{id}'] }, 'streams[0].channels[0]', /\{task_id\}, \{sub\}/],
  ['an open brace', { ...base, channels: ['task.{task_id'] }, 'streams[0].channels[0]', /other half/],
  ['the time in a channel', { ...base, channels: ['task.{now}'] }, 'streams[0].channels[0]', /no time/],
  ['the caller where nobody need be one', { ...base, auth: 'optional', channels: ['u.{sub}'] }, 'streams[0].channels[0]', /auth: required/],
  ['a claim where nobody need have one', { ...base, auth: 'none', channels: ['u.{claim:x}'] }, 'streams[0].channels[0]', /auth: required/],
  ['an unknown permission', { ...base, permission: 'all' }, 'streams[0].permission', /one of token, hook, none/],
  ['unknown without a hook', { ...base, unknown: { answer: 'event' } }, 'streams[0].unknown', /permission: hook/],
  ['an unknown answer', { ...base, permission: 'hook', unknown: { answer: 500 } }, 'streams[0].unknown.answer', /404 or event/],
  ['a greeting without a type', { ...base, greeting: { data: {} } }, 'streams[0].greeting.type', /is missing/],
  ["a greeting of the fabric's own type", { ...base, greeting: { type: 'selvage.gap' } }, 'streams[0].greeting.type', /not beginning/],
  ['data that is no object', { ...base, greeting: { type: 'a', data: 'x' } }, 'streams[0].greeting.data', /object/],
  [
    'data with a value that is not there',
    { ...base, greeting: { type: 'a', data: { x: '{y}' } } },
    'streams[0].greeting.data.x',
    /no value/,
  ],
  ['a heartbeat without its time', { ...base, heartbeat: { type: 'a' } }, 'streams[0].heartbeat.everySeconds', /is missing/],
  ['a time-out of nothing', { ...base, timeout: { type: 'a', seconds: 0 } }, 'streams[0].timeout.seconds', /from 1/],
  ['two beginnings', { ...base, state: 'latest', rewind: 3 }, 'streams[0].rewind', /one way/],
  ['a rewind to nothing', { ...base, rewind: {} }, 'streams[0].rewind.to', /is missing/],
  ['no terminal type', { ...base, until: [] }, 'streams[0].until', /empty list/],
  ['a channel as an allowed parameter', { ...base, allowQuery: ['channel'] }, 'streams[0].allowQuery[0]', /not one of a channel/],
] as const)('%s is refused with its path', ([, stream, path, message]) => {
  expect(problemsOf(stream)[path]).toMatch(message);
});

test('spellings of one stream must have the same values', () => {
  expect(problemsOf({ ...base, path: undefined, paths: ['/a/{task_id}', '/b/{id}'] })).toHaveProperty(['streams[0].paths[1]']);
});

test('streams that one address could mean are refused, and say which', () => {
  const other = { ...base, name: 'other', path: '/tasks/{id}', channels: 'x' };
  expect(problemsOf(base, other)['streams[1].path']).toBe('can be the same address as streams[0].path (/tasks/{task_id})');
  expect(problemsOf(base, { ...other, path: '/tasks/all' })).toEqual({});
});

test('two streams cannot have one name', () => {
  expect(problemsOf(base, { ...base, path: '/other/{task_id}' })).toHaveProperty(['streams[1].name']);
});

test.for([
  ['a hook that is nowhere', { ...base, permission: 'hook' }, 'streams[0].permission'],
  ['a state that no route keeps', { ...base, state: 'latest' }, 'streams[0].state'],
] as const)('the configuration refuses %s', ([, stream, path]) => {
  const load = (): unknown => loadConfig({ SELVAGE_CONFIG: 'f' }, () => JSON.stringify({ streams: [stream] }), 'n');
  expect(load).toThrow(ConfigError);
  try {
    load();
  } catch (error) {
    expect((error as ConfigError).problems.map((problem) => problem.path)).toContain(path);
  }
});
