import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RevocationList } from '../../../../src/admission/revocation/revocation-list.js';
import { refuses } from '../../../../src/admission/revocation/revocation.js';
import type { Revocation, TokenFacts } from '../../../../src/admission/revocation/revocation.js';
import { noMetrics } from '../../../../src/telemetry/no-metrics.js';

const hourMs = 3_600_000;
const secondMs = 1_000;
const startMs = 1_700_000_000_400;

function makeList(entriesMax = 100) {
  const state = { nowMs: startMs, held: 0, widened: 0 };
  const metrics = { ...noMetrics, revocationsHeld: (count: number) => (state.held = count), revocationsWidened: () => state.widened++ };
  const list = new RevocationList({ entriesMax, tokenLifetimeMs: hourMs }, { nowMs: () => state.nowMs, tickMs: () => 0 }, metrics);
  const revoke = (what: Pick<Revocation, 'subject' | 'tokenId'>): void =>
    list.add({ ...what, atMs: state.nowMs, untilMs: state.nowMs + hourMs });
  return { list, state, revoke };
}

/** As an issuer writes it: whole seconds, rounded down. */
const issuedAt = (ms: number): number => Math.floor(ms / secondMs) * secondMs;

const token = (fields: Partial<TokenFacts> = {}): TokenFacts => ({
  subject: 'alice',
  tokenId: 't1',
  issuedAtMs: startMs - 60_000,
  ...fields,
});

test('a token that is named is refused until it has expired, others of its subject are not', () => {
  const { list, state, revoke } = makeList();
  revoke({ tokenId: 't1' });
  expect(list.isRevoked(token())).toBe(true);
  expect(list.isRevoked(token({ issuedAtMs: startMs + 5_000 }))).toBe(true);
  expect(list.isRevoked(token({ tokenId: 't2' }))).toBe(false);
  state.nowMs += hourMs - 1;
  expect(list.isRevoked(token())).toBe(true);
  state.nowMs += 1;
  expect(list.isRevoked(token())).toBe(false);
  list.expire();
  expect([list.size, state.held]).toEqual([0, 0]);
});

test('a token that is named together with another subject is not refused', () => {
  const { list, revoke } = makeList();
  revoke({ tokenId: 't1', subject: 'bob' });
  expect(list.isRevoked(token())).toBe(false);
  expect(list.isRevoked(token({ subject: 'bob' }))).toBe(true);
  expect(list.isRevoked(token({ subject: 'bob', tokenId: 't2' }))).toBe(false);
});

test('of a revoked subject every older token is refused, and one that does not say how old it is', () => {
  const { list, revoke } = makeList();
  revoke({ subject: 'alice' });
  expect(list.isRevoked(token())).toBe(true);
  expect(list.isRevoked(token({ issuedAtMs: null }))).toBe(true);
  expect(list.isRevoked(token({ tokenId: null }))).toBe(true);
  expect(list.isRevoked(token({ subject: 'alice2' }))).toBe(false);
  expect(list.isRevoked(token({ subject: null, tokenId: null, issuedAtMs: null }))).toBe(false);
});

test('whoever signs in again gets through within a second, and no token of before ever does', () => {
  const { list, state, revoke } = makeList();
  revoke({ subject: 'alice' });
  for (let agoMs = 0; agoMs < 5_000; agoMs += 50) {
    expect(list.isRevoked(token({ issuedAtMs: issuedAt(startMs - agoMs) }))).toBe(true);
  }
  const again = [...Array(40).keys()].map((step) => issuedAt(startMs + step * 50));
  const firstGood = again.findIndex((issuedAtMs) => !list.isRevoked(token({ issuedAtMs })));
  expect(firstGood * 50).toBeLessThanOrEqual(secondMs);
  expect(again.slice(firstGood).every((issuedAtMs) => !list.isRevoked(token({ issuedAtMs })))).toBe(true);
  // An issuer that writes fractions tells them apart at once.
  expect(list.isRevoked(token({ issuedAtMs: state.nowMs + 1 }))).toBe(false);
});

test('a later revocation of the same subject counts, an earlier one that comes late takes nothing back', () => {
  const { list, state } = makeList();
  list.add({ subject: 'alice', atMs: startMs, untilMs: startMs + hourMs });
  list.add({ subject: 'alice', atMs: startMs - 50_000, untilMs: startMs + 10_000 });
  state.nowMs += 20_000;
  expect(list.isRevoked(token({ issuedAtMs: startMs - 10 }))).toBe(true);
  expect(list.size).toBe(1);
});

