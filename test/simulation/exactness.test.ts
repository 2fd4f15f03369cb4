import { expect, test } from 'vitest';
import { runSeeds } from './run-seeds.js';

const seeds = Number(process.env['SIM_SEEDS'] ?? 3_000);
const first = Number(process.env['SIM_FIRST_SEED'] ?? 1);

test(`nothing is lost, repeated or out of order, and every reader gets to live (${seeds} seeds)`, { timeout: 600_000 }, async () => {
  const failure = await runSeeds(first, seeds);
  expect(failure, failure?.story).toBeNull();
});
