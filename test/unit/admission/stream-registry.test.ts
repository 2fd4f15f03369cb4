import { expect, test } from 'vitest';
import type { Principal } from '../../../src/admission/principal.js';
import { isStreamId, StreamRegistry } from '../../../src/admission/stream-registry.js';
import type { StreamRenewal } from '../../../src/admission/stream-registry.js';
import type { TokenFacts } from '../../../src/admission/revocation/revocation.js';
import { silentLogger } from '../../../src/telemetry/silent-logger.js';
import { SimEnvironment } from '../../simulation/sim-environment.js';

const none = { allows: () => false };

function principalOf(fields: Partial<Principal> = {}): Principal {
  return {
    subject: 'alice',
    tenant: null,
    tokenId: 't1',
    issuedAtMs: 1_000,
    expiresAtMs: null,
    via: 'bearer',
    claims: {},
    read: none,
    publish: none,
    ...fields,
  };
}

function makeRegistry(isRevoked: (token: TokenFacts) => boolean = () => false) {
  const environment = new SimEnvironment(() => 0.5);
  const registry = new StreamRegistry({
    environment,
    logger: silentLogger,
    isRevoked,
    renewedPrincipal: ({ tokenId, issuedAtMs, expiresAtMs, claims }, present) => {
      const { tenant } = claims;
      return { ...present, tokenId, issuedAtMs, expiresAtMs, claims, tenant: typeof tenant === 'string' ? tenant : null };
    },
  });
  const closed: string[] = [];
  const renewed: string[] = [];
  const open = (id: string, principal: Partial<Principal> = {}, channels = ['news'], openedAtMs = environment.nowMs) => {
    const remove = registry.add({
      id,
      principal: principalOf(principal),
      channels,
      openedAtMs,
      control: {
        close: (code) => {
          closed.push(`${id} ${code}`);
          remove();
        },
        renew: ({ tokenId }) => renewed.push(`${id} ${tokenId}`),
        state: 'live',
      },
    });
    return remove;
  };
  return { environment, registry, closed, renewed, open };
}

const renewal = (fields: Partial<StreamRenewal> = {}): StreamRenewal => ({
  streamId: 'stream-1',
  subject: 'alice',
  tokenId: 't2',
  issuedAtMs: 2_000,
  expiresAtMs: null,
  claims: {},
  ...fields,
});

test('every field that is given must match', async () => {
  const { environment, registry, closed, open } = makeRegistry();
  open('stream-a', { subject: 'alice', tokenId: 't1' }, ['news', 'chat']);
  open('stream-b', { subject: 'alice', tokenId: 't2' }, ['news']);
  open('stream-c', { subject: 'bob', tokenId: 't3' }, ['chat']);
  open('stream-d', { subject: null, tokenId: null, issuedAtMs: null }, ['chat']);
  const atMs = environment.nowMs;
  registry.disconnect({ subject: 'bob', tokenId: 't1', atMs });
  registry.disconnect({ subject: 'alice', channel: 'sport', atMs });
  registry.disconnect({ atMs });
  await environment.settle();
  expect(closed).toEqual([]);
  registry.disconnect({ subject: 'alice', channel: 'chat', atMs });
  expect(closed).toEqual(['stream-a revoked']);
  registry.disconnect({ tokenId: 't2', atMs });
  expect(closed).toEqual(['stream-a revoked', 'stream-b revoked']);
  registry.disconnect({ channel: 'chat', atMs });
  await environment.settle();
  expect(closed.slice(2)).toEqual(['stream-c revoked', 'stream-d revoked']);
  expect(registry.size).toBe(0);
});

test('a stream of a token that was issued after the command goes on', () => {
  const { environment, registry, closed, open } = makeRegistry();
  open('stream-old', { issuedAtMs: environment.nowMs - 5_000 });
  open('stream-new', { issuedAtMs: environment.nowMs + 1_000 });
  open('stream-unknown', { issuedAtMs: null });
  registry.disconnect({ subject: 'alice', atMs: environment.nowMs });
  expect(closed).toEqual(['stream-old revoked', 'stream-unknown revoked']);
});

test('a command that comes late spares what was opened since', async () => {
  const { environment, registry, closed, open } = makeRegistry();
  open('stream-old', { subject: null, tokenId: null }, ['news'], environment.nowMs - 600_000);
  open('stream-new', { subject: null, tokenId: null }, ['news'], environment.nowMs);
  registry.disconnect({ channel: 'news', atMs: environment.nowMs - 300_000 });
  await environment.settle();
  expect(closed).toEqual(['stream-old revoked']);
});

