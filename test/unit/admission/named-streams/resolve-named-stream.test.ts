import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { NamedStream } from '../../../../src/admission/named-streams/named-stream.js';
import { parseNamedStreams } from '../../../../src/admission/named-streams/parse-named-streams.js';
import { resolveNamedStream, type StreamResolution } from '../../../../src/admission/named-streams/resolve-named-stream.js';
import type { Principal } from '../../../../src/admission/principal.js';

function streamOf(fields: object): NamedStream {
  const parsed = parseNamedStreams([{ name: 's', path: '/a/{x}', channels: 'c.{x}', ...fields }]);
  if (parsed.kind === 'problems') throw new Error(JSON.stringify(parsed.problems));
  return parsed.streams[0] as NamedStream;
}

const principalOf = (subject: string | null, reads: readonly string[] = [], claims: Record<string, unknown> = {}): Principal => ({
  subject,
  tenant: null,
  tokenId: null,
  issuedAtMs: null,
  expiresAtMs: null,
  via: subject === null ? 'anonymous' : 'bearer',
  claims,
  read: { allows: (channel) => reads.includes(channel) },
  publish: { allows: () => false },
});

const channelsOf = (resolution: StreamResolution): readonly string[] | string =>
  resolution.kind === 'resolved' ? resolution.resolved.channels : resolution.refusal.code;

const own = streamOf({ path: '/stream/{channel}', channels: 'user.{sub}.{channel}', permission: 'none' });

test("the caller's own channel is chosen by path and caller", () => {
  expect(channelsOf(resolveNamedStream(own, { channel: 'news' }, principalOf('ada')))).toEqual(['user.ada.news']);
});

test.for([
  ['a.b', 'user.a%2Eb.news'],
  ['**', 'user.%2A%2A.news'],
  ['a/../b', 'user.a%2F%2E%2E%2Fb.news'],
  ['{sub}', 'user.%7Bsub%7D.news'],
  ['%2E', 'user.%252E.news'],
] as const)('the subject %s gains nothing', ([subject, channel]) => {
  expect(channelsOf(resolveNamedStream(own, { channel: 'news' }, principalOf(subject)))).toEqual([channel]);
});

test('no two pairs of caller and value share a channel', () => {
  const name = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' });
  fc.assert(
    fc.property(name, name, name, name, (subjectA, valueA, subjectB, valueB) => {
      const a = channelsOf(resolveNamedStream(own, { channel: valueA }, principalOf(subjectA)));
      const b = channelsOf(resolveNamedStream(own, { channel: valueB }, principalOf(subjectB)));
      if (subjectA === subjectB && valueA === valueB) expect(a).toEqual(b);
      else if (Array.isArray(a) && Array.isArray(b)) expect(a).not.toEqual(b);
    }),
  );
});

test('an address that needs a caller refuses one who has not said who it is', () => {
  expect(resolveNamedStream(own, { channel: 'x' }, principalOf(null))).toMatchObject({
    kind: 'refused',
    refusal: { code: 'token-missing', headers: { 'WWW-Authenticate': 'Bearer realm="selvage"' } },
  });
});

test('a token reads what it may, and is told what it may not', () => {
  const stream = streamOf({ channels: ['c.{x}', 'd.{x}'] });
  expect(channelsOf(resolveNamedStream(stream, { x: '1' }, principalOf('ada', ['c.1', 'd.1'])))).toEqual(['c.1', 'd.1']);
  expect(resolveNamedStream(stream, { x: '1' }, principalOf('ada', ['c.1']))).toMatchObject({
    refusal: { code: 'channel-forbidden', detail: 'May not be read: d.1.' },
  });
});

test('somebody anonymous reads what is open, and is asked for a token for the rest', () => {
  const stream = streamOf({ auth: 'optional' });
  expect(channelsOf(resolveNamedStream(stream, { x: '1' }, principalOf(null, ['c.1'])))).toEqual(['c.1']);
  expect(channelsOf(resolveNamedStream(stream, { x: '2' }, principalOf(null, ['c.1'])))).toBe('token-missing');
});

test('a claim names a channel, and is refused where the token has none that can', () => {
  const stream = streamOf({ channels: 'org.{claim:org}', permission: 'none' });
  expect(channelsOf(resolveNamedStream(stream, { x: '1' }, principalOf('ada', [], { org: 'a.b' })))).toEqual(['org.a%2Eb']);
  for (const org of [undefined, null, '', {}, ['x'], 1.5, '\ud800']) {
    expect(channelsOf(resolveNamedStream(stream, { x: '1' }, principalOf('ada', [], { org })))).toBe('channel-forbidden');
  }
});

test('an address that makes a channel too long is refused', () => {
  const stream = streamOf({ permission: 'none' });
  expect(channelsOf(resolveNamedStream(stream, { x: 'ä'.repeat(100) }, principalOf('ada')))).toBe('invalid-channel');
});

test('data of events has values as they are, and the time of sending', () => {
  const data = { channel: '{x}', who: '{sub}', at: '{now}', list: ['{x}!', 1, null, true], nested: { y: 'plain' } };
  const stream = streamOf({ permission: 'none', greeting: { type: 'connected', data } });
  const resolution = resolveNamedStream(stream, { x: 'a.b"' }, principalOf('ada'));
  expect(resolution.kind === 'resolved' && resolution.resolved.greeting?.data(0)).toEqual({
    channel: 'a.b"',
    who: 'ada',
    at: '1970-01-01T00:00:00.000Z',
    list: ['a.b"!', 1, null, true],
    nested: { y: 'plain' },
  });
});

test('a name that objects have anyway is no value', () => {
  const stream = streamOf({ path: '/a/{constructor}', channels: 'c.{constructor}', permission: 'none' });
  expect(channelsOf(resolveNamedStream(stream, {}, principalOf('ada')))).toBe('channel-forbidden');
});
