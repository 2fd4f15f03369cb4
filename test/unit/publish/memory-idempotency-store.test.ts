import { expect, test } from 'vitest';
import { MemoryIdempotencyStore } from '../../../src/publish/memory/memory-idempotency-store.js';
import { systemEnvironment } from '../../../src/std/system-environment.js';
import { testIdempotencyStore } from '../../contract/idempotency-store-contract.js';

testIdempotencyStore('keys in memory', (options) => new MemoryIdempotencyStore(options, systemEnvironment.clock));

test('a full store is away rather than forgetful', async () => {
  const store = new MemoryIdempotencyStore({ rememberMs: 60_000, leaseMs: 60_000 }, systemEnvironment.clock, 2);
  await store.begin('a', 'f', 'o');
  await store.begin('b', 'f', 'o');
  await expect(store.begin('c', 'f', 'o')).rejects.toThrow('too many');
  expect(await store.begin('a', 'f', 'p')).toEqual({ kind: 'in-flight' });
});
