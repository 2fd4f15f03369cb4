import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { IdempotencyOptions, IdempotencyStore } from '../../src/publish/idempotency-store.js';
import { waitFor } from '../platform/wait-for.js';

/** What every store of idempotency keys promises. */
export function testIdempotencyStore(
  name: string,
  open: (options: IdempotencyOptions) => Promise<IdempotencyStore> | IdempotencyStore,
): void {
  const long: IdempotencyOptions = { rememberMs: 60_000, leaseMs: 60_000 };
  describe(name, () => {
    test('a key is new to one caller, of however many', async () => {
      const store = await open(long);
      const key = randomUUID();
      const begins = await Promise.all(Array.from({ length: 50 }, (_, i) => store.begin(key, 'f', `o${i}`)));
      expect(begins.filter(({ kind }) => kind === 'new').length).toBe(1);
      expect(begins.filter(({ kind }) => kind === 'in-flight').length).toBe(49);
    });

    test('a completed key answers what was remembered, byte for byte, and another fingerprint is told', async () => {
      const store = await open(long);
      const [key, answer] = [randomUUID(), '{"ä":"\\u0000 \u2028"}'];
      await store.begin(key, 'f', 'me');
      await store.complete(key, 'me', answer);
      expect(await store.begin(key, 'f', 'you')).toEqual({ kind: 'answered', answer });
      expect(await store.begin(key, 'g', 'you')).toEqual({ kind: 'mismatch' });
      await store.abandon(key, 'me');
      expect(await store.begin(key, 'f', 'you')).toEqual({ kind: 'answered', answer });
    });

    test('an abandoned key is new again, and only its owner can abandon or complete it', async () => {
      const store = await open(long);
      const key = randomUUID();
      await store.begin(key, 'f', 'me');
      await store.abandon(key, 'you');
      await store.complete(key, 'you', 'x');
      expect(await store.begin(key, 'f', 'you')).toEqual({ kind: 'in-flight' });
      await store.abandon(key, 'me');
      expect(await store.begin(key, 'g', 'you')).toEqual({ kind: 'new' });
    });

    test('a lease that lapses leaves the outcome unknown, never new; a late completion still counts', async () => {
      const store = await open({ rememberMs: 60_000, leaseMs: 40 });
      const key = randomUUID();
      await store.begin(key, 'f', 'me');
      await waitFor(async () => (await store.begin(key, 'f', 'you')).kind === 'unknown', { what: 'the lease to lapse' });
      await store.complete(key, 'me', 'late');
      expect(await store.begin(key, 'f', 'you')).toEqual({ kind: 'answered', answer: 'late' });
    });

    test('a key is forgotten after its time', async () => {
      const store = await open({ rememberMs: 60, leaseMs: 10 });
      const key = randomUUID();
      await store.begin(key, 'f', 'me');
      await store.complete(key, 'me', 'x');
      await waitFor(async () => (await store.begin(key, 'g', 'you')).kind === 'new', { what: 'the key to be forgotten' });
    });
  });
}
