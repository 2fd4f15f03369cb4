import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseChannelPattern } from '../../../../src/admission/identity/channel-pattern.js';
import type { CallerValues } from '../../../../src/admission/identity/channel-pattern.js';
import { grantOf } from '../../../../src/admission/identity/grants.js';
import { isChannelName } from '../../../../src/protocol/channel-name.js';
import { encodeValue } from '../../../../src/std/percent-encoding.js';
import { pattern } from './identity-fixture.js';

const caller = (subject?: string, claims: Readonly<Record<string, string>> = {}): CallerValues => ({
  subject,
  claim: (name) => claims[name],
});
const allowed = (text: string, values: CallerValues, channel: string): boolean => grantOf([pattern(text)], values).allows(channel);

test.each<[string, string[], string[]]>([
  ['news', ['news'], ['news.x', 'New', 'news.', '', 'new']],
  ['task.*', ['task.1', 'task.a%2Eb'], ['task', 'task.', 'task.1.2', 'task-1']],
  ['task.*.log', ['task.1.log'], ['task..log', 'task.1.2.log', 'task.1']],
  ['project.**', ['project.1', 'project.1.stage.x'], ['project', 'projects.1', 'project']],
  ['**', ['a', 'a.b', 'user.bob.inbox'], []],
  ['*.**', ['a.b', 'a.b.c'], ['a', '.b']],
  ['ai:project:{sub}/x', ['ai:project:alice/x'], ['ai:project:bob/x', 'ai:project:alice']],
  ['{claim:a.b}', ['team'], ['a', 'b']],
  ['{claim:https://x.example/y}.*', ['url.1'], ['url']],
  ['{claim:absent}.**', [], ['.x', 'undefined.x', 'absent.x', 'x']],
])('%s', (text, yes, no) => {
  const values = caller('alice', { 'a.b': 'team', 'https://x.example/y': 'url' });
  for (const channel of yes) expect([channel, allowed(text, values, channel)]).toEqual([channel, true]);
  for (const channel of no) expect([channel, allowed(text, values, channel)]).toEqual([channel, false]);
});

test.each([
  '',
  'task-*',
  '*-x',
  'a.**.b',
  '***',
  'a..b',
  '.a',
  'a.',
  '{',
  '{sub',
  'sub}',
  '{Sub}',
  '{claim:}',
  '{claim:a{b}}',
  '{sub}{claim:a}',
  '{sub}-{claim:a}',
  'a\nb',
  'x'.repeat(600),
])('the pattern %j is refused, without a quote of it', (text) => {
  const parsed = parseChannelPattern(text);
  expect(parsed.kind).toBe('problem');
  if (parsed.kind === 'problem' && text.length > 6) expect(parsed.problem).not.toContain(text);
});

describe('a value of the caller gains nothing', () => {
  // What an attacker would choose: separators, wildcards, placeholders, escapes, other people's names, any Unicode.
  const hostile = fc.oneof(
    fc.constantFrom(
      'a.b',
      '**',
      '*',
      '.',
      '..',
      '{sub}',
      '{claim:x}',
      '%2E',
      'bob',
      'bob.inbox',
      '%',
      'ａlice',
      'alice\u0000',
      '\ud800',
      '',
    ),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.string({ unit: fc.constantFrom('.', '*', '%', '2', 'E', '{', '}', 'a'), maxLength: 12 }),
  );

  test('with {sub} somebody touches exactly what is encoded as theirs', () => {
    fc.assert(
      fc.property(hostile, hostile, fc.string({ maxLength: 10 }), (mine, theirs, rest) => {
        const grant = grantOf([pattern('user.{sub}.**')], caller(mine));
        const encoded = encodeValue(theirs);
        fc.pre(encoded !== undefined && encoded !== '');
        expect(grant.allows(`user.${encoded ?? ''}.${rest}x`)).toBe(mine === theirs);
      }),
      { numRuns: 2_000 },
    );
  });

  test('and one segment stays one segment', () => {
    fc.assert(
      fc.property(
        hostile,
        fc.array(fc.constantFrom('user', 'bob', 'inbox', '*', '**', 'a', 'b', ''), { maxLength: 6 }),
        (mine, segments) => {
          const grant = grantOf([pattern('user.{sub}'), pattern('team.{claim:team}.inbox')], caller(mine, { team: mine }));
          const channel = segments.join('.');
          fc.pre(isChannelName(channel));
          if (grant.allows(channel))
            expect([`user.${encodeValue(mine) ?? ''}`, `team.${encodeValue(mine) ?? ''}.inbox`]).toContain(channel);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('a caller without the value gets nothing by the pattern', () => {
    const grant = grantOf([pattern('user.{sub}.**'), pattern('{claim:team}'), pattern('news')], caller());
    expect(['user..x', 'user.undefined.x', 'undefined', 'news'].map((channel) => grant.allows(channel))).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });
});