test('a stream whose token was revoked while it was being admitted is closed in the next turn', async () => {
  const { environment, closed, open } = makeRegistry(({ tokenId }) => tokenId === 'bad');
  open('stream-good');
  open('stream-bad1', { tokenId: 'bad' });
  expect(closed).toEqual([]);
  await environment.settle();
  expect(closed).toEqual(['stream-bad1 revoked']);
});

test('channels are looked for in slices, several at once, and streams that come and go meanwhile change nothing', async () => {
  const { environment, registry, closed, open } = makeRegistry();
  const removes = [...Array(5_000).keys()].map((i) => open(`stream-${i}`, { subject: `u${i}`, tokenId: `t${i}` }, [`c${i % 10}`]));
  let turns = 0;
  const soon = environment.timers.soon;
  environment.timers.soon = (callback) => {
    turns++;
    soon(callback);
  };
  for (let i = 0; i < 5; i++) registry.disconnect({ channel: `c${i}`, atMs: environment.nowMs });
  for (let i = 0; i < 5_000; i += 7) removes[i]?.();
  for (let i = 0; i < 3_000; i++) open(`later-stream-${i}`, { subject: `v${i}`, tokenId: `w${i}` }, ['c9']);
  expect(closed).toEqual([]);
  await environment.settle();
  const expected = [...Array(5_000).keys()].filter((i) => i % 7 !== 0 && i % 10 < 5).map((i) => `stream-${i} revoked`);
  expect(closed).toEqual(expected);
  expect(turns).toBeLessThan(12);
});

test('the streams that made room are ended as replaced; unknown ones are nobody’s business', () => {
  const { registry, closed, open } = makeRegistry();
  open('stream-1');
  open('stream-2');
  registry.evict({ streamIds: ['stream-2', 'stream-9'] });
  expect(closed).toEqual(['stream-2 replaced']);
});

test('a stream that has to make room before it is here goes when it is here', async () => {
  const { environment, registry, closed, open } = makeRegistry();
  registry.evict({ streamIds: ['stream-1', 'stream-2'] });
  open('stream-1');
  open('stream-3');
  expect(closed).toEqual([]);
  await environment.advance(1);
  expect(closed).toEqual(['stream-1 replaced']);
});

test('a renewal is for the same subject, a newer token, one that is neither over nor revoked', () => {
  const { environment, registry, renewed, open } = makeRegistry(({ tokenId }) => tokenId === 'bad');
  open('stream-1', { issuedAtMs: 1_500 });
  expect(registry.renew(renewal({ streamId: 'stream-x' }))).toBe(false);
  expect(registry.renew(renewal({ subject: 'bob' }))).toBe(false);
  expect(registry.renew(renewal({ issuedAtMs: 1_400 }))).toBe(false);
  expect(registry.renew(renewal({ tokenId: 'bad' }))).toBe(false);
  expect(registry.renew(renewal({ expiresAtMs: environment.nowMs }))).toBe(false);
  expect(registry.renew(renewal({ claims: { tenant: 'acme' } }))).toBe(false);
  expect(renewed).toEqual([]);
  expect(registry.renew(renewal())).toBe(true);
  expect(renewed).toEqual(['stream-1 t2']);
});

test('a renewed stream is found by its new token and no longer by the old one', () => {
  const { environment, registry, closed, open } = makeRegistry();
  const atMs = environment.nowMs;
  open('stream-1');
  registry.renew(renewal());
  registry.disconnect({ tokenId: 't1', atMs });
  expect(closed).toEqual([]);
  registry.disconnect({ tokenId: 't2', atMs });
  expect(closed).toEqual(['stream-1 revoked']);
  expect(registry.listOf('alice', 10)).toEqual({ streams: [], total: 0 });
});

test('the streams of a subject are listed without anything that opens doors', () => {
  const { environment, registry, open } = makeRegistry();
  open('stream-1', { expiresAtMs: environment.nowMs + 5_000 }, ['a', 'b'], environment.nowMs - 100);
  open('stream-2');
  open('stream-3', { subject: 'bob' });
  expect(registry.listOf('alice', 1)).toEqual({
    streams: [{ id: 'stream-1', channels: 2, ageMs: 100, via: 'bearer', expiresInMs: 5_000, state: 'live' }],
    total: 2,
  });
});

test('what can be the id of a stream', () => {
  expect(['stream-1', 'A0._~-xx', 'x'.repeat(64)].map(isStreamId)).toEqual([true, true, true]);
  expect(['short', 'x'.repeat(65), 'with space', 'slash/slash', 'new\nline1'].map(isStreamId)).toEqual(Array(5).fill(false));
});
