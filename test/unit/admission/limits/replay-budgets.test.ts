import { expect, test } from 'vitest';
import { replayOwnerOf } from '../../../../src/admission/limits/owner.js';
import { ReplayBudgets } from '../../../../src/admission/limits/replay-budgets.js';

const none = { userRecordsPerMinute: null, userBytesPerMinute: null, tenantRecordsPerMinute: null, tenantBytesPerMinute: null };

function openBudgets(options: Partial<ConstructorParameters<typeof ReplayBudgets>[0]>) {
  let tick = 1_000;
  const budgets = new ReplayBudgets({ ...none, ...options }, { nowMs: () => tick, tickMs: () => tick });
  return { budgets, pass: (ms: number) => void (tick += ms) };
}

const ann = replayOwnerOf({ subject: 'ann', tenant: 'acme' });
const bob = replayOwnerOf({ subject: 'bob', tenant: 'acme' });
const cy = replayOwnerOf({ subject: 'cy', tenant: 'other' });

test('a minute of records may be read at once; then pages wait until what they cost is paid', () => {
  const { budgets, pass } = openBudgets({ userRecordsPerMinute: 6_000 });
  budgets.charge(ann, 6_000, 0);
  expect(budgets.waitMs(ann)).toBe(0);
  budgets.charge(ann, 500, 0);
  expect(budgets.waitMs(ann)).toBe(5_000);
  expect(budgets.waitMs(bob)).toBe(0);
  pass(5_000);
  expect(budgets.waitMs(ann)).toBe(0);
});

test('over a long time the rate is kept, however large the pages are', () => {
  const { budgets, pass } = openBudgets({ userBytesPerMinute: 60_000 });
  let read = 0;
  let passedMs = 0;
  for (let i = 0; i < 200; i++) {
    const waitMs = budgets.waitMs(ann);
    pass(waitMs);
    passedMs += waitMs;
    budgets.charge(ann, 1, 10_000 * (1 + (i % 3)));
    read += 10_000 * (1 + (i % 3));
  }
  // A minute's worth at once, and the last page in debt.
  expect(read).toBeLessThanOrEqual(60_000 + passedMs + 30_000);
  expect(read).toBeGreaterThan(passedMs);
});

test('the users of a tenant share its budget, another tenant is not disturbed', () => {
  const { budgets } = openBudgets({ tenantRecordsPerMinute: 600 });
  budgets.charge(ann, 600, 0);
  budgets.charge(bob, 10, 0);
  expect(budgets.waitMs(ann)).toBe(1_000);
  expect(budgets.waitMs(bob)).toBe(1_000);
  expect(budgets.waitMs(cy)).toBe(0);
  expect(budgets.waitMs(replayOwnerOf({ subject: 'dan', tenant: null }))).toBe(0);
});

test('without a budget nobody waits', () => {
  const { budgets } = openBudgets({});
  budgets.charge(ann, 1e9, 1e12);
  expect(budgets.waitMs(ann)).toBe(0);
});

test('no tenant can be named so that it passes for another', () => {
  const owners = [
    { subject: 'b:c', tenant: 'a' },
    { subject: 'c', tenant: 'a:b' },
    { subject: 'a:b:c', tenant: null },
    { subject: '1:a:b:c', tenant: '' },
  ].map(replayOwnerOf);
  expect(new Set(owners).size).toBe(owners.length);
});