test('names cannot be mistaken for each other, however they are made', () => {
  const { list, revoke } = makeList();
  revoke({ subject: 'x' });
  revoke({ subject: 'b c', tokenId: 'a' });
  revoke({ subject: 'long'.repeat(100) });
  expect(list.isRevoked(token({ subject: 'y', tokenId: 'x' }))).toBe(false);
  expect(list.isRevoked(token({ subject: 'c', tokenId: 'a b' }))).toBe(false);
  expect(list.isRevoked(token({ subject: 'b c', tokenId: 'a' }))).toBe(true);
  expect(list.isRevoked(token({ subject: 'long'.repeat(100) }))).toBe(true);
  expect(list.isRevoked(token({ subject: 'long'.repeat(99) }))).toBe(false);
});

test('a clock gone wrong, or malice, refuses nobody for ever', () => {
  const { list, state } = makeList();
  list.add({ subject: 'alice', atMs: Number.MAX_SAFE_INTEGER, untilMs: Number.MAX_SAFE_INTEGER });
  expect(list.isRevoked(token())).toBe(true);
  expect(list.isRevoked(token({ issuedAtMs: startMs + 120_000 }))).toBe(false);
  state.nowMs += hourMs + 720_000;
  expect(list.isRevoked(token())).toBe(false);
});

test('full, it refuses more rather than less, tells so, and stays small', () => {
  const { list, state, revoke } = makeList(100);
  for (let i = 0; i < 150; i++) {
    revoke({ tokenId: `t${i}` });
    state.nowMs += 10_000;
  }
  expect([list.size, state.held, state.widened]).toEqual([100, 100, 50]);
  for (let i = 0; i < 150; i++) expect(list.isRevoked(token({ tokenId: `t${i}`, issuedAtMs: startMs + i * 10_000 - 1 }))).toBe(true);
  // Only what is about as old as the oldest revocation has to be fetched anew.
  expect(list.isRevoked(token({ tokenId: 'other', subject: 'bob', issuedAtMs: state.nowMs - 600_000 }))).toBe(false);
  expect(list.isRevoked(token({ subject: null, tokenId: null, issuedAtMs: null }))).toBe(false);
  state.nowMs += 2 * hourMs;
  expect(list.isRevoked(token({ issuedAtMs: startMs - 1 }))).toBe(false);
});

test('what could not be read refuses all that was issued by then', () => {
  const { list, state } = makeList();
  list.refuseAllIssuedBy(startMs - 30_000, startMs + hourMs);
  expect(list.isRevoked(token({ issuedAtMs: startMs - 30_000 }))).toBe(true);
  expect(list.isRevoked(token({ issuedAtMs: startMs - 29_999 }))).toBe(false);
  expect(state.widened).toBe(1);
});

test('whatever is revoked in whatever order, no refused token passes while it could be valid', () => {
  const names = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
  const step = fc.record({ subject: fc.option(names), tokenId: fc.option(names), waitMs: fc.integer({ min: 0, max: hourMs / 4 }) });
  const held = fc.record({ subject: names, tokenId: names, agoMs: fc.integer({ min: 0, max: hourMs }) });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 40 }),
      fc.array(held, { maxLength: 10 }),
      fc.integer({ min: 1, max: 6 }),
      (steps, tokens, max) => {
        const { list, state } = makeList(max);
        const asked: Revocation[] = [];
        for (const { subject, tokenId, waitMs } of steps) {
          const what = { ...(subject === null ? {} : { subject }), ...(tokenId === null ? {} : { tokenId }) };
          const revocation = { ...what, atMs: state.nowMs, untilMs: state.nowMs + hourMs };
          asked.push(revocation);
          list.add(revocation);
          state.nowMs += waitMs;
          for (const { subject: of, tokenId: id, agoMs } of tokens) {
            const facts: TokenFacts = { subject: of, tokenId: id, issuedAtMs: issuedAt(state.nowMs - agoMs) };
            // A token that was issued after it was named cannot be: ids are made with the token.
            const isRefused = asked.some((one) => one.untilMs > state.nowMs && (facts.issuedAtMs ?? 0) <= one.atMs && refuses(one, facts));
            if (isRefused) expect(list.isRevoked(facts)).toBe(true);
          }
        }
        expect(list.size).toBeLessThanOrEqual(max);
      },
    ),
  );
});
